"""A voice that stands on a Riva server, which behaves, or does not."""

import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("riva.client", reason='nvidia-riva-client is not installed: pip install "earshot-voice[riva]"')

import grpc
from conftest import Serving
from fake_riva import CHARACTER_S, MOST_CHARS, WAIT_S, FakeRiva, RunningRiva, running
from tts_fakes import ask, pcm, synthesize, types

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import (
    BusyError,
    DeadlineError,
    EngineError,
    EngineUnavailableError,
    PeerUnreachableError,
    SettingsError,
    UnknownNameError,
)
from wyoming_servers.shared.settings import TtsSection
from wyoming_servers.tts.engine import AudioBlock, TtsRequest
from wyoming_servers.tts.riva_grpc import RivaTtsEngine
from wyoming_servers.tts.riva_voices import RivaTtsOptions
from wyoming_servers.tts.server import TtsService

ARIA, RAY, LEO = (f"Magpie-Multilingual.{name}" for name in ("EN-US.Aria", "EN-US.Ray", "DE-DE.Leo"))


@pytest.fixture
def server() -> Iterator[RunningRiva]:
    with running() as made:
        yield made


@pytest.fixture
def fake(server: RunningRiva) -> FakeRiva:
    return server.fake


@pytest.fixture
def engine(server: RunningRiva) -> Iterator[RivaTtsEngine]:
    made = RivaTtsEngine(RivaTtsOptions(uri=server.uri, timeout_s=5), EngineContext())
    yield made
    made.close()


def listed(uri: str, context: EngineContext | None = None, **options) -> list[str]:
    return [model.name for model in RivaTtsEngine.models(RivaTtsOptions(uri=uri, **options), context or EngineContext())]


def spoken(engine: RivaTtsEngine, text: str = "Hello.", voice: str = ARIA, speaker: str | None = None) -> list[AudioBlock]:
    return list(engine.synthesize(TtsRequest(text, voice, speaker)))


def spoken_with(server: RunningRiva, text: str = "Hello.", **options) -> list[AudioBlock]:
    engine = RivaTtsEngine(RivaTtsOptions(uri=server.uri, **options), EngineContext())
    try:
        return spoken(engine, text)
    finally:
        engine.close()


def duration_s(blocks: list[AudioBlock]) -> float:
    return sum(len(block.pcm) / 2 / block.rate_hz for block in blocks)


def test_without_an_address_it_says_what_to_set():
    with pytest.raises(EngineUnavailableError, match=r"--set tts\.engines\.riva\.uri=HOST:50051"):
        listed("")


def test_voices_are_those_the_server_tells_those_of_the_house_first(server):
    assert listed(server.uri) == [ARIA, RAY, "English-US.Female-1", LEO]


def test_voices_of_a_german_house_begin_with_a_german_one(server):
    assert listed(server.uri, EngineContext(language="de"))[0] == LEO


def test_a_voice_speaks_the_language_in_its_name(server):
    voices = {model.name: model.languages for model in RivaTtsEngine.models(RivaTtsOptions(uri=server.uri), EngineContext())}
    assert (voices[ARIA], voices[LEO], voices["English-US.Female-1"]) == (("en-US",), ("de-DE",), ("en-US",))


def test_a_voice_without_a_language_in_its_name_speaks_all_of_its_model_the_houses_first(server, fake):
    fake.tts_models = (("zero", {"voice_name": "Zero", "subvoices": "Male:0", "language_code": "en-US,de-DE"}),)
    [voice] = RivaTtsEngine.models(RivaTtsOptions(uri=server.uri), EngineContext(language="de"))
    assert voice.languages == ("de-DE", "en-US")


def test_moods_are_speakers(server):
    voices = {model.name: model.speakers for model in RivaTtsEngine.models(RivaTtsOptions(uri=server.uri), EngineContext())}
    assert (voices[ARIA], voices[RAY]) == (("Happy", "Calm"), ())


def test_a_voice_of_the_settings_is_the_default_also_with_a_mood(server):
    assert listed(server.uri, voice=f"{ARIA}.Happy")[:2] == [f"{ARIA}.Happy", ARIA]


def test_a_voice_of_the_settings_that_is_not_there_is_refused(server):
    with pytest.raises(SettingsError, match="'Dora' is not at .*Magpie"):
        listed(server.uri, voice="Dora")


def test_a_server_that_is_down_is_listed_as_the_settings_say(server):
    server.down()
    [voice] = RivaTtsEngine.models(RivaTtsOptions(uri=server.uri, voice=ARIA, language="en-US"), EngineContext())
    assert (voice.name, voice.languages) == (ARIA, ("en-US",))


def test_voices_are_remembered_while_the_server_is_down(server):
    context = EngineContext()
    before = listed(server.uri, context)
    server.down()
    assert listed(server.uri, context) == before


def test_the_request_is_what_was_asked_for(engine, fake):
    spoken(engine, "Hello.", ARIA, "Happy")
    [asked] = fake.asked
    assert (asked.text, asked.voice_name, asked.language_code, asked.sample_rate_hz) == ("Hello.", f"{ARIA}.Happy", "en-US", 22_050)


def test_blocks_are_whole_samples_and_nothing_is_lost(engine):
    blocks = spoken(engine)
    assert len(blocks) > 1 and all(len(block.pcm) % 2 == 0 for block in blocks)
    assert duration_s(blocks) == pytest.approx(len("Hello.") * CHARACTER_S, abs=0.001)


def test_sound_is_given_before_the_sentence_is_finished(engine, fake):
    fake.stuck = True
    blocks = engine.synthesize(TtsRequest("Hello.", ARIA))
    assert next(blocks).pcm
    blocks.close()
    assert fake.given_up.wait(WAIT_S)


def test_a_model_that_cannot_stream_is_asked_for_whole_sentences(server):
    [first, second] = spoken_with(server, "Hello there. How are you?", streaming=False)
    assert len(first.pcm) > 10_000 < len(second.pcm)


def test_another_rate_can_be_asked_for(server):
    blocks = spoken_with(server, rate_hz=44_100)
    assert {block.rate_hz for block in blocks} == {44_100}
    assert duration_s(blocks) == pytest.approx(len("Hello.") * CHARACTER_S, abs=0.001)


def test_a_rate_the_server_does_not_have_is_said(server):
    with pytest.raises(EngineError, match="Sample rate 8000 is not supported"):
        spoken_with(server, rate_hz=8000)


def test_a_long_text_is_asked_for_in_pieces_the_server_takes(engine, fake):
    text = "a word and another one " * 60
    assert duration_s(spoken(engine, text)) > 60
    assert len(fake.asked) > 3
    assert all(len(asked.text) <= MOST_CHARS for asked in fake.asked)


def test_text_that_looks_like_ssml_is_not_taken_for_it(engine, fake):
    spoken(engine, "<speak>hello <prosody rate='25%'>there</prosody></speak>")
    assert "<" not in "".join(asked.text for asked in fake.asked)


def test_an_unknown_voice_is_refused_with_those_there_are(engine):
    with pytest.raises(UnknownNameError, match="'Dora' at .*Magpie"):
        spoken(engine, voice="Dora")


def test_an_unknown_speaker_is_refused_with_those_there_are(engine):
    with pytest.raises(UnknownNameError, match="'Angry'; there are: Happy, Calm"):
        spoken(engine, speaker="Angry")


def test_a_server_that_makes_no_sound_gives_no_block(engine, fake):
    fake.mute = True
    assert spoken(engine) == []


@pytest.mark.parametrize(
    ("trouble", "error", "text"),
    [
        (grpc.StatusCode.UNAVAILABLE, PeerUnreachableError, r"cannot be reached.*tts\.engines\.riva\.uri"),
        (grpc.StatusCode.INVALID_ARGUMENT, EngineError, "invalid argument.*the trouble that was asked for"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, BusyError, "is busy"),
        (grpc.StatusCode.UNAUTHENTICATED, EngineError, r"refuses access.*tts\.engines\.riva\.key"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineError, "did not answer in time"),
    ],
)
@pytest.mark.parametrize("streaming", [True, False])
def test_what_goes_wrong_is_said(server, fake, streaming, trouble, error, text):
    engine = RivaTtsEngine(RivaTtsOptions(uri=server.uri, streaming=streaming), EngineContext())
    blocks = engine.synthesize(TtsRequest("Hello.", ARIA))
    fake.trouble = trouble
    with pytest.raises(error, match=text):
        list(blocks)
    engine.close()


def test_a_server_that_hangs_up_in_the_middle_is_told(engine, fake):
    fake.cut = True
    with pytest.raises(PeerUnreachableError, match="Socket closed"):
        spoken(engine, "Hello there, how are you?")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_server_that_never_ends_is_given_up(server, fake, streaming):
    fake.stuck = True
    with pytest.raises(DeadlineError, match="in time"):
        spoken_with(server, streaming=streaming, timeout_s=0.3)
    assert fake.given_up.wait(WAIT_S)


@pytest.mark.parametrize("streaming", [True, False])
def test_cancel_ends_a_next_that_waits_and_the_call(server, fake, streaming):
    engine = RivaTtsEngine(RivaTtsOptions(uri=server.uri, streaming=streaming), EngineContext())
    fake.stuck = True
    blocks = engine.synthesize(TtsRequest("Hello.", ARIA))
    canceller = threading.Thread(target=lambda: fake.stuck_now.wait(WAIT_S) and blocks.cancel())
    canceller.start()
    with pytest.raises(EngineError, match="given up"):
        list(blocks)
    canceller.join()
    assert fake.given_up.wait(WAIT_S)
    engine.close()


def test_an_answer_that_is_dropped_half_way_ends_the_call(engine, fake):
    fake.stuck = True
    assert any(block.pcm for block in engine.synthesize(TtsRequest("Hello.", ARIA)))
    assert fake.given_up.wait(WAIT_S)


async def test_a_server_that_comes_later_is_used(serving: Serving, server):
    server.down()
    service = TtsService(TtsSection(engine="riva", fallback="", cache_mb=0, engines={"riva": {"uri": server.uri}}), EngineContext())
    async with serving(service) as uri:
        assert [voice.name for voice in service.models] == ["default"]
        server.up()
        events = await ask(uri, synthesize("Hello."))
        assert types(events) == ["audio-start", "audio-chunk", "audio-stop"]
        assert len(pcm(events)) > 10_000
