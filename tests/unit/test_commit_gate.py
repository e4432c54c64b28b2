"""The one door between suspicion and the world, in 100 000 random turns: work arrives late, twice, from revisions that are no more."""

import asyncio
import heapq
import itertools
import random

import pytest
from virtual_time import virtual

from wyoming_servers.satellite.gate import MOST_GUESSES, Gate, Phase
from wyoming_servers.shared.patience import Prospect

TURNS = 100_000
SEEDS = 4


class Turn:
    """Speech and pauses as they come; every revision's work arrives when it likes, also when nobody wants it any more. In milliseconds."""

    def __init__(self, chance: random.Random) -> None:
        self.gate = Gate()
        self.committed_at: int | None = None
        self.closed_at: int | None = None
        self.passed: list[tuple[int, int]] = []
        """When something was done or heard, and of which revision."""
        self.effects = self.reopened = 0
        self.most_events = 0
        """That were under way at once."""
        self._chance = chance
        self._events: list[tuple[int, int, str, int]] = []
        self._count = itertools.count()

    def live(self) -> None:
        """From the first word until nothing comes any more."""
        chance, now = self._chance, 0
        for _ in range(chance.randrange(1, 6)):
            now += chance.randrange(50, 800)
            self._plan(now, "pause")
            now += chance.choice((60, 200, 201, chance.randrange(1, 2000)))
            self._plan(now, "go_on")
        now -= chance.choice((0, 1, 50, 400))
        for _ in range(chance.choice((0, 0, 1, 2))):
            self._plan(now, "commit_for_now")
            now += chance.choice((0, 1, chance.randrange(1, 3000)))
            self._plan(now, "go_on")
            now += chance.randrange(50, 800)
            self._plan(now, chance.choice(("pause", "settle")))
        self._plan(now, "commit")
        if chance.random() < 0.2:
            self._plan(chance.randrange(now + 3000), "close")
        while self._events:
            self.most_events = max(self.most_events, len(self._events))
            at, _, what, revision = heapq.heappop(self._events)
            getattr(self, f"_{what}")(at, revision)

    def _plan(self, at: int, what: str, revision: int = 0) -> None:
        heapq.heappush(self._events, (at, next(self._count), what, revision))

    def _work(self, now: int, *kinds: str) -> None:
        for kind in kinds:
            self._plan(now + self._chance.randrange(2500), kind, self.gate.revision)

    def _pause(self, now: int, _: int) -> None:
        if self.gate.pause():
            self._work(now, "verdict", "verdict", "act", "sound", "sound")

    def _go_on(self, _: int, __: int) -> None:
        committed = self.gate.phase is Phase.COMMITTED
        if self.gate.go_on() and committed:
            assert not self.passed
            self.committed_at = None
            self.reopened += 1

    def _verdict(self, _: int, revision: int) -> None:
        counts = self.gate.phase is Phase.PAUSED and revision == self.gate.revision
        assert self.gate.judge(revision, Prospect.PREFIX) is counts

    def _commit(self, now: int, _: int, *, settled: bool = True) -> None:
        if self.closed_at is None and self.gate.phase is not Phase.COMMITTED:
            self.committed_at = now
            self._work(now, "act", "act", "sound")
        self.gate.commit(settled=settled)

    def _commit_for_now(self, now: int, _: int) -> None:
        self._commit(now, _, settled=False)

    def _settle(self, _: int, __: int) -> None:
        if self.gate.phase is Phase.COMMITTED:
            self.gate.settle()

    def _act(self, now: int, revision: int) -> None:
        if self.gate.act(revision):
            self.effects += 1
            self.passed.append((now, revision))

    def _sound(self, now: int, revision: int) -> None:
        if self.gate.lets(revision):
            self.gate.settle()
            self.passed.append((now, revision))

    def _close(self, now: int, _: int) -> None:
        self.closed_at = now
        self.gate.close()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_turns_are_answered_once_for_all_that_was_said_and_never_too_soon(seed):
    chance = random.Random(seed)
    for number in range(TURNS // SEEDS):
        turn = Turn(chance)
        turn.live()
        told, last = f"turn {number} of seed {seed}", turn.gate.revision
        assert all(turn.committed_at is not None and turn.committed_at <= at for at, _ in turn.passed), told
        assert all(turn.closed_at is None or at <= turn.closed_at for at, _ in turn.passed), told
        assert all(revision == last for _, revision in turn.passed), told
        assert turn.effects == 1 or (turn.closed_at is not None and not turn.effects), told
        assert last <= MOST_GUESSES + turn.reopened and turn.most_events <= 40, told


def test_what_was_refused_before_it_began_may_be_tried_again():
    gate = Gate()
    gate.commit()
    assert (gate.act(0), gate.act(0)) == (True, False)
    gate.not_done()
    assert gate.act(0)


def test_a_turn_of_which_nothing_was_done_or_heard_is_open_to_the_user_again():
    gate = Gate()
    gate.commit(settled=False)
    assert gate.reopens and gate.go_on() and not gate.lets(0)
    gate.commit()
    assert gate.lets(1) and not gate.reopens


def test_who_comes_too_late_changes_nothing():
    gate = Gate()
    gate.commit(settled=False)
    assert gate.act(0) and not gate.go_on() and gate.lets(0)


@virtual
async def test_what_is_let_out_stays_out():
    gate = Gate()
    gate.commit(settled=False)
    await gate.let_out(0)
    assert not gate.go_on() and gate.lets(0)


@virtual
async def test_what_waits_for_certainty_passes_when_the_user_can_go_on_no_more():
    gate = Gate()
    waiting = asyncio.create_task(gate.settled(0))
    gate.commit(settled=False)
    await asyncio.sleep(1)
    before = waiting.done()
    gate.settle()
    await waiting
    assert not before


def test_a_verdict_that_arrives_while_the_user_speaks_is_void():
    gate = Gate()
    gate.pause()
    gate.go_on()
    assert not gate.judge(gate.revision, None)


def test_who_pauses_again_is_judged_anew():
    gate = Gate()
    gate.pause()
    gate.judge(0, Prospect.PREFIX)
    gate.go_on()
    gate.pause()
    assert gate.prospect is None


def test_revisions_of_a_second_attempt_have_numbers_of_their_own():
    gate = Gate(first=3)
    gate.pause()
    gate.go_on()
    assert gate.revision == 4
