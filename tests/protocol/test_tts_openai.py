"""Voices behind OpenAI's speech API, with a real server that behaves, or does not."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from aiohttp import web
from fake_openai import PCM_RATE_HZ, FakeOpenAi, spoken, wav_header
from fake_web import TIMEOUT_S, content, cut, endless, hang_up, serving, status
from rigged import bare_context

from wyoming_servers.shared.errors import BusyError, DeadlineError, EngineError, PeerUnreachableError, SettingsError, UnknownNameError
from wyoming_servers.tts.engine import TtsRequest
from wyoming_servers.tts.openai_api import OpenAiTtsEngine

VOICE = "af_heart"
TEXT = "It is half past nine."


@pytest.fixture
def server():
    with serving(FakeOpenAi()) as server:
        yield server


@pytest.fixture
def engine_of(tmp_path):
    """`with engine_of(server, **options) as engine`."""

    @contextmanager
    def made(server, language: str = "en", **options):
        engine = OpenAiTtsEngine(OpenAiTtsEngine.Options(uri=server.uri, **options), bare_context(tmp_path, language=language))
        try:
            yield engine
        finally:
            engine.close()

    return made


@pytest.fixture
def voices_of(tmp_path):
    """`voices_of(server, **options)` → what `describe` shows."""

    def listed(server, language: str = "en", **options):
        return OpenAiTtsEngine.models(OpenAiTtsEngine.Options(uri=server.uri, **options), bare_context(tmp_path, language=language))

    return listed


def say(engine, text: str = TEXT, voice: str = VOICE):
    """(pcm, rate)."""
    blocks = list(engine.synthesize(TtsRequest(text, voice)))
    assert len({block.rate_hz for block in blocks}) == 1
    return b"".join(block.pcm for block in blocks), blocks[0].rate_hz


def streams(*pieces: bytes, kind: str = "audio/pcm", then=None):
    """A handler that sends pieces as they are, and then does something else."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": kind} if kind else {})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then is not None:
            return await then(request)
        await response.write_eof()
        return response

    return answer


@pytest.mark.parametrize("kind", ["pcm", "wav"])
def test_all_of_the_sound_is_heard_in_whole_samples(server, engine_of, kind):
    with engine_of(server, response_format=kind) as engine:
        pcm, rate_hz = say(engine)
    assert rate_hz == PCM_RATE_HZ
    assert len(pcm) == len(spoken(TEXT, PCM_RATE_HZ))
    assert server.bodies[0] == {"input": TEXT, "voice": VOICE, "model": "whisper-1", "response_format": kind}


def test_the_first_block_is_out_before_the_server_has_the_rest(server, engine_of):
    server.misbehave(streams(b"\x01\x02\x03\x04\x05\x06\x07", then=lambda _: server.wait_for_good()))
    with engine_of(server) as engine:
        blocks = engine.synthesize(TtsRequest(TEXT, VOICE))
        assert next(blocks).pcm == b"\x01\x02\x03\x04\x05\x06"
        blocks.close()
        assert server.left.wait(TIMEOUT_S)


def test_a_half_sample_at_the_end_is_dropped(server, engine_of):
    server.misbehave(streams(b"\x01\x02\x03\x04\x05"))
    with engine_of(server) as engine:
        assert say(engine)[0] == b"\x01\x02\x03\x04"


@pytest.mark.parametrize(
    ("kind", "rate_hz"), [("audio/pcm;rate=16000", 16_000), ("audio/L16; rate=44100; channels=1", 44_100), ("", 22_050)]
)
def test_the_rate_is_the_servers_or_that_of_the_settings(server, engine_of, kind, rate_hz):
    server.misbehave(streams(bytes(100), kind=kind))
    with engine_of(server, rate_hz=22_050) as engine:
        assert say(engine)[1] == rate_hz


def test_a_server_that_sends_wav_whatever_was_asked_is_understood(server, engine_of):
    server.misbehave(streams(wav_header(22_050), b"\x01\x02" * 500, kind="audio/wav"))
    with engine_of(server) as engine:
        assert say(engine) == (b"\x01\x02" * 500, 22_050)


def test_voices_are_the_servers_those_of_the_house_first(server, voices_of):
    assert [(voice.name, voice.languages) for voice in voices_of(server)] == [
        ("af_heart", ("en-US",)),
        ("am_adam", ("en-US",)),
        ("bf_emma", ("en-GB",)),
        ("jf_alpha", ("ja",)),
    ]
    assert voices_of(server, language="ja")[0].name == "jf_alpha"
    assert voices_of(server, language="en-GB")[0].name == "bf_emma"


@pytest.mark.parametrize(
    "listing",
    [
        {"voices": ["tara", "leah"]},
        ["tara", "leah"],
        {"voices": [{"name": "tara", "language": "en-us"}, {"voice_id": "leah"}, {"gender": "female"}, 7, None, {"name": ["x"]}]},
        {"voices": {"tara": {"lang": "en_US"}, "leah": {}}},
    ],
)
def test_lists_of_voices_of_every_shape_are_read(server, voices_of, listing):
    server.voices = listing
    assert [voice.name for voice in voices_of(server)] == ["tara", "leah"]


def test_voices_of_speaches_are_asked_of_the_model_that_has_them(server, engine_of):
    server.models = [
        {"id": "whisper", "task": "automatic-speech-recognition"},
        {"id": "kokoro", "task": "text-to-speech", "voices": [{"name": "af_heart", "language": "en-us"}]},
        {"id": "piper-de", "task": "text-to-speech", "voices": [{"name": "thorsten", "language": "de_DE"}]},
    ]
    with engine_of(server) as engine:
        say(engine, voice="thorsten")
    assert server.bodies[0]["model"] == "piper-de"


def test_a_chosen_voice_is_the_default_also_when_it_is_not_listed(server, engine_of, voices_of):
    assert voices_of(server, voice="af_bella+af_sky")[0].name == "af_bella+af_sky"
    with engine_of(server, voice="af_bella+af_sky") as engine:
        say(engine, voice="af_bella+af_sky")
    assert server.bodies[0]["voice"] == "af_bella+af_sky"


@pytest.mark.parametrize("listing", [None, "x", {"voices": []}])
def test_a_server_without_a_list_has_the_voices_of_the_settings(server, voices_of, listing):
    server.voices = listing
    assert [voice.name for voice in voices_of(server, voices=("tara", "leah"), languages=("en-US",))] == ["tara", "leah"]
    assert [voice.name for voice in voices_of(server)] == ["alloy"]


def test_a_voice_that_is_new_on_the_server_is_found(server, engine_of):
    with engine_of(server) as engine:
        server.voices = {"voices": ["cloned"]}
        say(engine, voice="cloned")
        with pytest.raises(UnknownNameError, match="no voice 'nobody'.*cloned"):
            say(engine, voice="nobody")


def test_voices_are_remembered_while_the_server_is_down(server, tmp_path, caplog):
    context = bare_context(tmp_path)
    options = OpenAiTtsEngine.Options(uri=server.uri)
    up = OpenAiTtsEngine.models(options, context)
    server.stop()
    assert [OpenAiTtsEngine.models(options, context) for _ in range(3)] == [up] * 3
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_speed_and_manner_are_sent_when_they_are_set(server, engine_of):
    with engine_of(server, speed=1.2, instructions="Whisper.", model="tts-1-hd", extra={"lang_code": "b"}) as engine:
        say(engine)
    assert server.bodies[0] | {"speed": 1.2, "instructions": "Whisper.", "model": "tts-1-hd", "lang_code": "b"} == server.bodies[0]


def test_fields_that_cannot_be_sent_are_refused(server, engine_of):
    with pytest.raises(SettingsError, match="extra"), engine_of(server, extra={"x": object()}):
        pass


def test_a_model_that_is_not_served_is_warned_of(server, engine_of, caplog):
    with engine_of(server, model="orpheus"):
        assert "model orpheus is not served" in caplog.text


MP3 = b"ID3\x04" + bytes(200)
MISBEHAVIOUR = [
    (status(500), EngineError, r"failed \(500\): the server's own words"),
    (status(401), EngineError, r"refuses access \(401\).*set tts\.engines\.openai\.key"),
    (status(404, {"detail": "Model 'x' not found"}), EngineError, "404.*Model 'x' not found"),
    (status(400, {"detail": {"error": "validation_error", "message": "Voice 'x' not found."}}), EngineError, "Voice 'x' not found"),
    (status(422, {"detail": [{"loc": ["body"], "msg": "speed must be between"}]}), EngineError, "speed must be between"),
    (status(429), BusyError, "429"),
    (status(503), BusyError, "503"),
    (status(302, "", Location="http://elsewhere/x"), EngineError, "http://elsewhere/x"),
    (status(200, {"error": {"message": "out of memory"}}), EngineError, "application/json instead of speech: out of memory"),
    (content(b"<html>hello</html>", "text/html"), EngineError, "text/html instead of speech"),
    (content(MP3, "audio/mpeg"), EngineError, "audio/mpeg, not PCM or WAV.*response_format"),
    (content(b"", "audio/pcm"), EngineError, "made no sound with voice af_heart"),
    (content(wav_header(24_000), "audio/wav"), EngineError, "made no sound"),
    (content(wav_header(24_000, kind=85), "audio/wav"), EngineError, "format 85"),
    (cut(bytes(4800), "audio/pcm"), EngineError, "hung up in the middle"),
    (streams(bytes(4800), then=hang_up), EngineError, "hung up in the middle"),
    (endless(bytes(65_536), "audio/pcm"), EngineError, "more than 10 s.*longest_s"),
    (endless(b" " * 65_536, "application/json"), EngineError, "more than"),
]


@pytest.mark.parametrize(("handler", "error", "said"), MISBEHAVIOUR, ids=[said for _, _, said in MISBEHAVIOUR])
def test_a_server_that_fails_is_named_with_its_words_and_asked_again_the_next_time(server, engine_of, handler, error, said):
    server.misbehave(handler)
    with engine_of(server, longest_s=10.0) as engine:
        with pytest.raises(error, match=f"{server.uri}.*{said}"):
            say(engine)
        assert say(engine)[0]


def test_what_was_heard_before_a_server_hangs_up_is_kept(server, engine_of):
    server.misbehave(streams(b"\x01\x02" * 100, then=hang_up))
    with engine_of(server) as engine:
        blocks = engine.synthesize(TtsRequest(TEXT, VOICE))
        assert next(blocks).pcm == b"\x01\x02" * 100
        with pytest.raises(EngineError, match="hung up"):
            next(blocks)


def test_a_server_that_hangs_up_once_is_asked_again_at_once(server, engine_of):
    server.misbehave(hang_up)
    with engine_of(server) as engine:
        assert say(engine)[0]


def test_a_server_that_hangs_up_again_is_unreachable(server, engine_of):
    server.misbehave(hang_up, hang_up)
    with engine_of(server) as engine, pytest.raises(PeerUnreachableError, match=r"cannot be reached.*tts\.engines\.openai\.uri"):
        say(engine)


def test_a_server_that_makes_no_sound_in_time_is_given_up(server, engine_of):
    server.misbehave(server.stuck)
    with engine_of(server, first_s=0.3) as engine, pytest.raises(DeadlineError, match=r"no answer within 0\.3 s.*first_s"):
        say(engine)


def test_a_server_that_sends_headers_and_no_sound_is_given_up(server, engine_of):
    server.misbehave(streams(then=lambda _: server.wait_for_good()))
    with engine_of(server, first_s=0.3) as engine, pytest.raises(DeadlineError, match=r"no sound within 0\.3 s.*first_s"):
        say(engine)


def test_a_server_that_stops_in_the_middle_is_given_up(server, engine_of):
    server.misbehave(streams(bytes(480), then=lambda _: server.wait_for_good()))
    with engine_of(server, idle_s=0.3) as engine, pytest.raises(DeadlineError, match=r"no sound within 0\.3 s.*idle_s"):
        say(engine)


def test_a_request_that_is_cancelled_hangs_up_and_the_next_one_is_served(server, engine_of):
    server.misbehave(server.stuck)
    with engine_of(server) as engine, ThreadPoolExecutor(1) as pool:
        blocks = engine.synthesize(TtsRequest(TEXT, VOICE))
        waiting = pool.submit(next, blocks)
        assert server.reached.wait(TIMEOUT_S)
        blocks.cancel()
        with pytest.raises(EngineError, match="given up"):
            waiting.result(TIMEOUT_S)
        assert server.left.wait(TIMEOUT_S)
        assert say(engine)[0]


def test_an_engine_whose_server_is_down_loads_says_so_and_speaks_once_it_is_up(engine_of, caplog):
    with serving(FakeOpenAi()) as server:
        server.stop()
        with engine_of(server) as engine:
            assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
            with pytest.raises(PeerUnreachableError, match="Connection refused.*is the server running"):
                say(engine, voice="alloy")
            server.start()
            assert say(engine, voice="alloy")[0]
            assert server.bodies[0]["voice"] == "af_heart"


def test_the_connection_of_the_start_serves_the_requests(server, engine_of):
    with engine_of(server) as engine:
        server.peers.clear()
        for _ in range(3):
            say(engine)
    assert len(server.peers) == 1


def test_a_kept_connection_that_the_server_closed_costs_nothing(server, engine_of):
    with engine_of(server) as engine:
        say(engine)
        server.drop_idle()
        assert say(engine)[0]
        assert len(server.bodies) == 2


def test_what_cannot_be_sent_is_left_out_of_the_text(server, engine_of):
    with engine_of(server) as engine:
        say(engine, '\ud800 hello\x00world 😀 "quoted"')
    assert server.bodies[0]["input"] == 'hello world 😀 "quoted"'


def test_a_speaker_is_refused(server, engine_of):
    with engine_of(server) as engine, pytest.raises(UnknownNameError, match="no speaker 'x'"):
        engine.synthesize(TtsRequest(TEXT, VOICE, "x"))


def test_the_key_is_sent_and_nowhere_shown(server, engine_of, caplog):
    caplog.set_level(logging.DEBUG)
    server.key = "s3cret"
    with engine_of(server, key="s3cret") as engine:
        assert say(engine)[0]
    assert set(server.keys) == {"Bearer s3cret"}
    assert "s3cret" not in caplog.text
