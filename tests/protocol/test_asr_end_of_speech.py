"""The server that ends the turn itself: checklist C39 to C41. Made speech, the stock Wyoming client, a scripted recogniser."""

import numpy as np
import pytest
from asr_fakes import WAIT, ask, audio, happened, receive, request, scripted, send, service, text
from speech import silence, speak
from wyoming.asr import Transcribe
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

FRAME = 512
"""Samples of one decision of the voice detector."""


@pytest.fixture(scope="module")
def command() -> np.ndarray:
    """Half a second of quiet, a command, four seconds of quiet."""
    return np.concatenate((silence(0.5), speak("what time is it"), silence(4)))


@pytest.fixture(scope="module")
def endless(command) -> list[Event]:
    """The command as a client sends it that never says where it ends."""
    return request(command)[:-1]


def ending(engine, **section):
    return service(engine, **{"end_of_speech": True, **section})


def heard(events: list[Event]) -> str:
    return next(event.data["text"] for event in events if event.type == "transcript")


def heard_s(events: list[Event]) -> float:
    """How much the scripted engine heard, in seconds."""
    return int(heard(events)) / 16_000


async def info(uri: str) -> Info:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("describe"))
        return Info.from_event((await receive(client, "info"))[-1])


@pytest.mark.parametrize("own", [True, False])
async def test_b24_info_says_who_finds_the_end_of_speech(serving, own):
    async with serving(service(scripted(), end_of_speech=own)) as uri:
        assert (await info(uri)).asr[0].requires_external_vad is not own


async def test_c39_the_transcript_comes_while_audio_still_flows(serving, endless):
    async with serving(ending(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, endless)
        assert [event.type for event in await receive(client)] == [
            "voice-started",
            "voice-stopped",
            "transcript-start",
            "transcript-chunk",
            "transcript",
            "transcript-stop",
        ]


async def test_c39_the_engine_hears_the_command_and_not_what_comes_after_the_end(serving, command, endless):
    async with serving(ending(scripted("{samples}"))) as uri:
        seconds = heard_s(await ask(uri, endless))
        assert 1.2 < seconds < len(command) / 16_000 - 2.5


async def test_c39_how_the_audio_is_cut_into_chunks_does_not_matter(serving, command):
    async with serving(ending(scripted("{samples}"))) as uri:
        lengths = {await text(uri, audio(command, chunk_bytes=size)[:-1]) for size in (320, 4096, 2 * len(command))}
        assert len(lengths) == 1


async def test_c39_the_events_of_the_voice_tell_where_it_was(serving, endless):
    async with serving(ending(scripted())) as uri:
        events = await ask(uri, endless, until="transcript")
        started, stopped = (next(e.data["timestamp"] for e in events if e.type == f"voice-{what}") for what in ("started", "stopped"))
        assert 450 <= started <= 750
        assert 500 <= stopped - started <= len(speak("what time is it")) / 16


async def test_c39_audio_after_the_transcript_is_taken_in_and_dropped(serving, command, endless):
    engine = scripted("{samples}")
    async with serving(ending(engine)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, endless)
        first = heard(await receive(client))
        await send(client, audio(command)[1:])  # more of the same request, with its audio-stop
        await client.write_event(Event("ping"))
        assert [event.type for event in await receive(client, "pong")] == ["pong"]
        assert len(engine.requests) == 1 and first


async def test_c39_the_next_request_of_the_connection_is_heard_from_its_start(serving, endless):
    async with serving(ending(scripted("{samples}"))) as uri, AsyncClient.from_uri(uri) as client:
        answers = []
        for ends in ([Event("audio-stop")], []):  # with the audio-stop that is owed, and from a client that leaves it out
            await send(client, endless)
            answers.append(heard(await receive(client)))
            await send(client, ends)
        await send(client, endless)
        answers.append(heard(await receive(client)))
        assert len(set(answers)) == 1


async def test_c39_a_client_that_hangs_up_after_the_transcript_leaves_nothing_behind(serving, endless):
    asr = ending(scripted(), streams=1, waiting=0)
    async with serving(asr) as uri:
        for _ in range(3):
            async with AsyncClient.from_uri(uri) as client:
                await send(client, endless)
                assert heard(await receive(client, "transcript"))


async def test_c39_audio_stop_ends_it_early(serving):
    sound = np.concatenate((silence(0.3), speak("stop")))
    async with serving(ending(scripted("{samples}"))) as uri:
        assert await text(uri, request(sound)) == str(len(sound))


async def test_c39_an_early_audio_stop_leaves_it_to_the_engine_whether_there_was_speech(serving):
    async with serving(ending(scripted("{samples}"))) as uri:
        assert await text(uri, request(silence(0.5))) == "8000"


async def test_c39_the_transcript_waits_for_an_engine_that_is_busy_and_audio_goes_on(serving, command):
    engine = scripted()
    marked = request(np.concatenate((np.array([WAIT], np.int16), command)))[:-1]
    async with serving(ending(engine)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, marked)
        await happened(engine.begun)
        assert [event.type for event in await receive(client, "voice-stopped")] == ["voice-started", "voice-stopped"]
        await send(client, marked[-20:])
        engine.gate.set()
        assert (await receive(client))[-1].type == "transcript-stop"


async def test_c39_the_deadline_counts_from_the_end_of_speech(serving, endless):
    engine = scripted(deaf=True)
    async with serving(ending(engine, deadline_s=0.1)) as uri:
        error = (await ask(uri, endless))[-1]
        assert (error.type, error.data["code"]) == ("error", "deadline-exceeded")


async def test_c38_talk_without_end_is_cut(serving):
    talk = np.concatenate([speak("and then they went on and on") for _ in range(3)])
    async with serving(ending(scripted("{samples}"), longest_turn_s=3)) as uri:
        events = await ask(uri, request(talk)[:-1])
        assert heard_s(events) == pytest.approx(3, abs=2 * FRAME / 16_000)
        assert "voice-stopped" in [event.type for event in events]


async def test_c40_without_speech_the_transcript_is_empty(serving):
    async with serving(ending(scripted(), no_speech_s=1)) as uri:
        events = await ask(uri, request(silence(2))[:-1])
        assert heard(events) == "" and "voice-started" not in [event.type for event in events]


async def test_c40_noise_is_no_speech(serving):
    noise = np.random.default_rng(1).normal(0, 300, 32_000).astype(np.int16)
    async with serving(ending(scripted(), no_speech_s=1)) as uri:
        assert heard(await ask(uri, request(noise)[:-1])) == ""


async def test_c40_the_place_at_the_engine_is_free_after_a_turn_without_speech(serving, endless):
    async with serving(ending(scripted(), no_speech_s=1, streams=1, waiting=0)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, request(silence(2)))
        assert heard(await receive(client)) == ""
        await send(client, endless)
        assert heard(await receive(client)) != ""


PAUSES = {"aggressive": 0.25, "default": 0.7, "relaxed": 1.25}


async def end_s(serving, command: np.ndarray, asked: object, **section) -> float:
    transcribe = Event("transcribe", {} if asked is None else {"vad_sensitivity": asked})
    async with serving(ending(scripted("{samples}"), **section)) as uri:
        events = await ask(uri, [transcribe, *audio(command)[:-1]])
    stopped = next(event.data["timestamp"] for event in events if event.type == "voice-stopped")
    return heard_s(events) - stopped / 1000


@pytest.mark.parametrize("sensitivity", PAUSES)
async def test_c41_the_client_says_how_soon_a_pause_is_the_end(serving, command, sensitivity):
    assert await end_s(serving, command, sensitivity) == pytest.approx(PAUSES[sensitivity], abs=0.04)


@pytest.mark.parametrize("sensitivity", PAUSES)
async def test_c41_else_the_owner_says_it(serving, command, sensitivity):
    assert await end_s(serving, command, None, vad_sensitivity=sensitivity) == pytest.approx(PAUSES[sensitivity], abs=0.04)


@pytest.mark.parametrize("unknown", ["eager", "", 7, None, ["relaxed"]])
async def test_c41_an_unknown_sensitivity_is_the_default(serving, command, unknown):
    assert await end_s(serving, command, unknown) == pytest.approx(PAUSES["default"], abs=0.04)


async def test_a_pause_within_the_command_does_not_end_it(serving):
    sound = np.concatenate((silence(0.3), speak("set a timer for"), silence(0.3), speak("five minutes"), silence(2)))
    async with serving(ending(scripted("{samples}"))) as uri:
        asked = Transcribe(vad_sensitivity="relaxed").event()
        assert heard_s(await ask(uri, [asked, *audio(sound)[:-1]])) > len(sound) / 16_000 - 1.5


@pytest.mark.parametrize("own", [True, False])
async def test_a_client_may_say_that_it_finds_the_end_itself_or_that_it_does_not(serving, command, own):
    asked = Transcribe(context={"earshot_end_of_speech": own}).event()
    async with serving(service(scripted("{samples}"), end_of_speech=not own)) as uri:
        whole = heard_s(await ask(uri, [asked, *audio(command)])) == len(command) / 16_000
        assert whole is not own
