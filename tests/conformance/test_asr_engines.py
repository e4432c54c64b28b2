"""What every recogniser must do. A new engine passes by its line in ENGINES, and a rig if it needs anything."""

import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from rigged import Rig, rigged
from speech import silence, speak

from wyoming_servers.asr import ENGINES
from wyoming_servers.asr.engine import AsrEngine, AsrRequest, AsrStream, Transcription
from wyoming_servers.shared.engines import EngineSpec, Model
from wyoming_servers.shared.errors import AssistantError, UnknownNameError, UnsupportedLanguageError

NOISE_RMS = 300
STREAMS = 3
ODD_NAMES = ("", " ", "\x00\n\t", "<|endoftext|>", "[BLANK]", "/▁#:@", "Größe", "寝室のライト", "💡" * 40, "a " * 500)


@pytest.fixture(scope="module", params=ENGINES, ids=lambda spec: spec.name)
def spec(request: pytest.FixtureRequest) -> EngineSpec:
    """One engine."""
    return request.param


@pytest.fixture(scope="module")
def rig(spec: EngineSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """What it stands on."""
    with rigged("asr", spec, tmp_path_factory.mktemp(spec.name)) as rig:
        yield rig


@pytest.fixture(scope="module")
def models(spec: EngineSpec, rig: Rig) -> list[Model]:
    """What it offers."""
    return spec.load_class().models(rig.options, rig.context)


@pytest.fixture(scope="module")
def engine(spec: EngineSpec, rig: Rig) -> Iterator[AsrEngine]:
    """It, loaded."""
    engine = spec.load_class()(rig.options, rig.context)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """A sentence as a satellite sends it: with the silence before and after it."""
    return np.concatenate((silence(0.5), speak("what time is it"), silence(0.6)))


def fed(stream: AsrStream, pieces: Sequence[np.ndarray]) -> Transcription:
    """The transcript of the pieces, one after the other."""
    try:
        for piece in pieces:
            stream.feed(piece)
        return stream.finish()
    finally:
        stream.close()


def heard(engine: AsrEngine, samples: np.ndarray, *, piece_samples: int = 4800, **request) -> Transcription:
    """The transcript of one utterance."""
    return fed(engine.open(AsrRequest(**request)), cut(samples, piece_samples))


def cut(samples: np.ndarray, piece_samples: int) -> list[np.ndarray]:
    """The samples in pieces of one length, and the rest."""
    return [samples[first : first + piece_samples] for first in range(0, len(samples), piece_samples)]


def words(text: str) -> list[str]:
    """Without case and punctuation."""
    return re.findall(r"\w+", text.casefold())


def test_models_are_listed_without_loading_the_engine(spec, rig):
    class Unloadable(spec.load_class()):
        def __init__(self, *_):
            raise AssertionError("loaded")

    assert Unloadable.models(rig.options, rig.context)


def test_model_names_are_unique_and_stable(spec, rig, models):
    names = [model.name for model in models]
    assert len(set(names)) == len(names)
    assert [model.name for model in spec.load_class().models(rig.options, rig.context)] == names


def test_descriptions_are_unique_within_a_language(models):
    described = [(language, model.description) for model in models for language in model.languages]
    assert len(set(described)) == len(described)


def test_every_model_says_who_made_it_and_what_it_hears(models):
    assert all(model.author and model.url and model.description.strip() and model.languages for model in models)


def test_the_default_model_hears_the_language_of_the_house(models):
    assert any(language.partition("-")[0] == "en" for language in models[0].languages)


@pytest.mark.parametrize("level", [0, 1, NOISE_RMS, 10 * NOISE_RMS])
def test_silence_and_noise_are_no_text(engine, level):
    noise = np.random.default_rng(0).normal(0, level, 3 * 16_000).astype(np.int16) if level else silence(3)
    assert heard(engine, noise).text == ""


def test_a_click_is_no_text(engine):
    assert heard(engine, np.concatenate((silence(0.5), np.full(800, 32_767, np.int16), silence(0.5)))).text == ""


def test_nothing_fed_is_no_text(engine):
    assert fed(engine.open(AsrRequest()), []).text == ""


def test_empty_pieces_are_no_text(engine):
    assert fed(engine.open(AsrRequest()), [np.zeros(0, np.int16)] * 3).text == ""


def test_a_sentence_is_heard(engine, rig, spoken):
    if not rig.heard:
        pytest.skip("what this engine hears in its rig is not known")
    assert words(heard(engine, spoken).text) == words(rig.heard)


def test_a_sentence_without_silence_around_it_is_heard(engine, rig):
    if not rig.heard:
        pytest.skip("what this engine hears in its rig is not known")
    assert words(heard(engine, speak("what time is it")).text) == words(rig.heard)


def test_the_text_is_trimmed_and_has_single_spaces(engine, spoken):
    text = heard(engine, spoken).text
    assert text == " ".join(text.split())


def test_confidence_lies_between_0_and_1_where_there_is_one(engine, spoken):
    for samples in (spoken, silence(1)):
        sure = heard(engine, samples).confidence
        assert sure is None or 0 <= sure <= 1


def test_the_language_of_the_transcript_is_the_one_asked_for(engine, models, spoken):
    for language in models[0].languages[:2]:
        told = heard(engine, spoken, language=language).language
        assert told is None or told.partition("-")[0] == language.replace("_", "-").partition("-")[0]


def test_every_language_of_the_default_model_is_accepted(engine, models):
    for language in models[0].languages:
        engine.open(AsrRequest(language=language)).close()


def test_the_default_model_can_be_named(engine, models, spoken):
    assert heard(engine, spoken, model=models[0].name).text == heard(engine, spoken).text


@pytest.mark.parametrize("piece_samples", [160, 512, 4097, 1 << 20])
def test_how_the_audio_is_cut_makes_no_difference(engine, spoken, piece_samples):
    assert heard(engine, spoken, piece_samples=piece_samples).text == heard(engine, spoken, piece_samples=1280).text


def test_single_samples_make_no_difference(engine, spoken):
    pieces = [*cut(spoken[6000:8000], 1), spoken[8000:]]
    assert fed(engine.open(AsrRequest()), pieces).text == heard(engine, spoken[6000:]).text


def test_samples_may_be_read_only(engine, spoken):
    frozen = np.frombuffer(spoken.tobytes(), np.int16)
    assert heard(engine, frozen).text == heard(engine, spoken).text


def test_hypotheses_come_only_where_they_are_promised(engine, spoken):
    stream = engine.open(AsrRequest())
    hypotheses = [stream.feed(piece) for piece in cut(spoken, 800)]
    stream.finish()
    stream.close()
    told = [hypothesis for hypothesis in hypotheses if hypothesis is not None]
    assert all(isinstance(hypothesis, str) for hypothesis in told)
    assert all(one != other for one, other in zip(told, told[1:], strict=False))
    if not engine.streams_partials:
        assert told == []


def test_streams_on_several_threads_do_not_mix(engine, spoken):
    """Speech, silence and noise at the same time, each as if it were alone."""
    noise = np.random.default_rng(1).normal(0, NOISE_RMS, len(spoken)).astype(np.int16)
    alone = heard(engine, spoken).text
    begin = threading.Barrier(STREAMS)

    def hear(samples: np.ndarray) -> str:
        stream = engine.open(AsrRequest())
        begin.wait(5)
        return fed(stream, cut(samples, 1600)).text

    with ThreadPoolExecutor(STREAMS) as pool:
        assert list(pool.map(hear, (spoken, noise, spoken))) == [alone, "", alone]


def test_streams_in_turn_do_not_mix(engine, spoken):
    speaking, silent = engine.open(AsrRequest()), engine.open(AsrRequest())
    for piece in cut(spoken, 3200):
        speaking.feed(piece)
        silent.feed(np.zeros(len(piece), np.int16))
    assert silent.finish().text == ""
    assert speaking.finish().text == heard(engine, spoken).text
    speaking.close()
    silent.close()


def test_a_stream_closed_in_the_middle_leaves_the_others_alone(engine, spoken):
    for _ in range(4):
        stream = engine.open(AsrRequest())
        stream.feed(spoken[: len(spoken) // 2])
        stream.close()
    assert heard(engine, spoken).text == heard(engine, spoken).text


def test_a_stream_can_be_closed_before_anything_is_fed(engine):
    engine.open(AsrRequest()).close()


@pytest.mark.parametrize("when", ["before", "amid", "after"])
def test_a_stream_that_is_given_up_ends_and_leaves_the_others_alone(engine, spoken, when):
    """Whoever gives up wants no transcript: there may be one, or an error."""
    stream = engine.open(AsrRequest())
    middle = len(spoken) // 2
    try:
        if when == "before":
            stream.cancel()
        stream.feed(spoken[:middle])
        if when == "amid":
            stream.cancel()
        stream.feed(spoken[middle:])
        stream.finish()
    except AssistantError:
        pass
    stream.cancel()
    stream.close()
    assert heard(engine, spoken).text == heard(engine, spoken).text


def test_an_unknown_model_is_named(engine):
    with pytest.raises(UnknownNameError, match="no-such-model"):
        engine.open(AsrRequest(model="no-such-model")).close()


def test_a_language_it_does_not_hear_is_refused(engine):
    with pytest.raises(UnsupportedLanguageError):
        engine.open(AsrRequest(language="tlh")).close()


def test_long_audio_is_taken(engine, rig, spoken):
    """35 s: more than Whisper's window, and more than the server's usual limit."""
    samples = np.concatenate((spoken, silence(35 - len(spoken) / 16_000)))
    text = heard(engine, samples, piece_samples=16_000).text
    assert not rig.heard or words(text) == words(rig.heard)


def test_speech_without_a_pause_may_last_35_seconds(engine):
    sentence = speak("what time is it")
    assert isinstance(heard(engine, np.tile(sentence, 35 * 16_000 // len(sentence) + 1), piece_samples=16_000).text, str)


def test_names_and_terms_are_accepted(engine, rig, spoken):
    text = heard(engine, spoken, names=("Kitchen", "Anna's lamp", "Küche"), terms=("timer", "Wetter")).text
    assert not rig.heard or words(text) == words(rig.heard)


def test_thousands_of_odd_names_are_accepted(engine, rig, spoken):
    names = (*ODD_NAMES, *(f"device number {i}" for i in range(2000)))
    text = heard(engine, spoken, names=names, terms=names).text
    assert not rig.heard or words(text) == words(rig.heard)


def test_a_closed_engine_can_be_loaded_again(spec, rig, spoken):
    spec.load_class()(rig.options, rig.context).close()
    again = spec.load_class()(rig.options, rig.context)
    text = heard(again, spoken).text
    again.close()
    assert not rig.heard or words(text) == words(rig.heard)
