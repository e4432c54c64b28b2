"""However a turn ends in which somebody spoke to us: it is heard. Random faults, pauses and moments to go on, in virtual time."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from satellite_rig import Rig, satellite, seconds
from satellite_servers import HANG, HANG_UP, Late, Reply, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.shared.service import Service

COMMAND, REST = speak("set a timer for twenty"), speak("five minutes")
QUESTION = Reply("For how long?", ask="minutes")
LIMITS = {"asr_s": 3.0, "handle_s": 4.0, "tts_s": 2.0}


def said_since(rig: Rig, at: int) -> bool:
    """Whether anything was heard since so many samples, besides the notes that say that it is still at work."""
    heard = rig.recorder.sound[at:].astype("<i2").tobytes().replace(chimes.working().astype("<i2").tobytes(), b"")
    return any(heard)


def house(asr: Any, handle: Any, voice: Any = "") -> dict[str, Service]:
    """Servers that say the same whenever they are asked."""
    return {
        "wake": ToldWake(),
        "asr": ScriptedAsr(*[asr] * 9),
        "handle": ScriptedHandle(*[handle] * 9),
        "tts": ScriptedVoice(*[voice] * 30),
    }


async def command(rig: Rig, wake: ToldWake, *sounds: np.ndarray) -> tuple[TurnReport, bool]:
    """What became of it, and whether that was heard."""
    await wake.hears()
    await rig.heard(chimes.wake())
    at = len(rig.recorder.sound)
    await rig.room.hear(seconds(0.5), *(sounds or (COMMAND,)))
    report = await rig.turn()
    await rig.room.hear(seconds(0.3))
    await rig.quiet()
    return report, said_since(rig, at)


@pytest.mark.parametrize(
    ("answer", "sign"), [(Reply(""), chimes.done()), (Reply("", handled=False), chimes.error()), (Reply("\n", intent=None), chimes.done())]
)
@virtual
async def test_an_answer_without_words_is_a_sound(tmp_path: Path, answer: Reply, sign: np.ndarray) -> None:
    services = house("set a timer", answer)
    async with satellite(services, tmp_path, name="ending") as rig:
        await command(rig, services["wake"])
        assert rig.recorder.count(sign) == 1


@virtual
async def test_an_answer_to_a_question_that_is_not_understood_is_a_sound(tmp_path: Path) -> None:
    services = house("", QUESTION)
    services["asr"].script = ["set a timer", "", ""]
    async with satellite(services, tmp_path, name="ending asked") as rig:
        await command(rig, services["wake"])
        await rig.room.hear(seconds(0.6), COMMAND)
        report = await rig.turn()
        await rig.heard(chimes.error())
    assert report.ended == "empty"


@virtual
async def test_what_is_done_without_a_wake_word_is_a_sound(tmp_path: Path) -> None:
    services = house("turn on the light", "")
    services["handle"].script = ["It is noon.", Reply("")]
    async with satellite(services, tmp_path, name="ending follow-up", follow_up_s=4.0) as rig:
        await command(rig, services["wake"])
        await rig.room.hear(seconds(0.6), COMMAND)
        await rig.turn()
        await rig.heard(chimes.done())


ASR = ("set a timer", "set a timer", "", HANG_UP, HANG, Late(0.3, "set a timer"), Late(1.0, "set a timer"))
HANDLE = ("Twenty minutes.", Reply(""), Reply("", handled=False), HANG_UP, HANG, Late(2.0, "Twenty minutes."))
VOICE = ("", "", HANG_UP, HANG)


@pytest.mark.parametrize("seed", range(24))
@virtual
async def test_every_end_is_heard(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    services = house(chance.choice(ASR), chance.choice(HANDLE), chance.choice(VOICE))
    async with satellite(services, tmp_path, name="ending any", **LIMITS) as rig:
        for _ in range(2):
            pause_s = chance.choice((0.1, 0.3, 0.5, 0.6, 0.65, 0.7, chance.uniform(0.1, 2.0)))
            report, heard = await command(rig, services["wake"], COMMAND, seconds(pause_s), REST)
            assert heard, report.line()
