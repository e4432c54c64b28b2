"""What every voice must do. An engine whose library or model is not on this machine is skipped, saying what it lacks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from rigged import rigged

from wyoming_servers.shared.errors import UnknownNameError
from wyoming_servers.shared.speakable import has_words
from wyoming_servers.tts import ENGINES
from wyoming_servers.tts.engine import TtsRequest


@pytest.fixture(scope="module", params=ENGINES, ids=lambda spec: spec.name)
def spec(request):
    return request.param


@pytest.fixture(scope="module")
def rig(spec, tmp_path_factory):
    with rigged("tts", spec, tmp_path_factory.mktemp(spec.name)) as rig:
        yield rig


@pytest.fixture(scope="module")
def models(spec, rig):
    return spec.load_class().models(rig.options, rig.context)


@pytest.fixture(scope="module")
def engine(spec, rig):
    made = spec.load_class()(rig.options, rig.context)
    yield made
    made.close()


def test_names_are_stable_and_unique(spec, rig, models):
    names = [model.name for model in models]
    assert len(set(names)) == len(names) > 0
    assert [model.name for model in spec.load_class().models(rig.options, rig.context)] == names


def test_descriptions_are_unique_within_a_language(models):
    described = [(language, model.description) for model in models for language in model.languages]
    assert len(set(described)) == len(described)


def test_every_voice_says_who_made_it_and_what_it_speaks(models):
    assert all(model.author and model.url and model.description.strip() and model.languages for model in models)


def test_the_default_voice_speaks_the_language_of_the_house(models):
    assert any(language.partition("-")[0] == "en" for language in models[0].languages)


def test_blocks_are_whole_samples_at_one_rate_and_heard(engine, models):
    blocks = list(engine.synthesize(TtsRequest("Hello there. How are you?", models[0].name)))
    assert len({block.rate_hz for block in blocks}) == 1
    assert all(block.pcm and len(block.pcm) % 2 == 0 for block in blocks)
    assert 0.8 < sum(len(block.pcm) for block in blocks) / 2 / blocks[0].rate_hz < 6
    assert any(any(block.pcm) for block in blocks)


@pytest.mark.parametrize("text", ["5", "a", "Hello", "Größe 12, naïve", "hello\x00world", "\ud800 hello", "[[x]]", "<b>hi</b>"])
def test_everything_with_a_word_in_it_is_heard(engine, models, text):
    assert has_words(text)
    assert any(any(block.pcm) for block in engine.synthesize(TtsRequest(text, models[0].name)))


def test_a_request_can_be_given_up_in_the_middle_and_the_next_one_is_served(engine, models):
    for _ in range(5):
        blocks = engine.synthesize(TtsRequest("A sentence that is long enough to be given up. " * 20, models[0].name))
        next(blocks)
        blocks.close()
    assert list(engine.synthesize(TtsRequest("Hello.", models[0].name)))


def test_a_request_that_is_never_begun_costs_nothing(engine, models):
    engine.synthesize(TtsRequest("Hello.", models[0].name)).close()
    assert list(engine.synthesize(TtsRequest("Hello.", models[0].name)))


def test_an_unknown_voice_is_named(engine):
    with pytest.raises(UnknownNameError, match="no-such-voice"):
        list(engine.synthesize(TtsRequest("Hello.", "no-such-voice")))


def test_speakers_are_heard_too(engine, models):
    for speaker in models[0].speakers[:3]:
        assert any(any(block.pcm) for block in engine.synthesize(TtsRequest("Hello.", models[0].name, speaker)))


def test_requests_from_several_threads_are_all_answered_in_full(engine, models):
    def samples(_: int) -> int:
        return sum(len(block.pcm) for block in engine.synthesize(TtsRequest("Hello there. How are you?", models[0].name))) // 2

    alone = samples(0)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(samples, range(8))) == [pytest.approx(alone, rel=0.15)] * 8
