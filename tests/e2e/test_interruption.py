"""Somebody speaks into an answer, a ring or an announcement: among real servers, with real speech, on a real player."""

import asyncio
import functools
from pathlib import Path

import numpy as np
import pytest
from echo_room import EchoRecorder, EchoRoom, impulse_response
from satellite_rig import Rig, satellite, seconds
from satellite_servers import HANG, Reply, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.asr.phrases import PhrasesEngine, PhrasesOptions
from wyoming_servers.satellite import chimes
from wyoming_servers.satellite.remarks import Remarks
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import RATE_HZ, AudioFormat, Converter
from wyoming_servers.shared.engines import EngineContext

STORY = "Once upon a time there was a king who had three daughters and no sons. " * 2


def house(asr: ScriptedAsr, handle: ScriptedHandle) -> dict:
    """A wake word when the test says so, a recogniser and an intent server that follow a script, and a voice that knows one story."""
    voice = ScriptedVoice()
    voice.sound = story()
    return {"wake": ToldWake(), "tts": voice, "asr": asr, "handle": handle}


@functools.cache
def story() -> np.ndarray:
    """The story as sound, at the player's rate."""
    converter = Converter(AudioFormat(RATE_HZ, 2, 1), PLAYBACK_RATE_HZ)
    return np.concatenate((converter.convert(speak(STORY).tobytes()), converter.flush()))


class EmbeddedAsr(ScriptedAsr):
    """The embedded recogniser, on a thread for which the clock waits."""

    def __init__(self) -> None:
        super().__init__()
        self._engine = PhrasesEngine(PhrasesOptions(), EngineContext())

    async def reply(self, request: np.ndarray) -> str:
        return await asyncio.to_thread(self._hear, request)

    def _hear(self, samples: np.ndarray) -> str:
        stream = self._engine.open(AsrRequest(terms=Remarks("en").terms))
        stream.feed(samples)
        return stream.finish().text


async def in_the_story(rig: Rig, services: dict) -> None:
    """The answer to a command is being spoken."""
    await services["wake"].hears()
    await rig.room.hear(seconds(0.3), speak("tell me a story"), seconds(2.5))
    assert loud(rig, 0.5)


def loud(rig: Rig, last_s: float) -> bool:
    """True when something was heard in the last seconds."""
    return bool(rig.recorder.sound[-round(last_s * chimes.RATE_HZ) :].any())


@virtual
async def test_who_speaks_into_the_answer_is_answered_where_the_echo_is_cancelled(tmp_path: Path) -> None:
    services = house(ScriptedAsr("tell me a story", "what time is it now"), ScriptedHandle(STORY, "It is noon."))
    async with satellite(services, tmp_path, echo_cancel="device") as rig:
        await in_the_story(rig, services)
        await rig.room.hear(speak("what time is it now in the kitchen"), seconds(1.0))
        first, second = await rig.turn(), await rig.turn()
    assert (first.ended, second.transcript, second.answer) == ("interrupted", "what time is it now", "It is noon.")


@pytest.mark.slow
@virtual
async def test_the_whole_interruption_reaches_the_recogniser(tmp_path: Path) -> None:
    asr = ScriptedAsr("tell me a story", "what time is it now")
    services = house(asr, ScriptedHandle(STORY, "It is noon."))
    spoken = speak("what time is it now in the kitchen")
    async with satellite(services, tmp_path, echo_cancel="device") as rig:
        await in_the_story(rig, services)
        await rig.room.hear(spoken, seconds(1.0))
        await rig.turn()
        await rig.turn()
    assert len(asr.requests[-1]) >= len(spoken) * 0.9


@virtual
async def test_a_word_by_the_way_does_not_lose_the_answer(tmp_path: Path) -> None:
    services = house(ScriptedAsr("tell me a story", "okay"), ScriptedHandle(STORY))
    async with satellite(services, tmp_path, echo_cancel="device") as rig:
        await in_the_story(rig, services)
        await rig.room.hear(speak("okay"), seconds(1.5))
        report = await rig.turn()
    assert (report.ended, report.answer) == ("answered", STORY.strip())


@virtual
async def test_without_a_canceller_other_words_do_not_interrupt(tmp_path: Path) -> None:
    services = house(ScriptedAsr("tell me a story", "what time is it"), ScriptedHandle(STORY))
    async with satellite(services, tmp_path) as rig:
        await in_the_story(rig, services)
        await rig.room.hear(speak("what time is it now in the kitchen"), seconds(1.5))
        report = await rig.turn()
    assert report.ended == "answered"


@virtual
async def test_stop_into_the_answer_needs_no_wake_word(tmp_path: Path) -> None:
    services = house(ScriptedAsr("tell me a story", "Stop."), ScriptedHandle(STORY))
    async with satellite(services, tmp_path, echo_cancel="device") as rig:
        await in_the_story(rig, services)
        await rig.room.hear(speak("stop"), seconds(1.5))
        report = await rig.turn()
        assert not loud(rig, 0.5)
    assert report.ended == "interrupted"
    assert len(services["handle"].requests) == 1


@virtual
async def test_stop_into_a_ring_needs_no_wake_word_and_no_canceller(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("stop"), ScriptedHandle()
    async with satellite(house(asr, handle), tmp_path) as rig:
        await handle.finish_timer("t1", "")
        assert await handle.told.get() == ("earshot-acknowledge", "t1")
        await rig.heard(chimes.ring())
        await rig.room.hear(speak("stop"), seconds(1.5))
        assert await handle.told.get() == ("earshot-dismiss", "t1")
        await rig.quiet()
    assert "t1" not in handle.unheard


@virtual
async def test_stop_is_recognised_by_the_embedded_recogniser(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(EmbeddedAsr(), handle)
    async with satellite(services, tmp_path) as rig:
        await handle.finish_timer("t1", "Your pizza timer is done.")
        assert await handle.told.get() == ("earshot-acknowledge", "t1")
        await rig.heard(chimes.ring(), times=2)
        await rig.room.hear(seconds(0.3), speak("stop"), seconds(1.5))
        assert await handle.told.get() == ("earshot-dismiss", "t1")
    assert "t1" not in handle.unheard


@virtual
async def test_a_ring_alone_interrupts_nothing(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr(), ScriptedHandle()
    async with satellite(house(asr, handle), tmp_path) as rig:
        await handle.finish_timer("t1", "")
        await rig.heard(chimes.ring())
        ring = np.interp(np.arange(0, len(chimes.ring()), chimes.RATE_HZ / 16_000), np.arange(len(chimes.ring())), chimes.ring())
        await rig.room.hear(*[(ring * 0.5).astype(np.int16)] * 2)
    assert asr.requests == []


@virtual
async def test_a_sentence_that_was_not_asked_for_is_stopped_too(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("stop"), ScriptedHandle()
    async with satellite(house(asr, handle), tmp_path, echo_cancel="device") as rig:
        await handle.say(STORY)
        await rig.recorder.until(lambda: loud(rig, 0.5))
        await rig.room.hear(speak("stop"), seconds(1.5))
        assert not loud(rig, 0.5)


@virtual
async def test_the_intent_server_is_told_how_much_of_the_answer_was_heard(tmp_path: Path) -> None:
    handle = ScriptedHandle(STORY, "It is noon.")
    services = house(ScriptedAsr("tell me a story", "stop"), handle)
    async with satellite(services, tmp_path) as rig:
        await in_the_story(rig, services)
        await services["wake"].hears()
        told = await asyncio.wait_for(handle.spoken.get(), 10)
        report = await rig.turn()
    assert (told["transcript"], told["conversation_id"]) == ("tell me a story", handle.requests[0]["context"]["conversation_id"])
    assert told["turn"] == handle.requests[0]["context"]["turn"]
    assert STORY.startswith(told["text"]) and 10 <= len(told["text"]) <= 80
    assert report.ended == "interrupted"


@virtual
async def test_an_answer_that_was_heard_to_its_end_is_not_told_of(tmp_path: Path) -> None:
    handle = ScriptedHandle("It is noon.", Reply("", intent="EarshotStop"))
    services = house(ScriptedAsr("what time is it", "stop"), handle)
    async with satellite(services, tmp_path) as rig:
        await services["wake"].hears()
        await rig.room.hear(seconds(0.3), speak("what time is it"))
        await rig.turn()
        await services["wake"].hears()
        await rig.room.hear(seconds(0.3), speak("stop"))
        await rig.turn()
    assert handle.spoken.empty()


def living_room() -> tuple[EchoRoom, EchoRecorder]:
    """A satellite that hears itself."""
    room = EchoRoom(impulse_response(delay_s=0.03, reverberation_s=0.3, gain=0.4))
    return room, EchoRecorder(room)


@pytest.mark.slow
@virtual
async def test_with_the_canceller_our_own_voice_interrupts_nothing_in_a_room(tmp_path: Path) -> None:
    services = house(asr := ScriptedAsr("tell me a story"), ScriptedHandle(STORY))
    async with satellite(services, tmp_path, living_room(), echo_cancel="webrtc") as rig:
        await in_the_story(rig, services)
        report = await rig.turn()
    assert (report.ended, len(asr.requests)) == ("answered", 1)


@virtual
async def test_with_the_canceller_who_speaks_into_the_answer_is_answered_in_a_room(tmp_path: Path) -> None:
    services = house(ScriptedAsr("tell me a story", "what time is it now"), ScriptedHandle(STORY, "It is noon."))
    async with satellite(services, tmp_path, living_room(), echo_cancel="webrtc") as rig:
        await in_the_story(rig, services)
        await rig.room.hear(seconds(3.0), speak("what time is it now in the kitchen", speaker="f3"), seconds(1.0))
        first, second = await rig.turn(), await rig.turn()
    assert (first.ended, second.transcript) == ("interrupted", "what time is it now")


@virtual
async def test_never_mind_is_recognised_over_our_own_voice_in_a_room(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(EmbeddedAsr(), handle)
    async with satellite(services, tmp_path, living_room(), echo_cancel="webrtc") as rig:
        await handle.say(STORY)
        await rig.recorder.until(lambda: loud(rig, 0.5))
        await rig.room.hear(seconds(4.5), speak("never mind", speaker="f3"), seconds(1.5))
        assert not loud(rig, 0.5)


@pytest.mark.slow
@virtual
async def test_without_a_canceller_our_own_voice_interrupts_nothing_in_a_room(tmp_path: Path) -> None:
    services = house(asr := ScriptedAsr("tell me a story"), ScriptedHandle(STORY))
    async with satellite(services, tmp_path, living_room()) as rig:
        await in_the_story(rig, services)
        report = await rig.turn()
    assert (report.ended, len(asr.requests)) == ("answered", 1)


@pytest.mark.parametrize("kind", ["asr", "handle", "tts"])
def test_a_wake_word_reaches_every_engine_within_20_ms(kind: str, tmp_path: Path) -> None:
    @virtual
    async def check() -> None:
        services = {"wake": ToldWake(), "asr": ScriptedAsr("a story"), "handle": ScriptedHandle(STORY), "tts": ScriptedVoice()}
        services[kind].script = [HANG]
        async with satellite(services, tmp_path) as rig:
            await services["wake"].hears()
            await rig.room.hear(seconds(0.3), speak("tell me a story"), seconds(2.0))
            heard_at = asyncio.get_running_loop().time()
            await services["wake"].hears()
            await services[kind].cancelled.wait()
            assert asyncio.get_running_loop().time() - heard_at <= 0.02

    check()
