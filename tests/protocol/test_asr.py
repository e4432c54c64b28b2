"""The ASR server over real sockets: checklist C, and the points of A that concern it. The stock Wyoming client.

Where the server's behaviour matters the recogniser is scripted; where hearing matters it is the embedded one.
"""

import asyncio

import numpy as np
import pytest
from asr_fakes import CRASH, WAIT, ask, audio, happened, receive, request, scripted, send, service, text
from speech import silence, speak
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

from wyoming_servers.shared.settings import load

STREAMED = ["transcript-start", "transcript-chunk", "transcript", "transcript-stop"]
SECOND = np.full(16_000, 1000, np.int16)


def marked(mark: int, samples: int = 1600) -> np.ndarray:
    """Audio that tells the scripted engine what to do."""
    made = np.zeros(samples, np.int16)
    made[0] = mark
    return made


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


async def describe(uri: str) -> Info:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("describe"))
        return Info.from_event((await receive(client, "info"))[-1])


@pytest.fixture
async def real(serving):
    """The server as it is installed, its recogniser loaded."""
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    from wyoming_servers.asr.server import serve

    asr = serve(load(environment={}))
    async with serving(asr) as uri:
        await asr.host.ready()
        yield uri


async def test_a14_describe_is_answered_on_the_connection_that_waits_for_its_transcript(serving):
    engine = scripted()
    async with serving(service(engine)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, request(marked(WAIT)))
        await happened(engine.begun)
        await client.write_event(Event("describe"))
        assert types(await receive(client, "info"))[-1] == "info"
        engine.gate.set()
        assert types(await receive(client)) == STREAMED


async def test_a20_a_client_that_hangs_up_frees_its_slot(serving):
    engine = scripted()
    async with serving(service(engine, streams=1, waiting=0)) as uri:
        async with AsyncClient.from_uri(uri) as client:
            await send(client, request(SECOND)[:5])
        async with asyncio.timeout(5):
            while (answer := await ask(uri, request(SECOND)))[-1].type == "error":
                assert answer[-1].data["code"] == "busy"  # until the server has seen the hang-up
        assert types(answer) == STREAMED


async def test_a22_two_requests_on_one_connection_get_the_same_answer(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        answers = []
        for _ in range(2):
            await send(client, request(SECOND))
            answers.append([(event.type, event.data) for event in await receive(client)])
        assert answers[0] == answers[1]


async def test_a23_a_crash_of_the_engine_is_told_and_the_connection_closed(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, request(marked(CRASH)))
        error = (await receive(client))[-1]
        assert (error.type, error.data["code"]) == ("error", "internal-error")
        assert await client.read_event() is None


async def test_b24_info_has_no_null_where_a_client_wants_a_boolean(serving):
    async with serving(service(scripted())) as uri:
        program = (await describe(uri)).asr[0]
        assert program.requires_external_vad is True
        assert program.prefers_auto_gain_enabled is True and program.prefers_noise_reduction_enabled is True


@pytest.mark.parametrize("streams", [True, False])
async def test_b24_info_tells_the_truth_about_streaming(serving, streams):
    async with serving(service(scripted(streams_partials=streams))) as uri:
        assert (await describe(uri)).asr[0].supports_transcript_streaming is streams


async def test_c30_chunks_of_10_ms_yield_exactly_one_transcript(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, request(SECOND, language="en"))
        events = await receive(client)
        await client.write_event(Event("ping"))
        assert types(events + await receive(client, "pong")) == [*STREAMED, "pong"]


async def test_c30_every_sample_reaches_the_engine(serving):
    async with serving(service(scripted())) as uri:
        assert await text(uri, request(SECOND)) == "16000 samples, loudest 1000"


async def test_c31_audio_without_transcribe_is_recognised(serving):
    async with serving(service(scripted())) as uri:
        assert await text(uri, audio(SECOND)) == "16000 samples, loudest 1000"


@pytest.mark.parametrize("language", [None, "en", "en_US", "en-US", "EN-us", "en-AU"])
async def test_c31_english_in_every_spelling_is_taken(serving, language):
    async with serving(service(scripted())) as uri:
        assert await text(uri, request(SECOND, language=language)) == "16000 samples, loudest 1000"


@pytest.mark.parametrize("language", ["xx", "fr-FR", "e"])
async def test_c32_a_language_that_is_not_heard_is_an_error_that_lists_those_that_are(serving, language):
    async with serving(service(scripted())) as uri:
        error = (await ask(uri, request(SECOND, language=language)))[-1]
        assert (error.type, error.data["code"]) == ("error", "unsupported-language")
        assert "en-US" in error.data["text"]


FORMATS = [
    (rate, width, channels)
    for rate, width in ((8000, 2), (16000, 1), (24000, 3), (32000, 4), (44100, 2), (48000, 2))
    for channels in (1, 2)
]


@pytest.mark.parametrize(("rate_hz", "width", "channels"), FORMATS)
async def test_c33_a_second_in_any_format_is_a_second(serving, rate_hz, width, channels):
    pcm = np.full(rate_hz * width * channels, 128 if width == 1 else 0, np.uint8)
    async with serving(service(scripted("{samples}"))) as uri:
        heard = await text(uri, audio(pcm, rate_hz=rate_hz, width=width, channels=channels, chunk_bytes=1200))
        assert abs(int(heard) - 16_000) <= 160


async def test_c33_an_impossible_format_is_an_error(serving):
    async with serving(service(scripted())) as uri:
        error = (await ask(uri, audio(SECOND, width=7)))[-1]
        assert (error.type, error.data["code"]) == ("error", "invalid-request")


async def test_c33_resampled_speech_is_understood(real):
    sound = np.repeat(speak("what time is it"), 3)  # 48 kHz
    stereo = np.stack((sound, sound), axis=1)
    assert await text(real, audio(stereo, rate_hz=48_000, channels=2, chunk_bytes=4096)) == "what time is it"


async def test_c34_stop_without_chunks_gives_the_empty_transcript(serving):
    async with serving(service(scripted(""))) as uri:
        assert await text(uri, [*request(SECOND)[:2], Event("audio-stop")]) == ""


async def test_c35_silence_gives_the_empty_text(real):
    assert await text(real, request(silence(3))) == ""


async def test_c35_noise_gives_the_empty_text(real):
    noise = np.random.default_rng(1).normal(0, 2000, 48_000).astype(np.int16)
    assert await text(real, request(noise)) == ""


async def test_c36_text_is_trimmed_with_single_spaces(serving):
    async with serving(service(scripted("  turn   on \n the lights "))) as uri:
        assert await text(uri, request(SECOND)) == "turn on the lights"


async def test_c37_an_engine_that_takes_too_long_is_an_error(serving):
    engine = scripted()
    async with serving(service(engine, deadline_s=0.1)) as uri:
        error = (await ask(uri, request(marked(WAIT))))[-1]
        assert (error.type, error.data["code"]) == ("error", "deadline-exceeded")
        engine.gate.set()


async def test_c38_a_second_too_much_is_cut(serving):
    async with serving(service(scripted(), longest_s=1)) as uri:
        assert await text(uri, request(np.concatenate((SECOND, SECOND)))) == "16000 samples, loudest 1000"


async def test_c38_who_never_stops_gets_the_transcript_of_what_fits(serving):
    async with serving(service(scripted(), longest_s=1)) as uri:
        endless = request(np.concatenate((SECOND, SECOND)))[:-1]
        assert await text(uri, endless) == "16000 samples, loudest 1000"


async def test_c38_the_next_utterance_after_a_cut_one_is_heard_from_its_start(serving):
    async with serving(service(scripted(), longest_s=1)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, request(np.concatenate((SECOND, SECOND))))
        await receive(client)
        await send(client, request(SECOND[:8000]))
        assert (await receive(client))[2].data["text"] == "8000 samples, loudest 1000"


async def test_c42_the_stream_of_a_transcript_is_in_order_and_adds_up(serving):
    async with serving(service(scripted())) as uri:
        events = await ask(uri, request(SECOND))
        assert types(events) == STREAMED
        assert "".join(event.data["text"] for event in events if event.type == "transcript-chunk") == events[2].data["text"]


async def test_c42_an_engine_without_partials_sends_the_transcript_alone(serving):
    async with serving(service(scripted(streams_partials=False))) as uri:
        assert types(await ask(uri, request(SECOND), until="transcript")) == ["transcript"]


async def test_c43_name_selects_the_model(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await text(uri, request(SECOND, name="large"))
        assert engine.requests[0].model == "large"


async def test_c43_an_unknown_name_is_an_error_that_lists_the_models(serving):
    async with serving(service(scripted())) as uri:
        error = (await ask(uri, request(SECOND, name="huge")))[-1]
        assert (error.type, error.data["code"]) == ("error", "unknown-name")
        assert "small, large" in error.data["text"]


async def test_c44_names_and_terms_reach_the_engine(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await text(uri, request(SECOND, transcript_names=["Zoë"], transcript_terms=["sonata"]))
        assert (engine.requests[0].names, engine.requests[0].terms) == (("Zoë",), ("sonata",))


async def test_c44_names_that_are_no_list_of_texts_are_an_error(serving):
    async with serving(service(scripted())) as uri:
        error = (await ask(uri, [Event("transcribe", {"transcript_names": [5]})]))[-1]
        assert (error.type, error.data["code"]) == ("error", "invalid-request")


async def test_c45_ten_sessions_at_once_get_each_its_own_transcript(serving):
    async with serving(service(scripted(), streams=3)) as uri:
        lengths = [1600 * (number + 1) for number in range(10)]
        heard = await asyncio.gather(*(text(uri, request(np.full(n, n // 10, np.int16))) for n in lengths))
        assert heard == [f"{n} samples, loudest {n // 10}" for n in lengths]


async def test_c45_sessions_at_once_are_heard_like_sessions_alone(real):
    said = ["what time is it", "cancel all timers", "set a timer for five minutes"]
    heard = await asyncio.gather(*(text(real, request(speak(words))) for words in said))
    assert heard == said
