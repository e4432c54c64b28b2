"""Asynchronous work behind a blocking contract."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator

import pytest

from wyoming_servers.shared.errors import DeadlineError, EngineError
from wyoming_servers.shared.portal import Portal

WAIT_S = 8.0


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal("test")
    yield made
    made.close()


class Numbers:
    """Counts to two and then waits for ever; knows where it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.closed_on = ""

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # works on a loop only
            self.closed_on = threading.current_thread().name
            self.closed.set()


def test_items_come_one_by_one(portal):
    items = portal.iterate(Numbers().items(), WAIT_S)
    assert [next(items), next(items)] == [1, 2]
    items.close()


def test_an_item_that_takes_too_long_is_given_up(portal):
    numbers = Numbers()
    items = portal.iterate(numbers.items(), 0.05)
    with pytest.raises(DeadlineError, match="0.05 s"):
        list(items)
    assert numbers.closed.wait(WAIT_S)


def test_cancel_before_next_counts(portal):
    items = portal.iterate(Numbers().items(), WAIT_S)
    next(items)
    items.cancel()
    with pytest.raises(EngineError, match="given up"):
        next(items)


def test_items_that_are_dropped_half_way_are_closed_on_the_loop(portal):
    numbers = Numbers()
    assert any(number == 1 for number in portal.iterate(numbers.items(), WAIT_S))
    assert numbers.closed.wait(WAIT_S)
    assert numbers.closed_on == "portal test"


def test_what_the_work_raises_reaches_the_caller(portal):
    async def fail() -> None:
        raise ValueError("so")

    with pytest.raises(ValueError, match="so"):
        portal.call(fail(), WAIT_S)
