"""The satellite as its user meets it: spoken to in a room, heard through a loudspeaker, among servers that may fail."""

import asyncio
from pathlib import Path

import pytest
from satellite_rig import overlap, satellite, seconds
from satellite_servers import HANG, HANG_UP, Reply, ScriptedAsr, ScriptedHandle, ScriptedVoice, ScriptedWake, TwoSoundsVoice
from speech import speak
from virtual_time import virtual

from wyoming_servers.asr.server import serve as serve_asr
from wyoming_servers.handle.server import serve as serve_handle
from wyoming_servers.satellite import chimes
from wyoming_servers.shared.responses import apologies
from wyoming_servers.shared.settings import load
from wyoming_servers.tts.server import serve as serve_tts
from wyoming_servers.wake.server import serve as serve_wake

HEY_JARVIS = speak("hey jarvis")
LONG = "Once upon a time there was a king who had three daughters and no sons. " * 4


def house(asr: ScriptedAsr, handle: ScriptedHandle) -> dict:
    """Our own wake word server and voice, and a recogniser and an intent server that follow a script."""
    settings = load(environment={})
    return {"wake": serve_wake(settings), "tts": serve_tts(settings), "asr": asr, "handle": handle}


@virtual
async def test_a_command_after_the_wake_word_is_answered_aloud(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("what time is it"), ScriptedHandle("It is noon.")
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.5), speak("what time is it"))
        report = await rig.turn()
    assert (report.wake_word, report.transcript, report.answer) == ("hey_jarvis", "what time is it", "It is noon.")
    assert rig.recorder.contains(chimes.wake())
    assert len(rig.recorder.sound) and report.ended == "answered"


@virtual
async def test_a_command_in_one_breath_with_the_wake_word_reaches_the_recogniser_whole(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("what time is it"), ScriptedHandle("It is noon.")
    command = speak("what time is it")
    services = house(asr, handle) | {"wake": ScriptedWake(len(HEY_JARVIS) / 16_000, late_s=0.6)}
    async with satellite(services, tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, command)
        await rig.turn()
    assert overlap(asr.requests[0], command) > 0.95


@virtual
async def test_the_wake_word_is_not_in_what_the_recogniser_gets_after_a_pause(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("stop"), ScriptedHandle(Reply("", intent="EarshotStop"))
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.8), speak("stop"))
        await rig.turn()
    assert overlap(asr.requests[0], speak("stop")) > 0.95
    assert overlap(asr.requests[0], HEY_JARVIS[-8000:]) < 0.5


@virtual
async def test_nothing_said_after_the_wake_word_ends_quietly(tmp_path: Path) -> None:
    async with satellite(house(ScriptedAsr(), ScriptedHandle()), tmp_path, no_speech_s=2.0) as rig:
        await rig.room.hear(HEY_JARVIS)
        report = await rig.turn()
        await rig.heard(chimes.done())
    assert report.ended == "no-speech"


@virtual
async def test_speech_that_is_not_understood_gets_the_error_chime_once(tmp_path: Path) -> None:
    async with satellite(house(ScriptedAsr(""), ScriptedHandle()), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("colourless green ideas"))
        report = await rig.turn()
        await rig.heard(chimes.error())
        await rig.quiet()
    assert report.ended == "empty"
    assert rig.recorder.count(chimes.error()) == 1


@virtual
async def test_a_hum_after_the_wake_word_is_not_the_command(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("", "what time is it"), ScriptedHandle("It is noon.")
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.5), speak("um")[:5000], seconds(1.5), speak("what time is it"))
        report = await rig.turn()
    assert (report.wake_word, report.answer, len(asr.requests)) == ("hey_jarvis", "It is noon.", 2)
    assert not rig.recorder.contains(chimes.error())


@virtual
async def test_a_wake_word_during_the_answer_stops_it_and_listens(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("tell me a story", "what time is it"), ScriptedHandle(LONG, "It is noon.")
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("tell me a story"), seconds(3.0), HEY_JARVIS, seconds(0.6))
        await rig.room.hear(speak("what time is it"))
        first, second = await rig.turn(), await rig.turn()
    assert (first.ended, second.ended) == ("interrupted", "answered")
    assert second.answer == "It is noon."


@virtual
async def test_stop_is_obeyed_without_a_word(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("tell me a story", "stop"), ScriptedHandle(LONG, Reply("", intent="EarshotStop"))
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("tell me a story"), seconds(3.0), HEY_JARVIS, seconds(0.6), speak("stop"))
        await rig.turn()
        report = await rig.turn()
        await rig.quiet()
    assert (report.intent, report.answer, report.ended) == ("EarshotStop", "", "answered")


@virtual
async def test_a_finished_timer_rings_and_is_said_until_the_wake_word(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("stop"), ScriptedHandle(Reply("", intent="EarshotStop"))
    async with satellite(house(asr, handle), tmp_path) as rig:
        await handle.finish_timer("t1", "Your pizza timer is done.")
        assert await handle.told.get() == ("earshot-acknowledge", "t1")
        await rig.heard(chimes.ring(), times=2)
        await rig.room.hear(HEY_JARVIS)
        assert await handle.told.get() == ("earshot-dismiss", "t1")
        rings = rig.recorder.count(chimes.ring())
        await rig.room.hear(seconds(0.5), speak("stop"))
        await rig.turn()
        await rig.quiet()
    assert (rig.recorder.count(chimes.ring()), handle.unheard) == (rings, set())


@virtual
async def test_a_ring_ends_by_itself(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    async with satellite(house(ScriptedAsr(), handle), tmp_path, ring_s=5.0) as rig:
        await handle.finish_timer("t1", "Your timer is done.")
        assert await handle.told.get() == ("earshot-acknowledge", "t1")
        assert await handle.told.get() == ("earshot-dismiss", "t1")
        await rig.quiet()
    assert handle.unheard == {"t1"}


@virtual
async def test_a_reminder_is_said_twice(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(ScriptedAsr(), handle) | {"tts": ScriptedVoice()}
    async with satellite(services, tmp_path, ring_s=60.0) as rig:
        await handle.finish_timer("t1", "Reminder: the oven.", kind="reminder", times=2)
        assert [await handle.told.get() for _ in range(2)] == [("earshot-acknowledge", "t1"), ("earshot-dismiss", "t1")]
        await rig.quiet()
    assert rig.recorder.count(ScriptedVoice.SOUND) == 2


@virtual
async def test_a_reminder_beside_a_timer_is_not_said_more_often(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(ScriptedAsr(), handle) | {"tts": (voice := TwoSoundsVoice())}
    async with satellite(services, tmp_path, ring_s=30.0) as rig:
        await handle.finish_timer("t1", "Pizza.")
        await handle.finish_timer("t2", "While I was away, you missed your alarm.", times=1)
        for _ in range(4):
            await handle.told.get()
        await rig.quiet()
    heard = {text: rig.recorder.count(voice.sound_of(text)) for text in ("Pizza.", "While I was away, you missed your alarm.")}
    assert (heard["While I was away, you missed your alarm."], heard["Pizza."] > 1) == (1, True)


@virtual
async def test_a_timer_that_ends_while_another_rings_is_said_too(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(ScriptedAsr(), handle) | {"tts": (voice := ScriptedVoice())}
    async with satellite(services, tmp_path, ring_s=6.0) as rig:
        await handle.finish_timer("t1", "Pizza.")
        assert await handle.told.get() == ("earshot-acknowledge", "t1")
        await handle.finish_timer("t2", "Eggs.")
        told = [await handle.told.get() for _ in range(3)]
        await rig.quiet()
    assert told == [("earshot-acknowledge", "t2"), ("earshot-dismiss", "t1"), ("earshot-dismiss", "t2")]
    assert {"Pizza.", "Eggs."} <= set(voice.requests)


@virtual
async def test_a_timer_that_ends_during_a_turn_rings_after_it(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("tell me a story"), ScriptedHandle("Once upon a time there was a king.")
    async with satellite(house(asr, handle), tmp_path, ring_s=2.0) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("tell me"))
        await handle.finish_timer("t1", "Your timer is done.")
        report = await rig.turn()
        assert handle.told.empty()
        assert await handle.told.get() == ("earshot-acknowledge", "t1")
    assert report.ended == "answered"


@virtual
async def test_a_timer_that_comes_twice_rings_once(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    async with satellite(house(ScriptedAsr(), handle), tmp_path, ring_s=1.0) as rig:
        await handle.finish_timer("t1", "Your timer is done.")
        told = [await handle.told.get() for _ in range(2)]
        await rig.quiet()
        rings = rig.recorder.count(chimes.ring())
        await handle.finish_timer("t1", "Your timer is done.")
        told.append(await handle.told.get())
        await rig.quiet()
    assert told[-1] == ("earshot-acknowledge", "t1")
    assert rig.recorder.count(chimes.ring()) == rings


@virtual
async def test_a_timer_cancelled_elsewhere_stops_ringing(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    async with satellite(house(ScriptedAsr(), handle), tmp_path) as rig:
        await handle.finish_timer("t1", "Your timer is done.")
        await handle.told.get()
        await handle.cancel_timer("t1")
        await rig.quiet()
    assert rig.recorder.count(chimes.ring()) <= 1


@virtual
async def test_a_follow_up_needs_no_wake_word(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("what time is it", "and the date"), ScriptedHandle("It is noon.", "It is Monday.")
    async with satellite(house(asr, handle), tmp_path, follow_up_s=5.0) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        await rig.turn()
        await rig.room.hear(seconds(0.6), speak("and what is the date"))
        report = await rig.turn()
    assert (report.wake_word, report.answer) == (None, "It is Monday.")


@virtual
async def test_what_is_not_understood_in_the_follow_up_window_is_not_answered(tmp_path: Path) -> None:
    asr, handle = (
        ScriptedAsr("what time is it", "pass me the salt"),
        ScriptedHandle("It is noon.", Reply("I don't know that.", None, False)),
    )
    async with satellite(house(asr, handle), tmp_path, follow_up_s=5.0) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        await rig.turn()
        await rig.room.hear(seconds(0.6), speak("pass me the salt please"))
        report = await rig.turn()
    assert (report.ended, report.answer) == ("ignored", "")


@virtual
async def test_without_the_setting_nothing_is_heard_after_the_answer(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("what time is it"), ScriptedHandle("It is noon.")
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        await rig.turn()
        await rig.room.hear(seconds(0.6), speak("and what is the date"), seconds(1.0))
    assert len(asr.requests) == 1


@virtual
async def test_a_recogniser_that_dies_while_the_user_speaks_is_replaced_by_the_next(tmp_path: Path) -> None:
    handle = ScriptedHandle("It is noon.")
    async with satellite(house(ScriptedAsr(), handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it in"))
        await rig.kill("asr")
        second = ScriptedAsr("what time is it")
        await rig.revive("asr", second)
        report = await rig.turn()
    assert report.answer == "It is noon."
    assert overlap(second.requests[0], speak("what time is it in")) > 0.95


@virtual
async def test_a_dead_recogniser_is_apologised_for_aloud(tmp_path: Path) -> None:
    services = house(ScriptedAsr(), ScriptedHandle()) | {"tts": (voice := ScriptedVoice())}
    async with satellite(services, tmp_path) as rig:
        await rig.kill("asr")
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        report = await rig.turn()
    assert report.ended == "failed"
    assert voice.requests == [apologies("en")["asr"]]


@virtual
async def test_a_silent_recogniser_is_apologised_for_aloud(tmp_path: Path) -> None:
    services = house(ScriptedAsr(HANG), ScriptedHandle()) | {"tts": (voice := ScriptedVoice())}
    async with satellite(services, tmp_path, asr_s=2.0) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        report = await rig.turn()
    assert "took longer than 2 s" in (report.error or "")
    assert voice.requests == [apologies("en")["asr"]]


@virtual
async def test_an_intent_server_that_dies_over_a_command_is_not_asked_twice(tmp_path: Path) -> None:
    handle = ScriptedHandle(HANG_UP, "Done.")
    services = house(ScriptedAsr("set a timer"), handle) | {"tts": (voice := ScriptedVoice())}
    async with satellite(services, tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("set a timer"))
        report = await rig.turn()
    assert (report.ended, len(handle.requests)) == ("failed", 1)
    assert voice.requests == [apologies("en")["handle"]]


@virtual
async def test_a_silent_intent_server_is_apologised_for_aloud(tmp_path: Path) -> None:
    services = house(ScriptedAsr("set a timer"), ScriptedHandle(HANG)) | {"tts": (voice := ScriptedVoice())}
    async with satellite(services, tmp_path, handle_s=2.0) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("set a timer"))
        report = await rig.turn()
    assert "took longer than 2 s" in (report.error or "")
    assert voice.requests == [apologies("en")["handle"]]


@virtual
async def test_a_dead_voice_is_heard_as_the_error_chime(tmp_path: Path) -> None:
    async with satellite(house(ScriptedAsr("what time is it"), ScriptedHandle("It is noon.")), tmp_path) as rig:
        await rig.kill("tts")
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        report = await rig.turn()
        await rig.heard(chimes.error())
    assert report.ended == "failed"


@virtual
async def test_a_voice_that_hangs_up_in_the_middle_is_taken_up_by_the_next(tmp_path: Path) -> None:
    services = house(ScriptedAsr("what time is it"), ScriptedHandle("It is noon.")) | {"tts": (voice := ScriptedVoice(HANG_UP, "whole"))}
    async with satellite(services, tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        report = await rig.turn()
    assert report.ended == "answered"
    assert voice.requests == ["It is noon."] * 2
    assert rig.recorder.contains(ScriptedVoice.SOUND)


@virtual
async def test_a_wake_server_that_returns_is_used_again(tmp_path: Path) -> None:
    services = house(ScriptedAsr("what time is it"), ScriptedHandle("It is noon."))
    async with satellite(services, tmp_path) as rig:
        await rig.kill("wake")
        await rig.room.hear(seconds(1.0))
        await rig.revive("wake", serve_wake(load(environment={})))
        await rig.room.hear(seconds(4.0), HEY_JARVIS, seconds(0.6), speak("what time is it"))
        report = await rig.turn()
    assert report.answer == "It is noon."


@virtual
async def test_what_was_said_before_the_microphone_was_lost_is_answered(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("what time is it"), ScriptedHandle("It is noon.")
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        rig.room.plugged_in = False
        report = await rig.turn()
    assert report.answer == "It is noon."


@virtual
async def test_a_microphone_that_is_back_is_used_again(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("what time is it"), ScriptedHandle("It is noon.")
    async with satellite(house(asr, handle), tmp_path) as rig:
        rig.room.plugged_in = False
        await rig.room.missed.wait()
        rig.room.plugged_in = True
        await rig.room.hear(seconds(1.0), HEY_JARVIS, seconds(0.6), speak("what time is it"))
        report = await rig.turn()
    assert report.answer == "It is noon."


@virtual
async def test_a_recogniser_that_is_gone_is_not_spoken_of_while_the_user_speaks(tmp_path: Path) -> None:
    services = house(ScriptedAsr(), ScriptedHandle()) | {"tts": (voice := ScriptedVoice())}
    async with satellite(services, tmp_path) as rig:
        await rig.kill("asr")
        await rig.room.hear(HEY_JARVIS, seconds(0.6), *[speak("and then I would like you to know")] * 3)
        assert voice.requests == []
        report = await rig.turn()
    assert report.ended == "failed"
    assert voice.requests == [apologies("en")["asr"]]


@virtual
async def test_everything_ends_within_two_seconds_of_being_told_to(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("tell me a story"), ScriptedHandle(LONG)
    async with satellite(house(asr, handle), tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("tell me a story"), seconds(2.0))
        async with asyncio.timeout(2.0):
            await rig.stop()


@virtual
async def test_a_timer_set_by_voice_rings_here_until_the_next_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    settings = load(environment={})
    servers = {"wake": serve_wake, "asr": serve_asr, "handle": serve_handle, "tts": serve_tts}
    async with satellite({kind: serve(settings) for kind, serve in servers.items()}, tmp_path) as rig:
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("set a timer for one second"))
        first = await rig.turn()
        await rig.heard(chimes.ring(), times=2)
        await rig.room.hear(HEY_JARVIS, seconds(0.6), speak("what time is it"))
        second = await rig.turn()
        rings = rig.recorder.count(chimes.ring())
        await rig.quiet()
    assert rings == rig.recorder.count(chimes.ring())
    assert (first.intent, second.intent) == ("HassStartTimer", "HassGetCurrentTime")
