"""A word or two that is expected, heard by the embedded recogniser: "stop" where a sentence could not be one."""

import numpy as np
import pytest
from speech import silence, speak

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.asr.phrases import PhrasesEngine, PhrasesOptions
from wyoming_servers.satellite.remarks import Remark, Remarks
from wyoming_servers.shared.engines import EngineContext

TERMS = Remarks("en").terms
VOICES = (None, "f1", "f3", "m1", "m5")


@pytest.fixture(scope="module")
def engine() -> PhrasesEngine:
    return PhrasesEngine(PhrasesOptions(), EngineContext())


def heard(engine: PhrasesEngine, text: str, speaker: str | None = None, terms: tuple[str, ...] = TERMS) -> str:
    sound = np.concatenate((silence(0.36), speak(text, speaker=speaker), silence(0.2)))
    sound = np.clip(sound + np.random.default_rng(1).normal(0, 8, len(sound)), -32768, 32767).astype(np.int16)
    stream = engine.open(AsrRequest(terms=terms))
    stream.feed(sound)
    return stream.finish().text


@pytest.mark.parametrize("text", ["stop", "be quiet", "that's enough", "never mind", "shut up"])
def test_stop_is_told_by_most_voices(engine: PhrasesEngine, text: str) -> None:
    judged = [Remarks("en").judge(heard(engine, text, voice), "") for voice in VOICES]
    assert judged.count(Remark.STOP) >= 4


@pytest.mark.parametrize("text", ["okay", "what about tomorrow", "the weather", "music", "rain"])
def test_other_words_are_hardly_ever_taken_for_it(engine: PhrasesEngine, text: str) -> None:
    judged = [Remarks("en").judge(heard(engine, text, voice), "") for voice in VOICES]
    assert judged.count(Remark.STOP) <= 1


def test_a_sentence_goes_before_a_term(engine: PhrasesEngine) -> None:
    assert heard(engine, "what time is it") == "what time is it"


def test_without_terms_a_word_is_no_sentence(engine: PhrasesEngine) -> None:
    assert heard(engine, "okay", terms=()) == ""
