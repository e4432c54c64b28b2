"""A voice that stands on another Wyoming server, which behaves, or does not."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import Serving
from tts_fakes import ask, pcm, synthesize
from upstreams import ASR_INFO, TTS_INFO, Scripted, Talk, scripted

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import (
    EngineError,
    EngineUnavailableError,
    PeerError,
    PeerUnreachableError,
    SettingsError,
    UnknownNameError,
)
from wyoming_servers.shared.settings import TtsSection
from wyoming_servers.tts.engine import TtsRequest
from wyoming_servers.tts.server import TtsService
from wyoming_servers.tts.wyoming_upstream import WyomingEngine, WyomingOptions

WAIT_S = 8.0
MONO = {"rate": 16_000, "width": 2, "channels": 1}


@pytest.fixture
def upstream() -> Iterator[Scripted]:
    with scripted(TTS_INFO) as server:
        server.play = say_ab
        yield server


@pytest.fixture
def engine(upstream: Scripted) -> Iterator[WyomingEngine]:
    made = WyomingEngine(WyomingOptions(uri=upstream.uri, timeout_s=5), EngineContext())
    yield made
    made.close()


def listed(uri: str, context: EngineContext | None = None, **options) -> list[str]:
    return [model.name for model in WyomingEngine.models(WyomingOptions(uri=uri, **options), context or EngineContext())]


def spoken(engine: WyomingEngine, voice: str = "carl", speaker: str | None = None, text: str = "Hello."):
    return list(engine.synthesize(TtsRequest(text, voice, speaker)))


async def say_ab(talk: Talk) -> None:
    """Answers any request with two chunks."""
    await talk.until("synthesize")
    await talk.say("audio-start", **MONO)
    await talk.say("audio-chunk", b"a\0" * 800, **MONO)
    await talk.say("audio-chunk", b"b\0" * 800, **MONO)
    await talk.say("audio-stop")


def test_without_an_address_it_says_what_to_set():
    with pytest.raises(EngineUnavailableError, match=r"tts\.engines\.wyoming\.uri=tcp://HOST:PORT"):
        listed("")


def test_voices_are_those_of_the_other_server_an_installed_one_for_the_house_first(upstream):
    assert listed(upstream.uri) == ["carl", "bert", "anna"]


def test_a_voice_of_the_settings_is_the_default(upstream):
    assert listed(upstream.uri, voice="anna")[0] == "anna"


def test_a_voice_of_the_settings_that_is_not_there_is_refused(upstream):
    with pytest.raises(SettingsError, match="'dora' is not there.*anna"):
        listed(upstream.uri, voice="dora")


def test_speakers_are_listed(upstream):
    voice = WyomingEngine.models(WyomingOptions(uri=upstream.uri), EngineContext())[0]
    assert voice.speakers == ("calm", "loud")


def test_a_server_of_another_kind_is_told(upstream):
    upstream.info = ASR_INFO
    with pytest.raises(EngineUnavailableError, match="no tts server; it offers: asr"):
        listed(upstream.uri)


def test_a_server_that_is_down_is_listed_as_the_settings_say(upstream):
    upstream.down()
    [voice] = WyomingEngine.models(WyomingOptions(uri=upstream.uri, voice="anna", language="de"), EngineContext())
    assert (voice.name, voice.languages) == ("anna", ("de",))


def test_voices_are_remembered_while_the_server_is_down(upstream):
    context = EngineContext()
    before = listed(upstream.uri, context)
    upstream.down()
    assert listed(upstream.uri, context) == before


def test_sound_is_passed_on_as_it_comes(upstream, engine):
    more = threading.Event()

    async def in_two(talk: Talk) -> None:
        await talk.say("audio-start", **MONO)
        await talk.say("audio-chunk", b"a\0" * 800, **MONO)
        await talk.until("never")

    upstream.play = in_two
    blocks = engine.synthesize(TtsRequest("Hello.", "carl"))
    assert next(blocks).pcm == b"a\0" * 800
    more.set()
    blocks.close()


def test_all_sound_arrives_in_order(engine):
    assert b"".join(block.pcm for block in spoken(engine)) == b"a\0" * 800 + b"b\0" * 800


def test_voice_and_speaker_are_passed_on(upstream, engine):
    asked = []

    async def keep(talk: Talk) -> None:
        asked.extend(await talk.until("synthesize"))
        await talk.say("audio-stop")

    upstream.play = keep
    spoken(engine, "carl", "loud")
    assert asked[0].data == {"text": "Hello.", "voice": {"name": "carl", "speaker": "loud"}}


@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 2), (3, 1), (4, 2)])
def test_any_format_becomes_16_bit_mono_at_its_own_rate(upstream, engine, width, channels):
    shape = {"rate": 44_100, "width": width, "channels": channels}

    async def other(talk: Talk) -> None:
        await talk.until("synthesize")
        await talk.say("audio-start", **shape)
        payload = bytes(100 * width * channels)
        await talk.say("audio-chunk", payload[:-1], **shape)
        await talk.say("audio-chunk", payload[-1:], **shape)
        await talk.say("audio-stop")

    upstream.play = other
    blocks = spoken(engine)
    assert sum(len(block.pcm) for block in blocks) == 200
    assert {block.rate_hz for block in blocks} == {44_100}


def test_a_rate_that_changes_on_the_way_is_converted(upstream, engine):
    async def change(talk: Talk) -> None:
        await talk.until("synthesize")
        await talk.say("audio-chunk", bytes(3200), **MONO)
        await talk.say("audio-chunk", bytes(6400), **MONO | {"rate": 32_000})
        await talk.say("audio-stop")

    upstream.play = change
    blocks = spoken(engine)
    assert {block.rate_hz for block in blocks} == {16_000}
    assert sum(len(block.pcm) for block in blocks) == pytest.approx(6400, abs=20)


def test_an_impossible_format_is_told(upstream, engine):
    async def wrong(talk: Talk) -> None:
        await talk.until("synthesize")
        await talk.say("audio-start", rate="high", width=2, channels=1)

    upstream.play = wrong
    with pytest.raises(PeerError, match="rate hz 'high' is not supported"):
        spoken(engine)


def test_an_answer_without_sound_is_no_block(upstream, engine):
    async def nothing(talk: Talk) -> None:
        await talk.until("synthesize")
        await talk.say("audio-start", **MONO)
        await talk.say("audio-stop")

    upstream.play = nothing
    assert spoken(engine) == []


def test_an_error_of_the_server_is_passed_on(upstream, engine):
    async def refuse(talk: Talk) -> None:
        await talk.until("synthesize")
        await talk.say("error", text="no such voice", code="unknown-name")
        await talk.until("never")  # to hang up with unread input would take the error with it

    upstream.play = refuse
    with pytest.raises(PeerError, match=r"no such voice \(unknown-name\)"):
        spoken(engine)


def test_a_server_that_hangs_up_in_the_middle_is_told(upstream, engine):
    async def cut(talk: Talk) -> None:
        await talk.until("synthesize")
        await talk.say("audio-chunk", bytes(320), **MONO)

    upstream.play = cut
    with pytest.raises(PeerUnreachableError, match="hung up"):
        spoken(engine)


def test_a_server_that_says_nothing_is_given_up(upstream):
    async def silent(talk: Talk) -> None:
        await talk.until("never")
        upstream.gone.set()

    upstream.play = silent
    engine = WyomingEngine(WyomingOptions(uri=upstream.uri, timeout_s=0.2), EngineContext())
    with pytest.raises(PeerUnreachableError, match="said nothing for 0.2 s"):
        spoken(engine)
    assert upstream.gone.wait(WAIT_S)
    engine.close()


def test_cancel_ends_a_next_that_waits_and_hangs_up(upstream, engine):
    waiting = threading.Event()

    async def silent(talk: Talk) -> None:
        await talk.until("synthesize")
        waiting.set()
        await talk.until("never")
        upstream.gone.set()

    upstream.play = silent
    blocks = engine.synthesize(TtsRequest("Hello.", "carl"))
    canceller = threading.Thread(target=lambda: waiting.wait(WAIT_S) and blocks.cancel())
    canceller.start()
    with pytest.raises(EngineError, match="given up"):
        next(blocks)
    canceller.join()
    assert upstream.gone.wait(WAIT_S)


def test_an_answer_that_is_dropped_half_way_hangs_up(upstream, engine):
    async def endless(talk: Talk) -> None:
        await talk.until("synthesize")
        await talk.say("audio-chunk", bytes(320), **MONO)
        await talk.until("never")
        upstream.gone.set()

    upstream.play = endless
    assert any(block.pcm for block in engine.synthesize(TtsRequest("Hello.", "carl")))
    assert upstream.gone.wait(WAIT_S)


def test_an_unknown_voice_is_refused_with_those_there_are(engine):
    with pytest.raises(UnknownNameError, match="'dora' at .*carl"):
        spoken(engine, "dora")


def test_while_the_server_is_down_requests_fail_with_its_address_and_it_is_used_again_afterwards(upstream, engine):
    assert spoken(engine)
    upstream.down()
    with pytest.raises(PeerUnreachableError, match=upstream.uri):
        spoken(engine)
    upstream.up()
    assert spoken(engine)


async def test_a_server_that_comes_later_is_used(serving: Serving, upstream):
    upstream.down()
    service = TtsService(TtsSection(engine="wyoming", engines={"wyoming": {"uri": upstream.uri}}), EngineContext())
    async with serving(service) as uri:
        assert [voice.name for voice in service.models] == ["default"]
        upstream.up()
        samples = np.frombuffer(pcm(await ask(uri, synthesize("Hello."))), "<i2")
        assert {97, 98} <= set(samples.tolist())
