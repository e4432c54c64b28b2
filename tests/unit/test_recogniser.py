"""The phrases engine: its contract, its partial hypotheses, its decoders; pronunciations and wording."""

import threading
from pathlib import Path

import numpy as np
import pytest
from speech import silence, speak

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.asr.pronunciation import from_ipa, pronunciations
from wyoming_servers.asr.wording import written
from wyoming_servers.shared import paths
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import UnknownNameError, UnsupportedLanguageError
from wyoming_servers.shared.house import Area, Device, House

pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")

from wyoming_servers.asr.phrases import PhrasesEngine, PhrasesOptions, PhrasesStream

HOUSE = House(areas=(Area("Kitchen"),), devices=(Device("Zyxel Lamp", "light"),))
CONTEXT = EngineContext(house=HOUSE, intents_dirs=(paths.content("intents"),))
SAID = "set a timer for five minutes"


@pytest.fixture(scope="module")
def engine() -> PhrasesEngine:
    """One engine with one decoder for all tests here: what one utterance leaves behind, the next would show."""
    return PhrasesEngine(PhrasesOptions(decoders=1), CONTEXT)


def spoken(text: str = SAID) -> np.ndarray:
    return np.concatenate((silence(0.2), speak(text), silence(0.5)))


def fed(stream: PhrasesStream, samples: np.ndarray, block: int = 1600) -> list[str]:
    """The hypotheses on the way."""
    partials = [stream.feed(samples[first : first + block]) for first in range(0, len(samples), block)]
    return [partial for partial in partials if partial is not None]


def transcript(engine: PhrasesEngine, samples: np.ndarray, block: int = 1600) -> str:
    stream = engine.open(AsrRequest())
    fed(stream, samples, block)
    text = stream.finish().text
    stream.close()
    return text


def test_a_command_is_heard(engine):
    assert transcript(engine, spoken()) == SAID


BEGUN = {"set a timer for": "set a timer for"} | dict.fromkeys([SAID, "take a look", "what is the date today"], "")


@pytest.mark.parametrize(("text", "begun"), BEGUN.items())
def test_the_beginning_of_a_sentence_is_told_from_a_sentence(engine, text, begun):
    stream = engine.open(AsrRequest())
    fed(stream, spoken(text))
    assert stream.finish().begun == begun
    stream.close()


def test_a_name_that_is_in_no_dictionary_is_heard(engine):
    assert transcript(engine, spoken("turn on the zyxel lamp")) == "turn on the zyxel lamp"


@pytest.mark.parametrize("block", [100, 512, 16_000, 100_000])
def test_the_size_of_blocks_makes_no_difference(engine, block):
    assert transcript(engine, spoken(), block) == SAID


def test_speech_that_is_cut_off_at_its_end_is_heard_at_once(engine):
    assert transcript(engine, speak("what time is it")) == "what time is it"


def test_an_utterance_leaves_nothing_behind(engine):
    results = set()
    for before in (spoken(), (spoken() * 0.02).astype(np.int16), np.random.default_rng(3).normal(0, 3000, 32_000).astype(np.int16)):
        transcript(engine, before)
        stream = engine.open(AsrRequest())
        stream.feed(spoken("cancel the timer"))
        results.add(stream.finish())
        stream.close()
    assert len(results) == 1


def test_confidence_is_a_probability(engine):
    stream = engine.open(AsrRequest())
    stream.feed(spoken())
    confidence = stream.finish().confidence
    stream.close()
    assert confidence is not None and 0 <= confidence <= 1


def test_what_is_not_trusted_is_empty():
    engine = PhrasesEngine(PhrasesOptions(trust=1.0), CONTEXT)
    assert transcript(engine, spoken()) == ""


@pytest.mark.parametrize("samples", [np.empty(0, np.int16), silence(0.01), silence(2)], ids=["nothing", "a moment", "silence"])
def test_silence_is_the_empty_text(engine, samples):
    assert transcript(engine, samples) == ""


def test_hypotheses_come_while_the_user_speaks(engine):
    stream = engine.open(AsrRequest())
    partials = fed(stream, spoken("set a timer for five minutes and twenty seconds"))
    stream.close()
    assert len(partials) >= 2 and all(partial.startswith("set") for partial in partials)


def test_more_streams_than_decoders_are_all_heard(engine):
    streams = [engine.open(AsrRequest()) for _ in range(3)]
    for stream in streams:
        fed(stream, spoken())
    texts = []
    for stream in streams:
        texts.append(stream.finish().text)
        stream.close()
    assert texts == [SAID] * 3


def test_a_stream_given_up_frees_its_decoder(engine):
    stream = engine.open(AsrRequest())
    fed(stream, spoken())
    stream.close()
    assert transcript(engine, spoken()) == SAID


def test_streams_on_several_threads_do_not_disturb_each_other():
    engine = PhrasesEngine(PhrasesOptions(decoders=2), CONTEXT)
    said = [SAID, "what time is it", "cancel the timer"]
    texts: dict[str, str] = {}
    threads = [threading.Thread(target=lambda text=text: texts.update({text: transcript(engine, spoken(text))})) for text in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {text: transcript(engine, spoken(text)) for text in said}


@pytest.mark.parametrize("language", ["en", "en-US", "en_US", "en-GB", None])
def test_english_is_taken(engine, language):
    stream = engine.open(AsrRequest(language=language))
    fed(stream, spoken())
    assert stream.finish().text == SAID


def test_another_language_is_refused(engine):
    with pytest.raises(UnsupportedLanguageError, match="de"):
        engine.open(AsrRequest(language="de"))


def test_another_model_is_refused(engine):
    with pytest.raises(UnknownNameError, match="phrases-en"):
        engine.open(AsrRequest(model="large"))


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("kˈɪtʃən", "K IH CH AH N"),
        ("ˈɛkoʊbˌiː", "EH K OW B IY"),
        ("dʒˈɑːɹvɪs", "JH AA R V IH S"),
        ("ˈaʊɚ", "AW ER"),
        ("θˈɜːməstˌæt", "TH ER M AH S T AE T"),
        ("", ""),
    ],
)
def test_ipa_as_phones(ipa, phones):
    assert from_ipa(ipa) == phones


def test_every_variant_of_the_dictionary_is_taken(tmp_path: Path):
    (tmp_path / "words.dict").write_text("tv T IY V IY\ntv(2) T EH L\nother AH\n")
    assert pronunciations(["tv"], tmp_path / "words.dict") == {"tv": ["T IY V IY", "T EH L"]}


def test_a_word_that_is_in_no_dictionary_is_pronounced(tmp_path: Path):
    (tmp_path / "words.dict").write_text("")
    assert pronunciations(["zyxel"], tmp_path / "words.dict")["zyxel"][0].startswith("Z")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("set a timer for five minute", "set a timer for five minutes"),
        ("set a timer for one minutes", "set a timer for one minute"),
        ("set a five minutes timer", "set a five minute timer"),
    ],
)
def test_units_agree_with_their_number(engine, said, text):
    assert written(engine.hears[0], said.split()) == text
