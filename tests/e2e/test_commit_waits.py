"""How long the satellite waits after the last word: as long as what was said asks for, and as this user pauses."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from guessing_servers import GuessingHandle
from satellite_rig import Rig, satellite, seconds
from satellite_servers import HANG, ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import virtual

from wyoming_servers.satellite import chimes
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.shared.service import Service

COMMAND, BEGUN, REST = speak("what time is it"), speak("turn on the"), speak("kitchen light")
FRAME_MS = 32


class SlowAsr(ScriptedAsr):
    def __init__(self, *script: Any, delay_s: float = 0.3) -> None:
        super().__init__(*script)
        self.delay_s = delay_s

    async def reply(self, request: Any) -> Any:
        await asyncio.sleep(self.delay_s)
        return await super().reply(request)


def house(asr: ScriptedAsr, handle: Service) -> dict[str, Service]:
    return {"wake": ToldWake(), "asr": asr, "handle": handle, "tts": ScriptedVoice()}


async def say(rig: Rig, wake: Service, *sounds) -> TurnReport:
    """The wake word and what follows; returns what became of it."""
    await wake.hears()
    await rig.heard(chimes.wake())
    await rig.room.hear(seconds(0.5), *sounds, seconds(1.0))
    return await rig.turn()


@pytest.mark.parametrize(
    ("judges", "wait_ms"), [("complete", 200), ("extendable", 400), ("sentence", 600), ("unfinished", 1400), ("prefix", 1600)]
)
@virtual
async def test_the_class_of_the_words_says_how_long(tmp_path: Path, judges: str, wait_ms: int) -> None:
    services = house(ScriptedAsr("what time is it"), GuessingHandle(judges=judges))
    async with satellite(services, tmp_path, name=f"wait {judges}") as rig:
        report = await say(rig, services["wake"], COMMAND)
    assert (report.prospect, report.ended) == (judges, "answered")
    assert wait_ms - FRAME_MS <= report.stages_ms["endpoint"] <= wait_ms + 2 * FRAME_MS


@virtual
async def test_without_a_verdict_it_is_the_owners_silence(tmp_path: Path) -> None:
    services = house(ScriptedAsr("what time is it"), ScriptedHandle("It is noon."))
    async with satellite(services, tmp_path, name="wait unknown", silence_s=1.0) as rig:
        report = await say(rig, services["wake"], COMMAND)
    assert 1000 - FRAME_MS <= report.stages_ms["endpoint"] <= 1000 + 2 * FRAME_MS


@virtual
async def test_a_verdict_that_comes_late_counts_at_once(tmp_path: Path) -> None:
    services = house(SlowAsr("what time is it"), GuessingHandle(judges="complete"))
    async with satellite(services, tmp_path, name="wait late") as rig:
        report = await say(rig, services["wake"], COMMAND)
    assert 380 <= report.stages_ms["endpoint"] <= 480


@virtual
async def test_what_is_begun_is_waited_for_and_answered_whole(tmp_path: Path) -> None:
    asr, handle = ScriptedAsr("turn on the kitchen light"), GuessingHandle(judges="prefix")
    services = house(asr, handle)
    async with satellite(services, tmp_path, name="wait begun") as rig:
        report = await say(rig, services["wake"], BEGUN, seconds(1.0), REST)
    assert (len(handle.done), report.ended) == (1, "answered")
    assert report.revisions > 1


@virtual
async def test_off_waits_as_it_always_did(tmp_path: Path) -> None:
    handle = GuessingHandle(judges="complete")
    services = house(ScriptedAsr("what time is it"), handle)
    async with satellite(services, tmp_path, name="wait off", speculate="off") as rig:
        report = await say(rig, services["wake"], COMMAND)
    assert (handle.provisional, len(handle.done), report.prospect) == ([], 1, None)
    assert report.stages_ms["endpoint"] >= 600 - FRAME_MS


@pytest.mark.parametrize("word", ["yes", "stop", "no"])
@virtual
async def test_a_word_is_taken_within_700_ms(tmp_path: Path, word: str) -> None:
    services = house(ScriptedAsr(word), GuessingHandle(judges="complete"))
    async with satellite(services, tmp_path, name=f"wait {word}") as rig:
        report = await say(rig, services["wake"], speak(word))
    assert report.stages_ms["endpoint"] <= 300


@virtual
async def test_while_nobody_knows_what_was_said_the_user_may_go_on(tmp_path: Path) -> None:
    handle = GuessingHandle(judges="complete")
    services = house(SlowAsr("turn on the kitchen light", delay_s=1.3), handle)
    async with satellite(services, tmp_path, name="wait slow") as rig:
        report = await say(rig, services["wake"], BEGUN, seconds(0.8), REST)
    assert (len(handle.done), report.ended, report.revisions > 1) == (1, "answered", True)


@virtual
async def test_the_same_where_nothing_is_done_on_suspicion(tmp_path: Path) -> None:
    handle = GuessingHandle()
    services = house(SlowAsr("turn on the kitchen light", delay_s=1.3), handle)
    async with satellite(services, tmp_path, name="wait slow 3", speculate="off") as rig:
        report = await say(rig, services["wake"], BEGUN, seconds(0.8), REST)
    assert (len(handle.done), handle.provisional, report.revisions) == (1, [], 2)


@virtual
async def test_that_does_not_delay_the_answer(tmp_path: Path) -> None:
    services = house(SlowAsr("what time is it", delay_s=1.3), GuessingHandle(judges="complete"))
    async with satellite(services, tmp_path, name="wait slow 2") as rig:
        report = await say(rig, services["wake"], COMMAND)
    assert report.stages_ms["endpoint"] + report.stages_ms["asr"] == pytest.approx(1400, abs=2 * FRAME_MS)


@virtual
async def test_a_recogniser_that_says_nothing_is_not_waited_for_longer_than_a_begun_command(tmp_path: Path) -> None:
    services = house(ScriptedAsr(HANG), GuessingHandle())
    async with satellite(services, tmp_path, name="wait hang", asr_s=4.0) as rig:
        report = await say(rig, services["wake"], COMMAND)
    assert report.ended == "failed" and report.stages_ms["endpoint"] <= 1600 + 2 * FRAME_MS
