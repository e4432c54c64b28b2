"""Recorded commands: the right intent and slots, and the empty text for everything else. Twins of synthetic speech need no recordings."""

import csv
from pathlib import Path

import hassil
import numpy as np
import pytest
from speech import silence, speak

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.shared import paths
from wyoming_servers.shared.audio import read_wav
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.house import Area, Device, House
from wyoming_servers.shared.templates import Templates, load

pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")

from wyoming_servers.asr.phrases import PhrasesEngine, PhrasesOptions

AUDIO = Path(__file__).resolve().parents[3] / "shared" / "audio"
HOUSE = House(
    areas=(Area("Kitchen"), Area("Office"), Area("Living Room")),
    devices=(
        Device("Bed Light", "light"),
        Device("Standing Light", "light", "Office"),
        Device("ceiling lights", "light", "Kitchen"),
        Device("Sliding Door", "cover", "Office"),
        Device("blinds", "cover", "Office"),
        Device("Office curtains", "cover", "Office"),
        Device("windows", "cover"),
        Device("Front Door", "lock"),
        Device("TV", "media_player"),
        Device("EcoBee", "sensor"),
        Device("Outdoor Humidity", "sensor"),
        Device("Party Time", "script"),
        Device("Mood Lighting", "scene"),
    ),
    places=("New York",),
    lists=("Shopping List",),
)
CONTEXT = EngineContext(house=HOUSE, intents_dirs=(paths.content("intents"),))
MOST_ACCEPTED = 0.2  # of general English, none of it in the grammar


@pytest.fixture(scope="module")
def engine() -> PhrasesEngine:
    """The recogniser in the house of the recordings."""
    return PhrasesEngine(PhrasesOptions(), CONTEXT)


@pytest.fixture(scope="module")
def templates() -> Templates:
    """What a sentence means."""
    return load("en", HOUSE, CONTEXT.intents_dirs, scope="text")


def recording(name: str) -> np.ndarray:
    """One file; skips where the recordings are not beside the checkout."""
    path = AUDIO / name
    if not path.exists():
        pytest.skip(f"needs the recording {name} beside the checkout")
    return read_wav(path)


def labels(kind: str) -> list[tuple[str, str]]:
    """File and words of every recording of one folder; skips where there are none."""
    path = AUDIO / "labels.csv"
    if not path.exists():
        pytest.skip("needs the recordings beside the checkout")
    with path.open(newline="", encoding="utf-8") as lines:
        return [(row["file"], row["text"]) for row in csv.DictReader(lines) if row["file"].startswith(f"{kind}/")]


def heard(engine: PhrasesEngine, samples: np.ndarray) -> str:
    """The transcript of one utterance and half a second of silence."""
    stream = engine.open(AsrRequest())
    stream.feed(np.concatenate((samples, silence(0.5))))
    text = stream.finish().text
    stream.close()
    return text


def meanings(templates: Templates, text: str) -> set:
    """Every intent with its slots that a sentence can have, as if said in the kitchen."""
    found = (
        hassil.recognize_all(text, templates.intents, slot_lists=templates.slot_lists, intent_context={"area": "Kitchen"}) if text else ()
    )
    return {(result.intent.name, *sorted((slot, _plain(entity.value)) for slot, entity in result.entities.items())) for result in found}


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def wrong(engine: PhrasesEngine, templates: Templates, said: list[tuple[str, np.ndarray]]) -> list[tuple[str, str]]:
    """Sentences whose transcript means something else."""
    results = [(text, heard(engine, samples)) for text, samples in said]
    return [
        (text, got) for text, got in results if got.lower() != text.lower() and not meanings(templates, got) & meanings(templates, text)
    ]


@pytest.mark.recordings
@pytest.mark.parametrize("part", range(8))
def test_recorded_commands_give_their_intent_and_slots(engine, templates, part):
    said = [(text, recording(file)) for file, text in labels("commands")][part::8]
    assert len(mistaken := wrong(engine, templates, said)) <= 1, mistaken


@pytest.mark.recordings
@pytest.mark.parametrize("gain", [0.1, 2.0])
def test_softer_and_louder_commands_give_their_intent_and_slots(engine, templates, gain):
    said = [(text, np.clip(recording(file) * gain, -32768, 32767).astype(np.int16)) for file, text in labels("commands")[::8]]
    assert len(mistaken := wrong(engine, templates, said)) <= 1, mistaken


@pytest.mark.recordings
def test_recorded_noise_gives_the_empty_text(engine):
    assert [heard(engine, recording(file)) for file, _ in labels("noise")] == [""]


@pytest.mark.parametrize(
    "text",
    [
        "set a timer for five minutes",
        "what time is it",
        "turn on the kitchen lights",
        "close the office curtains",
        "cancel all timers",
        "set an alarm for half past ten",
        "wake me up at six thirty",
        "five more minutes",
        "what's the weather in new york",
        "set bed light brightness to forty percent",
        "stop",
    ],
)
def test_synthetic_commands_give_their_intent_and_slots(engine, templates, text):
    assert wrong(engine, templates, [(text, speak(text))]) == []


GENERAL = [
    "who won the football game last night",
    "the quick brown fox jumps over the lazy dog",
    "tell me about the roman empire",
    "my brother is coming to dinner on friday",
    "what is the capital of france",
    "can you read me the news",
    "he said that he would never go back there again",
    "find a recipe for pancakes",
    "how far is the moon from the earth",
    "send a message to anna that i will be late",
]


def test_general_english_gives_the_empty_text(engine):
    taken = [(text, got) for text in GENERAL if (got := heard(engine, speak(text)))]
    assert len(taken) <= len(GENERAL) * MOST_ACCEPTED, taken


def test_a_hum_gives_the_empty_text(engine):
    hum = (3000 * np.sin(2 * np.pi * 50 * np.arange(48_000) / 16_000)).astype(np.int16)
    assert heard(engine, hum) == ""
