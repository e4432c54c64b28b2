"""Every fault is heard: who waits hears something soon after its deadline, and nothing stays stuck."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from satellite_rig import Rig, satellite, seconds
from satellite_servers import HANG, HANG_UP, Late, Reply, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.satellite.playback import Player
from wyoming_servers.satellite.speakers import ClockSpeaker, Speaker
from wyoming_servers.shared.responses import apologies
from wyoming_servers.shared.service import Service
from wyoming_servers.shared.tasks import cancel

COMMAND = "what time is it"
WORKING = chimes.working()


def house(asr: Any = COMMAND, handle: Any = "It is noon.", voice: Any = "") -> dict[str, Service]:
    """A wake word when the test says so, and servers with one line each."""
    return {"wake": ToldWake(), "asr": ScriptedAsr(asr), "handle": ScriptedHandle(handle), "tts": ScriptedVoice(voice)}


async def commanded(rig: Rig, services: dict[str, Service]) -> float:
    """A command has been said; when it ended."""
    await services["wake"].hears()
    await rig.room.hear(seconds(0.3), speak(COMMAND))
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(("after_s", "times"), [(0.5, 0), (3.0, 1), (11.0, 2)])
def test_while_an_answer_takes_its_time_two_notes_say_so(after_s: float, times: int, tmp_path: Path) -> None:
    @virtual
    async def check() -> None:
        services = house(handle=Late(after_s, "It is noon."))
        async with satellite(services, tmp_path) as rig:
            await commanded(rig, services)
            report = await rig.turn()
        assert (report.ended, rig.recorder.count(WORKING)) == ("answered", times)

    check()


@virtual
async def test_the_notes_are_no_answer(tmp_path: Path) -> None:
    services = house(handle=Late(3.0, "It is noon."))
    async with satellite(services, tmp_path) as rig:
        await commanded(rig, services)
        report = await rig.turn()
    assert report.stages_ms["v2v"] >= 3000


@virtual
async def test_who_wants_no_sounds_hears_none_while_waiting(tmp_path: Path) -> None:
    services = house(handle=Late(3.0, Reply("", intent="Test")))
    async with satellite(services, tmp_path, chimes=False) as rig:
        await commanded(rig, services)
        await rig.turn()
    assert not rig.recorder.sound.any()


@virtual
async def test_after_a_wake_word_nobody_waits_for_the_old_answer(tmp_path: Path) -> None:
    services = house(handle=HANG)
    async with satellite(services, tmp_path, no_speech_s=5.0) as rig:
        await commanded(rig, services)
        await rig.room.hear(seconds(1.0))
        await services["wake"].hears()
        await rig.turn()
        heard = rig.recorder.count(WORKING)
        await rig.room.hear(seconds(4.0))
        assert rig.recorder.count(WORKING) == heard


@pytest.mark.parametrize(
    ("line", "limit_s", "apology"),
    [("asr", {"asr_s": 8.0}, "asr"), ("handle", {"handle_s": 12.0}, "handle"), ("voice", {"tts_s": 5.0}, "")],
)
def test_a_server_that_says_nothing_is_heard_of_soon_after_its_deadline(line: str, limit_s: dict, apology: str, tmp_path: Path) -> None:
    @virtual
    async def check() -> None:
        services = house(**{line: HANG})
        deadline_s = next(iter(limit_s.values()))
        async with satellite(services, tmp_path, **limit_s) as rig:
            if line == "voice":
                services["tts"].script = [HANG] * 9
            began = await commanded(rig, services)
            report = await rig.turn()
            ended_s = asyncio.get_running_loop().time() - began
            if not apology:
                await rig.heard(chimes.error())
        assert report.ended == "failed"
        assert ended_s <= deadline_s + 3.0  # the end of the command was found, others were tried for up to 2 s, or an apology was said
        if apology:
            assert report.answer == apologies("en")[apology]

    check()


@pytest.mark.parametrize("line", ["asr", "handle", "voice"])
def test_after_a_fault_the_next_command_is_answered(line: str, tmp_path: Path) -> None:
    @virtual
    async def check() -> None:
        services = house(**{line: HANG_UP})
        async with satellite(services, tmp_path) as rig:
            for kind, more in (("asr", COMMAND), ("handle", "It is noon."), ("tts", "")):
                services[kind].script += [more] * 3
            await commanded(rig, services)
            await rig.turn()
            await rig.quiet()
            await commanded(rig, services)
            report = await rig.turn()
        assert (report.ended, report.answer) == ("answered", "It is noon.")

    check()


class StuckSpeaker(Speaker):
    """Takes half a second of sound, and then no more, ever."""

    name = "stuck"

    def __init__(self) -> None:
        self.opened = 0

    async def open(self, pull: Any) -> None:
        self.opened += 1
        pull(11_025)

    async def close(self) -> None:
        pass


@virtual
async def test_a_loudspeaker_that_never_plays_does_not_keep_a_turn_for_ever() -> None:
    player = Player(speaker := StuckSpeaker())
    running = asyncio.create_task(player.run())
    stream = player.play(np.full(66_150, 1000, np.int16))
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(30):
        assert await stream.over() is False
    assert asyncio.get_running_loop().time() - began <= 3.0
    assert player.problem and "plays nothing any more" in player.problem
    assert speaker.opened
    await cancel(running)


@virtual
async def test_a_loudspeaker_that_is_held_for_ever_is_not_stuck_when_it_is_silenced() -> None:
    player = Player(ClockSpeaker("clock"))
    running = asyncio.create_task(player.run())
    stream = player.play(np.full(66_150, 1000, np.int16))
    await asyncio.sleep(0.5)
    player.pause()
    await asyncio.sleep(5.0)
    player.silence()
    assert await stream.over() is False
    assert not player.paused
    await cancel(running)
