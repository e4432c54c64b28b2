"""A model that hears whether somebody has finished, in a whole satellite: what it changes, and what it must not change."""

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from guessing_servers import GuessingHandle
from home_link_rig import NOON, command, linked
from home_link_rig import House as HomeHouse
from made_end_of_turn import make_smart_turn
from satellite_rig import Recorder, Rig, Room, satellite, seconds
from satellite_servers import ScriptedAsr, ScriptedHandle, ScriptedVoice, ToldWake
from speech import speak
from virtual_time import VirtualLoop, virtual

from wyoming_servers.satellite import chimes, prosody
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.shared import smart_turn
from wyoming_servers.shared.errors import EngineError
from wyoming_servers.shared.service import Service
from wyoming_servers.shared.tasks import on_own_thread

TALK, MORE = speak("my sister is coming over"), speak("on sunday")
FRAME_MS = 32
FINAL, CONTINUING = 0.97, 0.02


def within(report: TurnReport, wait_ms: int) -> bool:
    return wait_ms - FRAME_MS <= report.stages_ms["endpoint"] <= wait_ms + 2 * FRAME_MS


@contextmanager
def threads_hold_the_clock(*, but: str = "") -> Iterator[None]:
    """Loading and listening take no virtual time. but: name of a thread that may take as long as it likes."""

    @functools.wraps(on_own_thread)
    async def counted(work: Callable[[], Any], name: str, ended: Callable[[], None] = lambda: None) -> Any:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        held = name != but
        loop.threads += held
        try:
            return await on_own_thread(work, name, ended)
        finally:
            loop.threads -= held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prosody, "on_own_thread", counted)
        yield


def house(judges: str) -> dict[str, Service]:
    return {
        "wake": ToldWake(),
        "asr": ScriptedAsr(*["my sister is coming over"] * 6),
        "handle": GuessingHandle(judges=judges),
        "tts": ScriptedVoice(),
    }


async def say(rig: Rig, services: dict[str, Service], *sounds: np.ndarray) -> TurnReport:
    """The wake word and what follows; returns what became of it."""
    heard = rig.recorder.count(chimes.wake())
    await services["wake"].hears()
    await rig.heard(chimes.wake(), heard + 1)
    await rig.room.hear(seconds(0.5), *(sounds or (TALK,)), seconds(1.0))
    return await rig.turn()


async def ends(tmp_path: Path, judges: str, probability: float, **section: Any) -> TurnReport:
    """A turn of these words, in this tone."""
    services, model = house(judges), make_smart_turn(tmp_path / "made.onnx", probability)
    with threads_hold_the_clock():
        async with satellite(services, tmp_path, name=f"melody {judges} {probability}", end_of_turn=str(model), **section) as rig:
            return await say(rig, services)


@pytest.mark.parametrize(
    ("judges", "probability", "wait_ms"),
    [
        ("sentence", FINAL, 400),
        ("sentence", 0.3, 600),
        ("sentence", CONTINUING, 1400),
        ("unfinished", FINAL, 800),
        ("extendable", FINAL, 400),
        ("extendable", CONTINUING, 800),
    ],
)
@virtual
async def test_where_the_words_leave_it_open_the_voice_says_how_long(tmp_path: Path, judges: str, probability: float, wait_ms: int) -> None:
    report = await ends(tmp_path, judges, probability)
    assert (report.prospect, within(report, wait_ms)) == (judges, True), report.stages_ms


@pytest.mark.parametrize(("probability", "says"), [(FINAL, "sentence final"), (0.3, "sentence"), (CONTINUING, "sentence continuing")])
@virtual
async def test_the_line_of_a_turn_tells_what_the_voice_said(tmp_path: Path, probability: float, says: str) -> None:
    assert (await ends(tmp_path, "sentence", probability)).line().endswith(f" ms {says}")


@pytest.mark.parametrize(("judges", "wait_ms"), [("complete", 200), ("prefix", 1600)])
@pytest.mark.parametrize("probability", [FINAL, CONTINUING])
@virtual
async def test_what_the_templates_know_is_not_overruled(tmp_path: Path, judges: str, wait_ms: int, probability: float) -> None:
    assert within(await ends(tmp_path, judges, probability), wait_ms)


@virtual
async def test_the_owners_silence_stretches_it(tmp_path: Path) -> None:
    assert within(await ends(tmp_path, "sentence", FINAL, silence_s=1.2), 800)


@pytest.mark.parametrize(("probability", "soonest_ms", "latest_ms"), [(FINAL, 400, 500), (CONTINUING, 1150, 1300)])
@virtual
async def test_it_counts_where_nobody_tells_what_was_said(tmp_path: Path, probability: float, soonest_ms: int, latest_ms: int) -> None:
    services = house("") | {"handle": ScriptedHandle("Fine.")}
    model = make_smart_turn(tmp_path / "made.onnx", probability)
    with threads_hold_the_clock():
        async with satellite(services, tmp_path, name="melody stock", end_of_turn=str(model), speculate="off") as rig:
            report = await say(rig, services)
    assert soonest_ms <= report.stages_ms["endpoint"] <= latest_ms


@pytest.mark.parametrize(("probability", "wait_ms"), [(FINAL, 430), (0.3, 600), (CONTINUING, 1200)])
@virtual
async def test_it_counts_where_home_assistant_answers(tmp_path: Path, probability: float, wait_ms: int) -> None:
    model = make_smart_turn(tmp_path / "made.onnx", probability)
    with threads_hold_the_clock():
        async with linked(tmp_path, HomeHouse(), NOON, name=f"melody home {probability}", end_of_turn=str(model)) as (rig, _):
            await command(rig)
            report = await rig.turn()
    assert (report.route, within(report, wait_ms)) == ("home_assistant", True), report.stages_ms


@virtual
async def test_a_voice_that_stays_up_is_not_cut_off(tmp_path: Path) -> None:
    services, model = house("sentence"), make_smart_turn(tmp_path / "made.onnx", CONTINUING)
    with threads_hold_the_clock():
        async with satellite(services, tmp_path, name="melody hesitates", end_of_turn=str(model)) as rig:
            report = await say(rig, services, TALK, seconds(1.0), MORE)
    assert (report.revisions, len(services["handle"].done)) == (2, 1)


class Counting:
    """Stands in for the network: counts what it is asked, and does what the test says."""

    def __init__(self, patch: pytest.MonkeyPatch, answers: Callable[[], float]) -> None:
        self.heard: list[int] = []

        def probability(_: Any, samples: np.ndarray) -> float:
            self.heard.append(len(samples))
            return answers() if len(self.heard) > 1 else 0.5  # the first is its own, when it is loaded

        patch.setattr(smart_turn.SmartTurn, "probability", probability)

    @property
    def asked(self) -> int:
        """How often a pause was judged."""
        return max(0, len(self.heard) - 1)


@virtual
async def test_it_is_asked_once_in_each_pause_and_never_before_speech(tmp_path: Path) -> None:
    services, model = house("sentence"), make_smart_turn(tmp_path / "made.onnx")
    with pytest.MonkeyPatch.context() as patch, threads_hold_the_clock():
        counting = Counting(patch, lambda: CONTINUING)
        async with satellite(services, tmp_path, name="melody counts", end_of_turn=str(model)) as rig:
            await rig.room.hear(seconds(2.0))
            assert counting.asked == 0
            await say(rig, services, seconds(1.0), TALK, seconds(0.6), MORE)
    words_s = (len(TALK) + len(MORE)) / 16_000 + 0.6
    assert counting.asked == 2
    assert words_s < counting.heard[-1] / 16_000 < words_s + 1.0  # all of what was said, and not the silence before it


@virtual
async def test_a_command_that_nothing_can_follow_is_not_listened_to(tmp_path: Path) -> None:
    services, model = house("complete"), make_smart_turn(tmp_path / "made.onnx")
    with pytest.MonkeyPatch.context() as patch, threads_hold_the_clock():
        counting = Counting(patch, lambda: CONTINUING)
        async with satellite(services, tmp_path, name="melody complete", end_of_turn=str(model)) as rig:
            await say(rig, services)
    assert counting.asked == 0


@virtual
async def test_a_model_that_hangs_changes_nothing_and_is_given_up_after_a_while(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    services, model, over = house("sentence"), make_smart_turn(tmp_path / "made.onnx"), threading.Event()

    def hangs() -> float:
        over.wait()
        return FINAL

    try:
        with pytest.MonkeyPatch.context() as patch, threads_hold_the_clock(but="end of a turn by its melody"):
            counting = Counting(patch, hangs)
            async with satellite(services, tmp_path, name="melody hangs", end_of_turn=str(model)) as rig:
                reports = [await say(rig, services) for _ in range(4)]
    finally:
        over.set()
    assert [within(report, 600) for report in reports] == [True] * 4
    assert counting.asked == 1  # one thread, however many pauses
    assert caplog.text.count("too late 3 times in a row") == 1


@virtual
async def test_a_model_that_fails_is_said_once_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    services, model = house("sentence"), make_smart_turn(tmp_path / "made.onnx")

    def fails() -> float:
        raise EngineError("made.onnx failed: no memory")

    with pytest.MonkeyPatch.context() as patch, threads_hold_the_clock():
        Counting(patch, fails)
        async with satellite(services, tmp_path, name="melody fails", end_of_turn=str(model)) as rig:
            reports = [await say(rig, services) for _ in range(2)]
    assert [within(report, 600) for report in reports] == [True] * 2
    assert caplog.text.count("made.onnx failed: no memory") == 1


@virtual
async def test_what_the_loudspeaker_says_meanwhile_is_not_judged(tmp_path: Path) -> None:
    services, model = house("sentence"), make_smart_turn(tmp_path / "made.onnx")
    with pytest.MonkeyPatch.context() as patch, threads_hold_the_clock():
        counting = Counting(patch, lambda: FINAL)
        patch.setattr("wyoming_servers.satellite.playback.Player.playing", property(lambda _: True))
        async with satellite(services, tmp_path, (Room(), Recorder()), name="melody loud", end_of_turn=str(model)) as rig:
            report = await say(rig, services)
    assert (counting.asked, within(report, 600)) == (0, True)


@virtual
async def test_a_model_that_is_not_there_is_said_and_the_words_tell_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    services = house("sentence")
    with threads_hold_the_clock():
        async with satellite(services, tmp_path, name="melody missing", end_of_turn=str(tmp_path / "missing.onnx")) as rig:
            report = await say(rig, services)
    assert within(report, 600) and "there is no file" in caplog.text
