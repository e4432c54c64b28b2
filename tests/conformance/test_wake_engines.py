"""What every wake word engine must do. A new engine passes by its line in ENGINES."""

from collections.abc import Iterator

import numpy as np
import pytest
from rigged import Rig, rigged
from speech import silence, speak

from wyoming_servers.shared.engines import EngineContext, EngineSpec
from wyoming_servers.shared.errors import UnknownNameError
from wyoming_servers.wake import ENGINES
from wyoming_servers.wake.engine import WakeEngine

PHRASES = ("alexa", "hey jarvis", "okay nabu")
"""Said here if an engine knows one of them; the suite needs something that is heard."""
NOISE_RMS = 300
FRAME_MS = 80  # the longest step any engine's model takes


@pytest.fixture(scope="module", params=ENGINES, ids=lambda spec: spec.name)
def spec(request: pytest.FixtureRequest) -> EngineSpec:
    """One engine."""
    return request.param


@pytest.fixture(scope="module")
def rig(spec: EngineSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """What it stands on, in a house without anything of its own."""
    with rigged("wake", spec, tmp_path_factory.mktemp(spec.name)) as rig:
        yield rig


@pytest.fixture(scope="module")
def context(rig: Rig) -> EngineContext:
    """What it is told about the house."""
    return rig.context


@pytest.fixture(scope="module")
def engine(spec: EngineSpec, rig: Rig) -> Iterator[WakeEngine]:
    """It, loaded."""
    engine = spec.load_class()(rig.options, rig.context)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def word(spec: EngineSpec, context: EngineContext) -> tuple[str, np.ndarray]:
    """A word it knows, and a second and a half around it."""
    models = {model.phrase: model.name for model in listed(spec, context)}
    phrase = next((phrase for phrase in PHRASES if phrase in models), None)
    if phrase is None:
        pytest.skip(f"{spec.name} knows none of {', '.join(PHRASES)}")
    return models[phrase], np.concatenate((silence(1), speak(phrase, voice="en-gb"), silence(1)))


def listed(spec: EngineSpec, context: EngineContext):
    """Its words."""
    return spec.load_class().models(spec.load_class().Options(), context)


def hits_of(engine: WakeEngine, samples: np.ndarray, names=(), piece_samples: int = 0):
    """All hits of one stream, fed in pieces."""
    stream = engine.open(names)
    size = piece_samples or max(1, len(samples))
    hits = [hit for start in range(0, len(samples), size) for hit in stream.feed(samples[start : start + size])]
    hits += stream.finish()
    stream.close()
    return hits


def test_words_are_listed_without_loading_the_engine(spec, context):
    class Unloadable(spec.load_class()):
        def __init__(self, *_):
            raise AssertionError("loaded")

    assert Unloadable.models(Unloadable.Options(), context)


def test_words_have_unique_names_phrases_and_origins(spec, context):
    models = listed(spec, context)
    assert len({model.name for model in models}) == len(models)
    assert len({model.description for model in models}) == len(models)
    assert all(model.phrase and model.languages and model.author for model in models)


def test_an_unknown_word_is_refused_with_the_known_ones(engine, spec, context):
    with pytest.raises(UnknownNameError, match=listed(spec, context)[0].name):
        engine.open(["no such word"])


def test_an_unknown_word_beside_a_known_one_is_left_out(engine, word):
    name, samples = word
    assert [hit.name for hit in hits_of(engine, samples, ["no such word", name])] == [name]


def test_a_word_is_heard(engine, word):
    name, samples = word
    assert [hit.name for hit in hits_of(engine, samples, [name])] == [name]


def test_a_default_word_is_heard_when_none_is_named(engine, spec, context, word):
    name, samples = word
    assert name in [hit.name for hit in hits_of(engine, samples)]


def test_a_word_at_the_very_beginning_and_end_is_heard(engine, word):
    name, samples = word
    loud = np.flatnonzero(np.abs(samples) > 200)
    assert [hit.name for hit in hits_of(engine, samples[loud[0] : loud[-1] + 1], [name])] == [name]


def test_a_word_named_twice_is_heard_once(engine, word):
    name, samples = word
    assert len(hits_of(engine, samples, [name, name])) == 1


def test_scores_lie_between_0_and_1(engine, word):
    assert all(0 < hit.score <= 1 for hit in hits_of(engine, word[1]))


@pytest.mark.parametrize("level", [0, 1, NOISE_RMS, 10 * NOISE_RMS])
def test_silence_and_noise_are_no_word(engine, level):
    noise = np.random.default_rng(0).normal(0, level, 10 * 16_000).astype(np.int16) if level else silence(10)
    assert hits_of(engine, noise) == []


def test_the_sudden_start_of_a_noise_is_no_word(engine):
    noise = np.random.default_rng(0).normal(0, NOISE_RMS, 32_000).astype(np.int16)
    click = np.full(800, 32_767, np.int16)
    assert hits_of(engine, np.concatenate((noise, silence(2), noise, silence(1), click, silence(2)))) == []


def test_speech_without_a_wake_word_is_none(engine):
    assert hits_of(engine, speak("set a timer for five minutes and turn on the lights in the kitchen")) == []


@pytest.mark.parametrize("piece_samples", [1, 160, 512, 1280, 4097])
def test_how_the_audio_is_cut_makes_no_difference(engine, word, piece_samples):
    name, samples = word
    samples = samples[8000:-8000]
    whole = hits_of(engine, samples, [name])
    assert whole
    assert hits_of(engine, samples, [name], piece_samples) == whole


def test_a_stream_fed_what_it_wants_hears_the_same(engine, word):
    name, samples = word
    stream = engine.open([name])
    hits, fed = [], 0
    while fed < len(samples):
        wanted = stream.wanted_samples
        assert 0 < wanted <= 16_000
        hits += stream.feed(samples[fed : fed + wanted])
        fed += wanted
    assert hits + stream.finish() == hits_of(engine, samples, [name])


def test_feeding_nothing_brings_nothing(engine, word):
    stream = engine.open([word[0]])
    assert stream.feed(np.zeros(0, np.int16)) == []
    assert [hit.name for hit in stream.feed(word[1])] == [word[0]]


def test_a_stream_without_audio_can_be_finished(engine):
    assert engine.open(()).finish() == []


def test_two_streams_are_isolated(engine, word):
    """80 ms by 80 ms in turn: one hears the word, the other silence."""
    name, samples = word
    speaking, silent = engine.open([name]), engine.open([name])
    step = 1280
    heard = []
    for start in range(0, len(samples), step):
        heard += speaking.feed(samples[start : start + step])
        assert silent.feed(np.zeros(step, np.int16)) == []
    assert heard == hits_of(engine, samples, [name])


def test_a_closed_stream_leaves_the_others_alone(engine, word):
    name, samples = word
    closed, other = engine.open([name]), engine.open([name])
    closed.feed(samples[:10_000])
    closed.close()
    assert [hit.name for hit in other.feed(samples)] == [name]


def test_timestamps_rise_and_stay_within_the_audio(engine, word):
    name, samples = word
    audio = np.concatenate((samples, silence(2), samples, silence(2), samples[:-14_000]))
    times = [hit.timestamp_ms for hit in hits_of(engine, audio, [name])]
    assert len(times) == 3
    assert times == sorted(set(times))
    assert times[-1] <= len(audio) * 1000 // 16_000


def test_timestamps_are_where_the_word_is(engine, word):
    name, samples = word
    early, late = (hits_of(engine, np.concatenate((silence(seconds), samples)), [name])[0] for seconds in (0, 4))
    assert late.timestamp_ms - early.timestamp_ms == pytest.approx(4000, abs=FRAME_MS)


def test_a_closed_engine_can_be_loaded_again(spec, context, word):
    cls = spec.load_class()
    cls(cls.Options(), context).close()
    again = cls(cls.Options(), context)
    assert [hit.name for hit in hits_of(again, word[1], [word[0]])] == [word[0]]
    again.close()


def test_a_threshold_that_is_changed_counts_in_streams_that_are_open(engine, word):
    name, samples = word
    stream = engine.open([name])
    recommended = engine.thresholds.of(name)
    engine.thresholds.change(name, 1.0)
    try:
        assert [hit for hit in (*stream.feed(samples), *stream.finish()) if hit.score < 1] == []
    finally:
        engine.thresholds.change(name, None)
        stream.close()
    assert engine.thresholds.of(name) == recommended
    assert hits_of(engine, samples, [name])
