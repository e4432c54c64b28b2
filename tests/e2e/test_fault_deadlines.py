"""Whatever breaks in a turn, the user hears of it within three seconds of the moment by which all should have been well."""

import asyncio

import pytest
from turn.faults import FAULTS, MOST_S, Fault, jammed_s, outcome_s, stalled_s
from virtual_time import VirtualLoop


def lived(story) -> float:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_fault_is_heard_within_three_seconds_of_its_deadline(fault: Fault) -> None:
    assert lived(outcome_s(fault, "n100")) <= MOST_S


def test_an_answer_goes_on_when_the_network_has_stood_still_for_a_second() -> None:
    assert lived(stalled_s("spark")) <= MOST_S


def test_nobody_waits_for_a_loudspeaker_that_takes_nothing_any_more() -> None:
    assert lived(jammed_s("n100")) <= MOST_S
