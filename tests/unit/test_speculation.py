"""When work on suspicion is worth it, and what a satellite learns of its user's pauses."""

import asyncio

import pytest
from virtual_time import virtual

from wyoming_servers.satellite.speculation import Speculation
from wyoming_servers.shared.patience import Prospect

SILENCE_S = 0.6


async def transcribe(speculation: Speculation, work_s: float, *, again: bool = False) -> None:
    """A transcript that took so long. again: of words that were sent a second time."""
    await asyncio.sleep(work_s)
    speculation.transcribed(work_s, again=again)


async def go_on(speculation: Speculation, worked_s: float, work_s: float) -> None:
    """One that is thrown away on the way, and the next, which is begun 0.3 s later."""
    await asyncio.sleep(worked_s)
    speculation.discarded(worked_s)
    await asyncio.sleep(0.3)
    await transcribe(speculation, work_s, again=True)


@virtual
async def test_a_slow_recogniser_that_finishes_what_nobody_wants_is_not_asked_on_suspicion():
    speculation = Speculation(SILENCE_S)
    await transcribe(speculation, 3.4)
    assert speculation.worth_it(1.0)
    await go_on(speculation, 0.4, 3.4 + 2.7)
    assert not speculation.worth_it(1.0)


@virtual
async def test_a_slow_recogniser_that_can_be_stopped_is():
    speculation = Speculation(SILENCE_S)
    await transcribe(speculation, 3.4)
    await go_on(speculation, 0.4, 3.5)
    assert speculation.worth_it(1.0)


@virtual
async def test_a_quick_one_is_whatever_it_does_with_what_nobody_wants():
    speculation = Speculation(SILENCE_S)
    await transcribe(speculation, 0.45)
    await go_on(speculation, 0.02, 0.58)
    assert speculation.worth_it(1.0)


@virtual
async def test_one_that_streams_is_slower_with_what_it_has_to_hear_anew_and_not_because_it_was_busy():
    speculation = Speculation(SILENCE_S)
    await transcribe(speculation, 1.0)
    await transcribe(speculation, 2.0, again=True)
    await go_on(speculation, 0.1, 2.1)
    assert speculation.worth_it(1.0)


@virtual
async def test_so_it_is_when_that_had_never_been_asked_of_it():
    speculation = Speculation(SILENCE_S)
    await transcribe(speculation, 1.0)
    await go_on(speculation, 0.1, 2.5)
    assert speculation.worth_it(1.0)


@virtual
async def test_what_was_thrown_away_before_anything_is_known_of_a_recogniser_proves_nothing():
    speculation = Speculation(SILENCE_S)
    await go_on(speculation, 0.1, 6.4)
    await transcribe(speculation, 3.4)
    await go_on(speculation, 0.4, 3.4 + 2.7)
    assert not speculation.worth_it(1.0)


@virtual
async def test_nor_does_what_came_behind_two_of_which_the_second_may_never_have_been_begun():
    speculation = Speculation(SILENCE_S)
    await transcribe(speculation, 3.4)
    await asyncio.sleep(0.2)
    speculation.discarded(0.2)
    await asyncio.sleep(0.5)
    speculation.discarded(0.2, again=True)
    await asyncio.sleep(0.3)
    await transcribe(speculation, 5.8, again=True)
    assert speculation.worth_it(1.0)


@virtual
async def test_a_recogniser_that_has_become_quick_is_asked_again():
    speculation = Speculation(SILENCE_S)
    await transcribe(speculation, 3.4)
    await go_on(speculation, 0.4, 3.4 + 2.7)
    for _ in range(12):
        await transcribe(speculation, 0.2)
    assert speculation.worth_it(1.0)


@virtual
async def test_much_speech_is_heard_out():
    assert not Speculation(SILENCE_S).worth_it(10.5)


@virtual
async def test_nothing_is_where_it_is_switched_off():
    speculation = Speculation(SILENCE_S, allowed=False)
    assert not speculation.worth_it(1.0) and not speculation.may_ask("tcp://x:1")


@pytest.mark.parametrize("silence_s", [0.3, 0.6, 1.2])
def test_the_owners_silence_stretches_every_wait(silence_s):
    speculation = Speculation(silence_s)
    assert speculation.wait_s(None) == pytest.approx(silence_s)
    assert speculation.wait_s(Prospect.COMPLETE) == pytest.approx(silence_s / 3)


def test_a_user_who_pauses_long_is_waited_for():
    speculation = Speculation(SILENCE_S)
    before = speculation.wait_s(Prospect.SENTENCE)
    for _ in range(3):
        speculation.went_on(Prospect.SENTENCE, 0.58)
    assert speculation.wait_s(Prospect.SENTENCE) > before


@virtual
async def test_a_server_that_failed_over_what_may_be_all_is_told_again_after_a_while():
    speculation = Speculation(SILENCE_S)
    speculation.lost("tcp://x:1")
    assert not speculation.may_ask("tcp://x:1") and speculation.may_ask("tcp://y:1")
    await asyncio.sleep(601)
    assert speculation.may_ask("tcp://x:1")
