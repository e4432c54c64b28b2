"""Recognisers behind HTTP: OpenAI's transcription API and whisper-server, each against a real server that behaves, or does not."""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from fake_openai import FakeOpenAi
from fake_web import TIMEOUT_S, content, cut, endless, hang_up, serving, status
from fake_whisper_cpp import FakeWhisperCpp
from hearing import hear, loaded
from speech import silence, speak

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.asr.openai_api import OpenAiAsrEngine
from wyoming_servers.asr.whisper_cpp import WhisperCppEngine
from wyoming_servers.shared.errors import (
    BusyError,
    DeadlineError,
    EngineError,
    PeerUnreachableError,
    UnknownNameError,
    UnsupportedLanguageError,
)
from wyoming_servers.shared.house import Area, Device, House

SAID = "What time is it?"
KINDS = {"openai": (FakeOpenAi, OpenAiAsrEngine), "whisper-cpp": (FakeWhisperCpp, WhisperCppEngine)}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def server(kind):
    with serving(KINDS[kind][0]()) as server:
        yield server


@pytest.fixture
def engine_of(kind, tmp_path):
    """`with engine_of(server, **options) as engine`."""
    return partial(loaded, KINDS[kind][1], tmp_path)


@pytest.fixture
def spoken() -> np.ndarray:
    return speak("what time is it")


def test_speech_is_heard_and_the_text_is_trimmed(server, engine_of, spoken):
    with engine_of(server) as engine:
        heard = hear(engine, spoken)
        assert (heard.text, heard.language) == (SAID, "en")
        assert heard.confidence == pytest.approx(0.85, abs=0.06)


@pytest.mark.parametrize("level", [0, 300, 3000])
def test_silence_and_noise_are_never_sent(server, engine_of, level):
    noise = np.random.default_rng(0).normal(0, level, 48_000).astype(np.int16)
    with engine_of(server) as engine:
        assert hear(engine, noise).text == ""
    assert server.forms == []


def test_an_utterance_without_audio_is_empty(server, engine_of):
    with engine_of(server) as engine:
        assert hear(engine, silence(0)).text == ""


def test_the_silence_around_speech_is_not_sent(server, engine_of, spoken):
    with engine_of(server) as engine:
        hear(engine, np.concatenate((silence(4), spoken, silence(4))))
    assert len(spoken) * 0.8 < len(server.forms[0]["file"]) < len(spoken) + 1.1 * 16_000


@pytest.mark.parametrize("piece_samples", [1, 160, 4097, 100_000])
def test_how_the_audio_is_cut_makes_no_difference_to_what_is_sent(server, engine_of, spoken, piece_samples):
    with engine_of(server) as engine:
        hear(engine, spoken)
        hear(engine, spoken, piece_samples)
    assert np.array_equal(server.forms[0]["file"], server.forms[1]["file"])


def test_a_long_utterance_is_sent_whole(server, engine_of, spoken):
    with engine_of(server) as engine:
        assert hear(engine, np.tile(spoken, 35 * 16_000 // len(spoken) + 1), 16_000).text == SAID
    assert len(server.forms[0]["file"]) > 34 * 16_000


@pytest.mark.parametrize(("asked", "sent"), [(None, "de"), ("en", "en"), ("en-US", "en"), ("pt_BR", "pt")])
def test_the_language_is_sent_as_whisper_writes_it(server, engine_of, spoken, asked, sent):
    with engine_of(server, language="de-DE") as engine:
        hear(engine, spoken, language=asked)
    assert server.forms[0]["language"] == sent


def test_the_language_is_sent_as_the_settings_list_it(server, engine_of, spoken):
    with engine_of(server, languages=("en-US", "de-DE")) as engine:
        assert hear(engine, spoken, language="en").language == "en-US"
        with pytest.raises(UnsupportedLanguageError, match="de-DE"):
            engine.open(AsrRequest(language="fr"))
    assert server.forms[0]["language"] == "en-US"


def test_an_unknown_language_is_refused(server, engine_of):
    with engine_of(server) as engine, pytest.raises(UnsupportedLanguageError, match="tlh"):
        engine.open(AsrRequest(language="tlh"))


def test_an_unknown_model_is_refused_with_those_there_are(server, engine_of):
    with engine_of(server) as engine, pytest.raises(UnknownNameError, match="no-such-model.*whisper"):
        engine.open(AsrRequest(model="no-such-model"))


def test_the_names_of_the_house_and_of_the_request_are_told(server, engine_of, spoken):
    house = House(areas=(Area("Kitchen"),), devices=(Device("Desk lamp", aliases=("kitchen", "reading\nlight")),), timers=())
    with engine_of(server, house) as engine:
        hear(engine, spoken, names=("Oslo",), terms=("lux",))
    assert server.forms[0]["prompt"] == "Oslo, Desk lamp, kitchen, reading light, lux."


@pytest.mark.parametrize(("room", "length"), [(0, 0), (60, 60), (400, 400)])
def test_the_prompt_is_bounded(server, engine_of, spoken, room, length):
    with engine_of(server, prompt_chars=room) as engine:
        hear(engine, spoken, names=tuple(f"name number {number}" for number in range(1000)))
    assert length - 20 < len(server.forms[0].get("prompt", "")) <= length


@pytest.mark.parametrize("form", ["verbose_json", "json", "text"])
def test_every_form_of_answer_is_understood(server, engine_of, spoken, form):
    with engine_of(server, response_format=form) as engine:
        heard = hear(engine, spoken)
    assert heard.text == SAID
    assert (heard.confidence is not None) == (form == "verbose_json")
    assert server.forms[0]["response_format"] == form


def test_a_doubtful_transcript_is_empty_but_tells_how_sure_it_was(server, engine_of, spoken):
    with engine_of(server, trust=0.95) as engine:
        heard = hear(engine, spoken)
        assert heard.text == ""
        assert 0.5 < heard.confidence < 0.95


MISBEHAVIOUR = [
    (status(500), EngineError, r"failed \(500\): the server's own words"),
    (status(500, "500 Internal Server Error\nbad alloc"), EngineError, "bad alloc"),
    (status(400, {"error": "no 'file' field in the request"}), EngineError, "no 'file' field"),
    (status(401), EngineError, r"refuses access \(401\).*set asr\.engines\.[a-z-]+\.key"),
    (status(404, {"detail": "Not Found"}), EngineError, "404.*Not Found"),
    (status(429), BusyError, "429.*try again"),
    (status(503, {"status": "loading model"}), BusyError, "503"),
    (status(307, "", Location="http://elsewhere/x"), EngineError, "http://elsewhere/x"),
    (status(200, {"error": "failed to process audio"}), EngineError, "failed to process audio"),
    (status(200, {"texts": []}), EngineError, "without a text"),
    (content(b"<html>hello</html>", "text/html"), EngineError, "not a transcript"),
    (content(b"RIFF", "audio/wav"), EngineError, "audio/wav"),
    (content(b'{"text": "What', "application/json"), EngineError, "cut off"),
    (content(b"\x00\xff garbage", "application/json"), EngineError, "cut off"),
    (content(b"", "application/json"), EngineError, "cut off"),
    (cut(b'{"text": "What', "application/json"), EngineError, "hung up in the middle"),
    (endless(b" " * 65_536, "application/json"), EngineError, "more than"),
]


@pytest.mark.parametrize(("handler", "error", "said"), MISBEHAVIOUR, ids=[said for _, _, said in MISBEHAVIOUR])
def test_a_server_that_fails_is_named_with_its_words_and_asked_again_the_next_time(server, engine_of, spoken, handler, error, said):
    server.misbehave(handler, handler)
    with engine_of(server, response_format="json") as engine:
        with pytest.raises(error, match=f"{server.uri}.*{said}"):
            hear(engine, spoken)
        server.behave()
        assert hear(engine, spoken).text == SAID


def test_a_refusal_without_end_is_not_read_to_its_end(server, engine_of, spoken):
    async def refuse(request):
        response = await endless(b"x" * 65_536, "text/plain")(request)
        return response

    server.misbehave(refuse)
    with engine_of(server, response_format="text") as engine, pytest.raises(EngineError, match="more than"):
        hear(engine, spoken)


def test_a_server_that_hangs_up_once_is_asked_again_at_once(server, engine_of, spoken):
    server.misbehave(hang_up)
    with engine_of(server) as engine:
        assert hear(engine, spoken).text == SAID


def test_a_server_that_hangs_up_again_is_unreachable(server, engine_of, spoken):
    server.misbehave(hang_up, hang_up)
    with engine_of(server) as engine, pytest.raises(PeerUnreachableError, match=rf"{server.uri}.*cannot be reached.*asr\.engines"):
        hear(engine, spoken)


def test_a_server_that_does_not_answer_is_given_up(server, engine_of, spoken):
    server.misbehave(server.stuck)
    with engine_of(server, answer_s=0.5) as engine:
        with pytest.raises(DeadlineError, match=r"within 0\.5 s.*answer_s"):
            hear(engine, spoken)
        assert server.left.wait(TIMEOUT_S)


def test_a_request_that_is_cancelled_hangs_up_and_the_next_one_is_served(server, engine_of, spoken):
    server.misbehave(server.stuck)
    with engine_of(server) as engine, ThreadPoolExecutor(1) as pool:
        stream = engine.open(AsrRequest())
        stream.feed(spoken)
        finishing = pool.submit(stream.finish)
        assert server.reached.wait(TIMEOUT_S)
        stream.cancel()
        with pytest.raises(EngineError, match="given up"):
            finishing.result(TIMEOUT_S)
        assert server.left.wait(TIMEOUT_S)
        stream.close()
        assert hear(engine, spoken).text == SAID


def test_a_stream_that_was_cancelled_before_its_end_sends_nothing_it_waits_for(server, engine_of, spoken):
    with engine_of(server) as engine:
        stream = engine.open(AsrRequest())
        stream.feed(spoken)
        stream.cancel()
        with pytest.raises(EngineError, match="given up"):
            stream.finish()


def test_an_engine_whose_server_is_down_loads_says_so_and_hears_once_it_is_up(kind, engine_of, spoken, caplog):
    with serving(KINDS[kind][0]()) as server:
        server.stop()
        with engine_of(server) as engine:
            warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
            assert len(warned) == 1
            assert f"127.0.0.1:{server.port}" in warned[0]
            with pytest.raises(PeerUnreachableError, match="Connection refused.*is the server running"):
                hear(engine, spoken)
            server.start()
            assert hear(engine, spoken).text == SAID


def test_a_server_that_restarts_is_found_again(server, engine_of, spoken):
    with engine_of(server) as engine:
        hear(engine, spoken)
        server.stop()
        server.start()
        assert hear(engine, spoken).text == SAID


def test_the_connection_of_the_start_serves_the_requests(server, engine_of, spoken):
    with engine_of(server) as engine:
        for _ in range(3):
            hear(engine, spoken)
    assert len(server.peers) == 1


def test_a_kept_connection_that_the_server_closed_costs_nothing(server, engine_of, spoken):
    with engine_of(server) as engine:
        hear(engine, spoken)
        server.drop_idle()
        assert hear(engine, spoken).text == SAID
        assert len(server.forms) == 2


def test_utterances_on_several_threads_are_all_heard(server, engine_of, spoken):
    with engine_of(server) as engine, ThreadPoolExecutor(4) as pool:
        assert [heard.text for heard in pool.map(lambda _: hear(engine, spoken), range(8))] == [SAID] * 8


def test_the_key_is_sent_and_nowhere_shown(server, engine_of, spoken, caplog):
    caplog.set_level(logging.DEBUG)
    server.key = "s3cret"
    with engine_of(server, key="s3cret") as engine:
        assert hear(engine, spoken).text == SAID
        assert "s3cret" not in repr(vars(engine))
    with engine_of(server, key="wr0ng") as engine, pytest.raises(EngineError, match=r"refuses access.*check asr\.engines") as refused:
        hear(engine, spoken)
    assert set(server.keys) == {"Bearer s3cret", "Bearer wr0ng"}
    shown = caplog.text + str(refused.value)
    assert "s3cret" not in shown
    assert "wr0ng" not in shown


def test_a_proxy_of_the_environment_gets_no_sound(server, engine_of, spoken, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with engine_of(server) as engine:
        assert hear(engine, spoken).text == SAID
