"""Who speaks on after the satellite has taken the command for whole is heard, as long as nothing was done of it, or heard in answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from guessing_servers import GuessingHandle
from satellite_rig import Rig, satellite, seconds
from satellite_servers import HANG, Late, Reply, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.service import Service

BEGUN, REST = speak("turn on the kitchen light"), speak("and the radio")
TEXT = "turn on the kitchen light"


def house(asr: Any, handle: Service, voice: Any = "") -> dict[str, Service]:
    """Servers that say the same whenever they are asked."""
    return {"wake": ToldWake(), "asr": ScriptedAsr(*[asr] * 9), "handle": handle, "tts": ScriptedVoice(*[voice] * 9)}


async def say(rig: Rig, wake: ToldWake, pause_s: float, rest: np.ndarray = REST) -> None:
    """The wake word, a command that seems whole, and its rest."""
    await wake.hears()
    await rig.heard(chimes.wake())
    await rig.room.hear(seconds(0.5), BEGUN, seconds(pause_s), rest, seconds(0.5))


@virtual
async def test_while_a_slow_recogniser_works(tmp_path: Path) -> None:
    handle = ScriptedHandle("Both are on.")
    services = house(Late(3.0, TEXT), handle)
    async with satellite(services, tmp_path, name="reopen asr") as rig:
        await say(rig, services["wake"], 2.2)
        report = await rig.turn()
    whole = services["asr"].requests[-1]
    assert (report.ended, len(handle.requests)) == ("answered", 1)
    assert len(whole) > len(BEGUN) + len(REST)


@virtual
async def test_while_an_answer_is_written_that_changes_nothing(tmp_path: Path) -> None:
    handle = GuessingHandle(2.0)
    services = house(TEXT, handle)
    async with satellite(services, tmp_path, name="reopen handle") as rig:
        await say(rig, services["wake"], 0.8)
        report = await rig.turn()
    assert (report.ended, report.revisions > 1, len(handle.done), len(handle.given_up_at)) == ("answered", True, 1, 1)


@virtual
async def test_the_report_tells_of_the_whole_turn_only(tmp_path: Path) -> None:
    handle = ScriptedHandle("Both are on.")
    services = house(Late(3.0, TEXT), handle)
    async with satellite(services, tmp_path, name="reopen report") as rig:
        await say(rig, services["wake"], 2.2)
        report = await rig.turn()
    stages = dict(report.stages_ms)
    assert (list(stages), report.revisions) == (["wake", "endpoint", "asr", "handle", "tts", "play", "v2v"], 2)
    del stages["wake"]
    assert sum(stages.values()) == pytest.approx(2 * stages["v2v"], abs=50)


@virtual
async def test_not_when_something_is_done(tmp_path: Path) -> None:
    handle = GuessingHandle(2.0, harmless=False)
    services = house(TEXT, handle)
    async with satellite(services, tmp_path, name="reopen done") as rig:
        await say(rig, services["wake"], 0.8)
        report = await rig.turn()
    assert (report.ended, report.revisions, len(handle.done)) == ("answered", 1, 1)


@virtual
async def test_not_with_a_server_that_does_not_say_when_it_waits(tmp_path: Path) -> None:
    handle = ScriptedHandle(Late(2.0, Reply("It is on.")))
    services = house(TEXT, handle)
    async with satellite(services, tmp_path, name="reopen stock") as rig:
        await say(rig, services["wake"], 1.0)
        report = await rig.turn()
    assert (report.ended, report.revisions, len(handle.requests)) == ("answered", 1, 1)


@virtual
async def test_not_when_the_answer_is_heard(tmp_path: Path) -> None:
    handle = GuessingHandle()
    services = house(TEXT, handle)
    async with satellite(services, tmp_path, name="reopen heard") as rig:
        await say(rig, services["wake"], 0.8)
        report = await rig.turn()
    assert (report.ended, report.revisions, len(handle.done)) == ("answered", 1, 1)


@virtual
async def test_not_after_seven_seconds(tmp_path: Path) -> None:
    handle = ScriptedHandle("It is on.")
    services = house(Late(12.0, TEXT), handle)
    async with satellite(services, tmp_path, name="reopen late", asr_s=20.0) as rig:
        await say(rig, services["wake"], 9.5)
        report = await rig.turn()
    assert (report.ended, report.revisions, len(handle.requests)) == ("answered", 1, 1)


@virtual
async def test_not_for_a_cough(tmp_path: Path) -> None:
    handle = ScriptedHandle("It is on.")
    services = house(Late(3.0, TEXT), handle)
    async with satellite(services, tmp_path, name="reopen cough") as rig:
        await say(rig, services["wake"], 2.2, speak("ah")[:1600])
        report = await rig.turn()
    assert (report.revisions, len(handle.requests)) == (1, 1)


@virtual
async def test_a_wake_word_in_the_meantime_is_another_turn(tmp_path: Path) -> None:
    handle = ScriptedHandle("It is on.")
    services = house(HANG, handle)
    async with satellite(services, tmp_path, name="reopen wake") as rig:
        await services["wake"].hears()
        await rig.heard(chimes.wake())
        await rig.room.hear(seconds(0.5), BEGUN, seconds(2.2))
        services["asr"].script = [TEXT] * 3
        await services["wake"].hears()
        await rig.room.hear(seconds(0.5), REST, seconds(1.0))
        reports = [await rig.turn(), await rig.turn()]
    assert [report.ended for report in reports] == ["interrupted", "answered"]
    assert len(services["asr"].requests[-1]) < len(BEGUN) + len(REST)
