"""While the microphone is switched off, no sound leaves the satellite. Each satellite has a name of its own: its switch is remembered."""

import os
import signal
from pathlib import Path

from handle_house import service
from satellite_rig import satellite, seconds
from satellite_servers import ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes

COMMAND = speak("what time is it")


def house(handle: ScriptedHandle, asr: ScriptedAsr | None = None) -> dict:
    return {"wake": ToldWake(), "asr": asr or ScriptedAsr(), "handle": handle, "tts": ScriptedVoice()}


@virtual
async def test_the_wake_server_gets_nothing_until_it_is_switched_on(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(handle)
    wake = services["wake"]
    async with satellite(services, tmp_path, name="switch 1") as rig:
        assert wake.samples
        await handle.switch_microphone(off=True)
        await rig.heard(chimes.muted())
        before = wake.samples
        await rig.room.hear(COMMAND, seconds(1.0))
        assert wake.samples == before
        await handle.switch_microphone(off=False)
        await rig.heard(chimes.unmuted())
        await wake.grows()
    assert len(wake.peers) == 1


@virtual
async def test_a_command_that_is_being_said_goes_nowhere(tmp_path: Path) -> None:
    handle, asr = ScriptedHandle(), ScriptedAsr("what time is it")
    services = house(handle, asr)
    async with satellite(services, tmp_path, name="switch 2") as rig:
        await services["wake"].hears()
        await rig.heard(chimes.wake())
        await rig.room.hear(COMMAND[: len(COMMAND) // 2])
        await handle.switch_microphone(off=True)
        report = await rig.turn()
        await rig.room.hear(COMMAND[len(COMMAND) // 2 :], seconds(1.0))
    assert (report.ended, report.transcript, handle.requests) == ("muted", "", [])


@virtual
async def test_a_wake_word_on_its_way_opens_nothing(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    services = house(handle)
    async with satellite(services, tmp_path, name="switch 3") as rig:
        await handle.switch_microphone(off=True)
        await rig.heard(chimes.muted())
        await services["wake"].hears()
        await rig.room.hear(COMMAND, seconds(1.0))
    assert not rig.recorder.contains(chimes.wake()) and rig.turns.empty()


@virtual
async def test_timers_ring_all_the_same(tmp_path: Path) -> None:
    handle = ScriptedHandle()
    async with satellite(house(handle), tmp_path, ring_s=1.0, name="switch 4") as rig:
        await handle.switch_microphone(off=True)
        await rig.heard(chimes.muted())
        await handle.finish_timer("t1", "Your timer is done.")
        await rig.heard(chimes.ring())


@virtual
async def test_it_is_remembered_over_a_restart_and_said_at_the_start(tmp_path: Path) -> None:
    for name in ("first", "second"):
        handle = ScriptedHandle()
        folder = tmp_path / name
        folder.mkdir()
        async with satellite({"handle": handle}, folder, name="shy") as rig:
            if name == "first":
                await handle.switch_microphone(off=True)
            await rig.heard(chimes.muted())


@virtual
async def test_the_settings_may_switch_it_off(tmp_path: Path) -> None:
    services = {"handle": ScriptedHandle()}
    async with satellite(services, tmp_path, name="quiet", muted=True) as rig:
        await rig.heard(chimes.muted())


@virtual
async def test_a_signal_switches_it_off_and_on(tmp_path: Path) -> None:
    async with satellite(house(ScriptedHandle()), tmp_path, name="signalled") as rig:
        os.kill(os.getpid(), signal.SIGUSR1)
        await rig.heard(chimes.muted())
        os.kill(os.getpid(), signal.SIGUSR1)
        await rig.heard(chimes.unmuted())


@virtual
async def test_the_user_may_ask_for_it_and_hears_how_to_switch_it_on(tmp_path: Path) -> None:
    voice = ScriptedVoice()
    services = {"wake": ToldWake(), "asr": ScriptedAsr("mute the microphone"), "handle": service(tmp_path), "tts": voice}
    async with satellite(services, tmp_path, name="asked") as rig:
        await services["wake"].hears()
        await rig.heard(chimes.wake())
        await rig.room.hear(COMMAND, seconds(1.0))
        report = await rig.turn()
        before = services["wake"].samples
        await rig.room.hear(COMMAND, seconds(1.0))
    assert (report.tool, report.handled) == ("microphone", True)
    assert voice.requests == ["The microphone is off. You can switch it on again at the device or in its app, but not by voice."]
    assert services["wake"].samples == before
