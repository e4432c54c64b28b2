"""VibeVoice behind its WebSocket, with a real server that behaves, or does not."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from aiohttp import web
from fake_openai import spoken
from fake_vibevoice import RATE_HZ, FakeVibeVoice, begun, log
from fake_web import TIMEOUT_S, hang_up, serving, status
from rigged import bare_context

from wyoming_servers.shared.errors import BusyError, DeadlineError, EngineError, PeerUnreachableError, UnknownNameError
from wyoming_servers.tts.engine import TtsRequest
from wyoming_servers.tts.vibevoice import VibeVoiceEngine

VOICE = "en-Carter_man"
TEXT = "It is half past nine."


@pytest.fixture
def server():
    with serving(FakeVibeVoice()) as server:
        yield server


@pytest.fixture
def engine_of(tmp_path):
    """`with engine_of(server, **options) as engine`."""

    @contextmanager
    def made(server, **options):
        engine = VibeVoiceEngine(VibeVoiceEngine.Options(uri=server.uri, **options), bare_context(tmp_path))
        try:
            yield engine
        finally:
            engine.close()

    return made


@pytest.fixture
def voices_of(tmp_path):
    """`voices_of(server, **options)` → what `describe` shows."""

    def listed(server, language: str = "en", **options):
        return VibeVoiceEngine.models(VibeVoiceEngine.Options(uri=server.uri, **options), bare_context(tmp_path, language=language))

    return listed


def say(engine, text: str = TEXT, voice: str = VOICE) -> bytes:
    blocks = list(engine.synthesize(TtsRequest(text, voice)))
    assert {block.rate_hz for block in blocks} == {RATE_HZ}
    return b"".join(block.pcm for block in blocks)


def streams(*messages, code: int | None = 1000, then=None):
    """A handler that sends bytes as sound and objects as text, and then closes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = await begun(request)
        for message in messages:
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_str(message if isinstance(message, str) else json.dumps(message))
        if then is not None:
            return await then(request)
        await socket.close(code=code)
        return socket

    return answer


async def endless_sound(request: web.Request) -> web.StreamResponse:
    socket = await begun(request)
    while not socket.closed:
        await socket.send_bytes(bytes(48_000))
    return socket


def test_all_of_the_sound_is_heard_in_whole_samples(server, engine_of):
    with engine_of(server) as engine:
        assert len(say(engine)) == len(spoken(TEXT, RATE_HZ))
    assert server.asked == [{"text": TEXT, "cfg": "1.5", "voice": VOICE}]


def test_the_settings_are_sent(server, engine_of):
    with engine_of(server, cfg=2.0, steps=7) as engine:
        say(engine, voice="en-Emma_woman")
    assert server.asked == [{"text": TEXT, "cfg": "2", "steps": "7", "voice": "en-Emma_woman"}]


@pytest.mark.parametrize("text", ["50 % + 3 & more = #1?", "Größe, naïve; 你好", "a/b?c=d&voice=x"])
def test_every_sign_arrives(server, engine_of, text):
    with engine_of(server) as engine:
        say(engine, text)
    assert server.asked[0]["text"] == text


def test_a_long_text_is_asked_for_in_pieces_that_fit_into_an_address(server, engine_of):
    texts = []

    async def answer(request: web.Request) -> web.StreamResponse:
        assert len(str(request.url.raw_path_qs)) < 8000
        texts.append(request.query["text"])
        return await streams(b"\x01\x02")(request)

    text = " ".join(["Straßenbahnhaltestelle 你好"] * 300)
    server.misbehave(*[answer] * 10)
    with engine_of(server) as engine:
        assert say(engine, text) == b"\x01\x02" * len(texts)
    assert "".join(texts) == text


def test_the_first_block_is_out_before_the_server_has_the_rest(server, engine_of):
    server.misbehave(streams(log("backend_request_received"), b"\x01\x02\x03", then=lambda _: server.wait_for_good()))
    with engine_of(server) as engine:
        blocks = engine.synthesize(TtsRequest(TEXT, VOICE))
        assert next(blocks).pcm == b"\x01\x02"
        blocks.close()
        assert server.left.wait(TIMEOUT_S)


def test_voices_are_the_servers_with_their_languages(server, voices_of):
    assert {voice.name: voice.languages for voice in voices_of(server)} == {
        "en-Carter_man": ("en",),
        "en-Emma_woman": ("en",),
        "in-Samuel_man": ("en-IN",),
        "de-Spk0_man": ("de",),
        "jp-Spk1_woman": ("ja",),
    }


@pytest.mark.parametrize(
    ("language", "default"), [("en", "en-Carter_man"), ("de", "de-Spk0_man"), ("ja", "jp-Spk1_woman"), ("en-IN", "in-Samuel_man")]
)
def test_the_default_voice_speaks_the_language_of_the_house(server, voices_of, language, default):
    assert voices_of(server, language)[0].name == default


def test_a_chosen_voice_is_the_default(server, voices_of):
    assert voices_of(server, voice="jp-Spk1_woman")[0].name == "jp-Spk1_woman"


def test_a_chosen_voice_that_is_not_there_is_warned_of_and_not_offered(server, engine_of, voices_of, caplog):
    """The server would speak with another one instead."""
    with engine_of(server, voice="en-Nobody_man"):
        assert "has no voice en-Nobody_man; it has: en-Carter_man" in caplog.text
    assert "en-Nobody_man" not in [voice.name for voice in voices_of(server, voice="en-Nobody_man")]


def test_an_unknown_voice_is_refused_with_those_there_are(server, engine_of):
    with engine_of(server) as engine, pytest.raises(UnknownNameError, match="en-Emma_woman"):
        engine.synthesize(TtsRequest(TEXT, "nobody"))


@pytest.mark.parametrize("config", [{}, [], {"voices": 7}])
def test_a_server_that_lists_nothing_has_the_voice_of_the_settings(server, engine_of, config):
    server.config = config
    with engine_of(server, voice="en-Mike_man") as engine:
        assert say(engine, voice="en-Mike_man")


def test_sentences_wait_for_each_other_instead_of_being_sent_away(server, engine_of):
    with engine_of(server) as engine, ThreadPoolExecutor(4) as pool:
        assert len({len(pcm) for pcm in pool.map(lambda _: say(engine), range(4))}) == 1
    assert server.sent_away == 0


def test_a_server_that_speaks_for_somebody_else_is_asked_again_until_it_is_free(server, engine_of):
    server.busy = True
    freed = threading.Timer(0.1, lambda: setattr(server, "busy", False))
    with engine_of(server) as engine:
        freed.start()
        assert say(engine)
    assert server.sent_away > 0
    freed.join()


def test_a_server_that_speaks_for_somebody_else_for_long_is_busy(server, engine_of):
    server.busy = True
    with engine_of(server, busy_s=0.2) as engine, pytest.raises(BusyError, match=r"somebody else.*busy_s"):
        say(engine)


MISBEHAVIOUR = [
    (status(500), EngineError, r"failed \(500\)"),
    (status(403), EngineError, "no WebSocket at /stream"),
    (status(404), EngineError, "no WebSocket at /stream"),
    (status(503), BusyError, "503"),
    (streams(), EngineError, "made no sound with voice en-Carter_man"),
    (streams(log("backend_stream_complete")), EngineError, "made no sound"),
    (streams(log("generation_error", message="CUDA out of memory")), EngineError, "could not speak: CUDA out of memory"),
    (streams(bytes(480), log("backend_error", message="boom")), EngineError, "could not speak: boom"),
    (streams(bytes(480), code=1011), EngineError, "hung up in the middle.*1011"),
    (streams(bytes(480), then=hang_up), EngineError, "hung up in the middle.*1006"),
    (endless_sound, EngineError, "more than 10 s.*longest_s"),
]


@pytest.mark.parametrize(("handler", "error", "said"), MISBEHAVIOUR, ids=[said for _, _, said in MISBEHAVIOUR])
def test_a_server_that_fails_is_named_and_asked_again_the_next_time(server, engine_of, handler, error, said):
    server.misbehave(handler)
    with engine_of(server, longest_s=10.0) as engine:
        with pytest.raises(error, match=f"{server.uri}.*{said}"):
            say(engine)
        assert say(engine)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"event": null}', '{"type": "log", "event": "x", "data": 7}', "[" * 50_000])
def test_text_that_is_no_message_is_passed_over(server, engine_of, text):
    server.misbehave(streams(text, b"\x01\x02", text))
    with engine_of(server) as engine:
        assert say(engine) == b"\x01\x02"


def test_a_server_that_makes_no_sound_in_time_is_given_up(server, engine_of):
    server.misbehave(streams(log("backend_request_received"), then=lambda _: server.wait_for_good()))
    with engine_of(server, first_s=0.3) as engine, pytest.raises(DeadlineError, match=r"no sound within 0\.3 s.*first_s"):
        say(engine)


def test_a_server_that_stops_in_the_middle_is_given_up(server, engine_of):
    server.misbehave(streams(bytes(480), then=lambda _: server.wait_for_good()))
    with engine_of(server, idle_s=0.3) as engine, pytest.raises(DeadlineError, match=r"no sound within 0\.3 s.*idle_s"):
        say(engine)


def test_messages_alone_are_no_progress(server, engine_of):
    async def chatter(request: web.Request) -> web.StreamResponse:
        socket = await begun(request)
        while not socket.closed:
            await socket.send_json(log("model_progress"))
        return socket

    server.misbehave(chatter)
    with engine_of(server, first_s=0.3) as engine, pytest.raises(DeadlineError, match="first_s"):
        say(engine)


def test_a_request_that_is_cancelled_hangs_up_and_the_next_one_is_served(server, engine_of):
    server.misbehave(streams(log("backend_request_received"), then=lambda _: server.wait_for_good()))
    with engine_of(server) as engine, ThreadPoolExecutor(1) as pool:
        blocks = engine.synthesize(TtsRequest(TEXT, VOICE))
        waiting = pool.submit(next, blocks)
        assert server.reached.wait(TIMEOUT_S)
        blocks.cancel()
        with pytest.raises(EngineError, match="given up"):
            waiting.result(TIMEOUT_S)
        assert server.left.wait(TIMEOUT_S)
        assert say(engine)


def test_an_engine_whose_server_is_down_loads_says_so_and_speaks_once_it_is_up(engine_of, caplog):
    with serving(FakeVibeVoice()) as server:
        server.stop()
        with engine_of(server) as engine:
            assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
            with pytest.raises(PeerUnreachableError, match="Connection refused.*is the server running"):
                say(engine)
            server.start()
            assert say(engine)


def test_the_key_is_sent_and_nowhere_shown(server, engine_of, caplog):
    caplog.set_level(logging.DEBUG)
    server.key = "s3cret"
    with engine_of(server, key="s3cret") as engine:
        assert say(engine)
    assert set(server.keys) == {"Bearer s3cret"}
    assert "s3cret" not in caplog.text
