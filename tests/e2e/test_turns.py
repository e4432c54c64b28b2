"""Whole turns of the real satellite in virtual time, among engines that take their time: what is heard, when, and how often it is done."""

import asyncio
import functools

import pytest
from turn.day import Measured, live
from turn.profile import load
from turn.scenes import SCENES
from virtual_time import VirtualLoop


def live_through(arm: str, profile: str) -> list[Measured]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(live(arm, load(profile), SCENES))


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


def test_a_day_in_virtual_time_repeats_itself():
    first, second = ([turn.v2v_s for turn in day("ours", "zero")] for day in (lived, live_through))
    assert first == pytest.approx(second, abs=0.04)


def test_with_engines_that_cost_nothing_nothing_is_lost():
    assert [turn.scene for turn in lived("ours", "zero") if turn.efficiency < 0.99] == []


def test_it_is_sooner_than_one_thing_after_the_other():
    pairs = zip(lived("ours", "n100"), lived("seq", "n100"), strict=True)
    assert [ours.scene for ours, seq in pairs if ours.v2v_s >= seq.v2v_s] == []
