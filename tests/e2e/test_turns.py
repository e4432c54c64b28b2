"""Whole turns of the real satellite in virtual time, among engines that take their time: what is heard, when, and how often it is done."""

import asyncio
import functools

import pytest
from turn.day import Day, Measured, chosen, engines_of, live, running, take_turn
from turn.profile import load
from turn.rooms import Room
from turn.scenes import SCENES, house_of
from turn.targets import virtual_rows
from turn.wire import satellites_per_core
from virtual_time import VirtualLoop, virtual

from wyoming_servers.shared.audio import FRAME_SAMPLES


def live_through(arm: str, profile: str, *names: str) -> list[Measured]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(live(arm, load(profile), names or None))


lived = functools.cache(live_through)


@pytest.fixture(scope="module", params=["zero", "n100"])
def turns(request):
    return lived("ours", request.param)


def test_every_answer_is_heard_whole_and_in_order(turns):
    wanted = [scene.answer.text for scene in SCENES]
    assert [" ".join(turn.heard) for turn in turns] == wanted


def test_nothing_is_heard_before_the_turn_is_committed(turns):
    assert [turn.scene for turn in turns if turn.v2v_s < turn.commit_s] == []


def test_what_changes_the_world_is_done_once(turns):
    assert [turn.effects for turn in turns] == [int(scene.answer.changes) for scene in SCENES]


def test_an_answer_has_no_gaps_when_the_engines_are_quick_enough(turns):
    assert [turn.stall_s for turn in turns] == [0.0] * len(SCENES)


def test_nothing_is_lost_above_the_critical_path(turns):
    assert [(turn.scene, round(turn.efficiency, 3)) for turn in turns if turn.efficiency < 0.99] == []


def test_a_recogniser_that_hears_words_anew_after_a_pause_is_not_taken_for_one_that_cannot_be_stopped():
    turns = lived("ours", "pi4-stream")
    assert [(turn.scene, round(turn.efficiency, 3)) for turn in turns if turn.efficiency < 0.99] == []


def test_no_turn_is_sooner_than_its_critical_path(turns):
    assert [(turn.scene, round(turn.efficiency, 3)) for turn in turns if turn.efficiency > 1.002] == []


class HurriedRoom(Room):
    """A microphone on a machine that has much else to do: of five frames one comes late, and the next soon after."""

    def __init__(self, late: int) -> None:
        super().__init__()
        self._late = late

    async def frames(self):
        async for frame in super().frames():
            if self.now() // FRAME_SAMPLES % 5 == self._late:
                await asyncio.sleep(0.09)
            yield frame


@pytest.mark.parametrize("late", range(5))
@virtual
async def test_nor_when_sound_comes_late(late):
    house = house_of(load("h100"), SCENES)
    async with engines_of(house, apart=False) as engines, running("ours", Day(house, engines, HurriedRoom(late))) as day:
        turns = [await take_turn(day, "ours", scene, saying) for scene, saying in chosen(house, ("s1", "s2-0.3"))]
    assert [(turn.scene, round(turn.efficiency, 3)) for turn in turns if turn.efficiency > 1.002] == []


def test_a_complete_command_is_committed_long_before_silence_alone_would_do(turns):
    by_name = {turn.scene: turn for turn in turns}
    assert by_name["s1"].path.rules.wait_s < by_name["s4"].path.rules.wait_s < 0.7


def test_a_day_in_virtual_time_repeats_itself():
    first, second = ([turn.v2v_s for turn in day("ours", "zero", "s1", "s3")] for day in (lived, live_through))
    assert first == pytest.approx(second, abs=0.04)


def test_it_is_sooner_than_one_thing_after_the_other():
    names = ("s1", "s6")
    pairs = zip(lived("ours", "spark", *names), lived("seq", "spark", *names), strict=True)
    assert [ours.scene for ours, seq in pairs if ours.v2v_s >= seq.v2v_s / 2] == []


@pytest.mark.parametrize(("arm", "again"), [("ours", 0), ("ha", 0), ("seq", 1)])
def test_what_was_said_before_is_not_asked_of_the_voice_by_those_who_keep_it(arm, again):
    first, second = (sum(work.kind == "tts" for work in turn.work) for turn in lived(arm, "pi5-phrase", "s1-first", "s1-again"))
    assert (first, second) == (1, again)


def test_where_nothing_is_done_on_suspicion_nothing_is_done_in_vain():
    assert [turn.wasted for turn in lived("ours", "pi4", "s1", "s4")] == [0.0, 0.0]


def test_a_target_that_is_missed_says_what_could_be_reached():
    turns = [turn for arm in ("ours", "seq", "ha") for turn in lived(arm, "pi4", "s1-first", "s1-again", "s6")]
    missed = next(row for row in virtual_rows(turns) if row.name.startswith("pi4, a command: seq"))
    assert not missed.met and "at most" in missed.why and "recogniser" in missed.why


@pytest.mark.slow
def test_over_real_sockets_the_engines_have_a_process_of_their_own():
    turns = asyncio.run(live("ours", load("h100"), ("s1", "s3"), apart=True))
    assert [" ".join(turn.heard) for turn in turns] == ["It is twelve fifteen.", "Twenty five minutes."]


@pytest.mark.slow
def test_streams_are_handed_on_while_their_cost_is_measured():
    assert asyncio.run(satellites_per_core(5, 1.0)) > 5
