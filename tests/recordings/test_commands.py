"""Recorded commands: the right intent and slots, and the empty text for everything else. Twins of synthetic speech need no recordings."""

import hassil
import numpy as np
import pytest
from recorded import CONTEXT, HOUSE, heard, labels, recording
from speech import speak

from wyoming_servers.shared.templates import Templates, load

pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")

from wyoming_servers.asr.phrases import PhrasesEngine, PhrasesOptions

MOST_ACCEPTED = 0.2  # of general English, none of it in the grammar


@pytest.fixture(scope="module")
def engine() -> PhrasesEngine:
    """The recogniser in the house of the recordings."""
    return PhrasesEngine(PhrasesOptions(), CONTEXT)


@pytest.fixture(scope="module")
def templates() -> Templates:
    """What a sentence means."""
    return load("en", HOUSE, CONTEXT.intents_dirs, scope="text")


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
