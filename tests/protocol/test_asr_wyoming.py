"""Speech recognition that stands on another Wyoming server, which behaves, or does not."""

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from asr_fakes import ask, request, text
from conftest import Serving
from speech import silence, speak
from upstreams import ASR_INFO, TTS_INFO, Scripted, Talk, scripted

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.asr.server import AsrService
from wyoming_servers.asr.wyoming_upstream import WyomingEngine, WyomingOptions
from wyoming_servers.shared.engines import EngineContext, Model
from wyoming_servers.shared.errors import (
    DeadlineError,
    EngineError,
    EngineUnavailableError,
    PeerError,
    PeerUnreachableError,
    SettingsError,
    UnknownNameError,
    UnsupportedLanguageError,
)
from wyoming_servers.shared.settings import AsrSection

WAIT_S = 8.0


@pytest.fixture
def upstream() -> Iterator[Scripted]:
    with scripted(ASR_INFO) as server:
        yield server


@pytest.fixture
def engine(upstream: Scripted) -> Iterator[WyomingEngine]:
    made = WyomingEngine(WyomingOptions(uri=upstream.uri, timeout_s=5), EngineContext())
    yield made
    made.close()


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return np.concatenate((silence(0.5), speak("what time is it"), silence(0.3)))


def listed(uri: str, context: EngineContext | None = None, **options) -> list[str]:
    return [model.name for model in WyomingEngine.models(WyomingOptions(uri=uri, **options), context or EngineContext())]


def heard(engine: WyomingEngine, samples: np.ndarray, asked: AsrRequest | None = None):
    stream = engine.open(asked or AsrRequest())
    try:
        stream.feed(samples)
        return stream.finish()
    finally:
        stream.close()


async def hear_seven(talk: Talk) -> None:
    """Answers any request."""
    await talk.until("audio-stop")
    await talk.say("transcript", text="  it is\nseven ", language="en")


def test_without_an_address_it_says_what_to_set():
    with pytest.raises(EngineUnavailableError, match=r"asr\.engines\.wyoming\.uri=tcp://HOST:PORT"):
        listed("")


def test_an_address_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="nonsense"):
        listed("nonsense")


def test_models_are_those_of_the_other_server_the_one_for_the_house_first(upstream):
    assert listed(upstream.uri) == ["small", "tiny", "large"]


def test_a_model_of_the_settings_is_the_default(upstream):
    assert listed(upstream.uri, model="large")[0] == "large"


def test_a_model_of_the_settings_that_is_not_there_is_refused(upstream):
    with pytest.raises(SettingsError, match="'huge' is not there.*large"):
        listed(upstream.uri, model="huge")


def test_what_is_not_installed_there_is_not_installed_here(upstream):
    models = WyomingEngine.models(WyomingOptions(uri=upstream.uri), EngineContext())
    assert [model.installed for model in models] == [True, False, True]


def test_a_server_of_another_kind_is_told(upstream):
    upstream.info = TTS_INFO
    with pytest.raises(EngineUnavailableError, match="no asr server; it offers: tts"):
        listed(upstream.uri)


def test_a_server_that_is_down_is_listed_as_the_settings_say(upstream):
    upstream.down()
    [model] = WyomingEngine.models(WyomingOptions(uri=upstream.uri, model="small", language="fr"), EngineContext())
    assert (model.name, model.languages) == ("small", ("fr",))


def test_a_server_that_accepts_and_says_nothing_is_waited_for_no_longer_than_set(upstream):
    upstream.info = None
    assert listed(upstream.uri, connect_s=0.2) == ["default"]


def test_models_are_remembered_while_the_server_is_down(upstream):
    context = EngineContext()
    before = listed(upstream.uri, context)
    upstream.down()
    assert listed(upstream.uri, context) == before


def test_the_request_is_passed_on(upstream, engine, speech):
    asked = []

    async def keep(talk: Talk) -> None:
        asked.extend(await talk.until("audio-stop"))
        await talk.say("transcript", text="done")

    upstream.play = keep
    heard(engine, speech, AsrRequest(language="fr", model="large", names=("Kitchen",), terms=("lamp",)))
    wish = asked[0].data
    assert (wish["name"], wish["language"], wish["transcript_names"], wish["transcript_terms"]) == ("large", "fr", ["Kitchen"], ["lamp"])
    assert [event.type for event in asked if event.type != "audio-chunk"] == ["transcribe", "audio-start", "audio-stop"]


def test_all_speech_is_sent_but_not_the_silence_before_it(upstream, engine, speech):
    pcm = []

    async def keep(talk: Talk) -> None:
        pcm.extend(event.payload or b"" for event in await talk.until("audio-stop"))
        await talk.say("transcript", text="done")

    upstream.play = keep
    heard(engine, np.concatenate((silence(5), speech)))
    sent = np.frombuffer(b"".join(pcm), "<i2")
    assert np.array_equal(sent[-len(speech) + 8000 :], speech[8000:])
    assert len(sent) < len(speech) + 16_000


def test_the_transcript_is_trimmed(upstream, engine, speech):
    upstream.play = hear_seven
    assert heard(engine, speech).text == "it is seven"


def test_nothing_is_sent_for_silence_and_noise(upstream, engine):
    noise = np.random.default_rng(0).normal(0, 300, 48_000).astype(np.int16)
    assert heard(engine, np.concatenate((silence(3), noise))).text == ""
    assert not upstream.begun.is_set()


def test_hypotheses_of_another_earshot_are_shown(upstream, engine, speech):
    told = threading.Event()

    async def partial(talk: Talk) -> None:
        await talk.until("audio-chunk")
        await talk.say("earshot-partial", text="what thyme")
        await talk.say("earshot-partial", text="what time")
        told.set()
        await hear_seven(talk)

    upstream.play = partial
    stream = engine.open(AsrRequest())
    first = stream.feed(speech)
    assert told.wait(WAIT_S)
    assert first == "what time" or "what time" in (stream.feed(speech[-512:]) for _ in range(2000))  # each is a trip to the socket
    assert stream.finish().text == "it is seven"
    stream.close()


def test_chunks_of_a_streaming_server_add_up(upstream, engine, speech):
    async def stream(talk: Talk) -> None:
        await talk.until("audio-stop")
        await talk.say("transcript-start", language="en")
        await talk.say("transcript-chunk", text="what time")
        await talk.say("transcript-chunk", text=" is it")
        await talk.say("transcript-stop")

    upstream.play = stream
    assert heard(engine, speech).text == "what time is it"


def test_a_server_that_ends_the_turn_itself_is_believed(upstream, engine, speech):
    answered = threading.Event()

    async def early(talk: Talk) -> None:
        await talk.until("audio-chunk")
        await talk.say("transcript", text="early")
        answered.set()
        await talk.until("never")

    upstream.play = early
    stream = engine.open(AsrRequest())
    stream.feed(speech)
    assert answered.wait(WAIT_S)
    stream.feed(speech)
    assert stream.finish().text == "early"
    stream.close()


def test_an_unknown_model_is_refused_with_those_there_are(engine):
    with pytest.raises(UnknownNameError, match="huge.*small"):
        engine.open(AsrRequest(model="huge"))


def test_a_language_the_server_does_not_know_is_refused(engine):
    with pytest.raises(UnsupportedLanguageError, match="'pl'"):
        engine.open(AsrRequest(language="pl"))


def test_the_model_follows_the_language(upstream, engine, speech):
    asked = []

    async def keep(talk: Talk) -> None:
        asked.extend(await talk.until("audio-stop"))
        await talk.say("transcript", text="ja")

    upstream.play = keep
    heard(engine, speech, AsrRequest(language="de"))
    assert asked[0].data["name"] == "large"


def test_an_error_of_the_server_is_passed_on(upstream, engine, speech):
    async def refuse(talk: Talk) -> None:
        await talk.until("transcribe")
        await talk.say("error", text="no room", code="busy")
        await talk.until("never")  # to hang up with unread input would take the error with it

    upstream.play = refuse
    with pytest.raises(PeerError, match=r"no room \(busy\)"):
        heard(engine, speech)


def test_a_server_that_hangs_up_in_the_middle_is_told(upstream, engine, speech):
    with pytest.raises(PeerUnreachableError, match="hung up"):
        heard(engine, speech)


def test_a_transcript_without_text_is_told(upstream, engine, speech):
    async def wrong(talk: Talk) -> None:
        await talk.until("audio-stop")
        await talk.say("transcript", text=7)

    upstream.play = wrong
    with pytest.raises(PeerError, match="transcript without text"):
        heard(engine, speech)


def test_a_server_that_speaks_something_else_is_told(upstream, engine, speech):
    async def http(talk: Talk) -> None:
        await talk.until("audio-stop")
        talk.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await talk.writer.drain()

    upstream.play = http
    with pytest.raises(PeerUnreachableError, match="not a Wyoming event"):
        heard(engine, speech)


def test_a_server_that_never_answers_is_given_up_and_the_connection_closed(upstream, speech):
    async def silent(talk: Talk) -> None:
        await talk.until("never")
        upstream.gone.set()

    upstream.play = silent
    engine = WyomingEngine(WyomingOptions(uri=upstream.uri, timeout_s=0.2), EngineContext())
    with pytest.raises(DeadlineError, match=f"{upstream.uri} gave no transcript within 0.2 s"):
        heard(engine, speech)
    assert upstream.gone.wait(WAIT_S)
    engine.close()


def test_cancel_ends_a_finish_that_waits(upstream, engine, speech):
    waiting = threading.Event()

    async def silent(talk: Talk) -> None:
        await talk.until("audio-stop")
        waiting.set()
        await talk.until("never")
        upstream.gone.set()

    upstream.play = silent
    stream = engine.open(AsrRequest())
    stream.feed(speech)
    canceller = threading.Thread(target=lambda: waiting.wait(WAIT_S) and stream.cancel())
    canceller.start()
    with pytest.raises(EngineError, match="given up"):
        stream.finish()
    stream.close()
    canceller.join()
    assert upstream.gone.wait(WAIT_S)


def test_a_stream_that_was_cancelled_sends_nothing_more(engine, speech):
    stream = engine.open(AsrRequest())
    stream.cancel()
    with pytest.raises(EngineError, match="given up"):
        stream.feed(speech)
    stream.close()


def test_while_the_server_is_down_requests_fail_with_its_address_and_it_is_used_again_afterwards(upstream, engine, speech):
    upstream.play = hear_seven
    assert heard(engine, speech).text == "it is seven"
    upstream.down()
    with pytest.raises(PeerUnreachableError, match=upstream.uri):
        heard(engine, speech)
    upstream.up()
    assert heard(engine, speech).text == "it is seven"


class Watched(AsrService):
    """Tells when it lists something else."""

    def __init__(self, uri: str) -> None:
        super().__init__(AsrSection(engine="wyoming", engines={"wyoming": {"uri": uri}}), EngineContext())
        self.listed = asyncio.Event()

    def offer(self, models: tuple[Model, ...]) -> None:
        super().offer(models)
        self.listed.set()

    def look(self) -> None:
        """As it does every 15 s."""
        self._look_now.set()


async def test_a_server_that_comes_later_is_listed_and_used(serving: Serving, upstream, speech):
    upstream.down()
    upstream.play = hear_seven
    service = Watched(upstream.uri)
    async with serving(service) as uri:
        assert [model.name for model in service.models] == ["default"]
        await asyncio.to_thread(upstream.up)
        service.look()
        await asyncio.wait_for(service.listed.wait(), WAIT_S)
        assert [model.name for model in service.models] == ["small", "tiny", "large"]
        assert await text(uri, request(speech)) == "it is seven"


def test_the_name_it_had_before_the_server_was_reached_stays_good(upstream, engine, speech):
    upstream.play = hear_seven
    assert heard(engine, speech, AsrRequest(model="default")).text == "it is seven"


async def test_a_server_that_stands_on_itself_says_so(serving: Serving, upstream, speech):
    upstream.down()
    async with serving(Watched(upstream.uri), uri=upstream.uri) as uri:
        [*_, error] = await ask(uri, request(speech))
        assert error.type == "error" and "is this server itself" in error.data["text"]
