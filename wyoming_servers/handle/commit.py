"""Whether the user has certainly finished: what changes anything waits for it, what only tells does not."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Commit:
    """One sentence's. Given from the start for those that nobody takes back."""

    def __init__(self, given: bool = True, awaited: Callable[[], None] | None = None) -> None:
        """awaited: called when the work on the sentence can go no further without it."""
        self._given = asyncio.Event()
        self._awaited = awaited
        self._since = time.perf_counter()
        self._limit: asyncio.Timeout | None = None
        self._limit_s = 0.0
        if given:
            self._given.set()

    @property
    def is_given(self) -> bool:
        """True once the sentence is certain."""
        return self._given.is_set()

    @property
    def age_ms(self) -> float:
        """How long the sentence has been certain, in milliseconds."""
        return (time.perf_counter() - self._since) * 1000

    def give(self) -> None:
        """The sentence is certain."""
        self._since = time.perf_counter()
        self._given.set()

    async def given(self) -> None:
        """Waits until the sentence is certain. That time does not count where it is limited by `within`."""
        if self._given.is_set():
            return
        if self._awaited:
            self._awaited()
            self._awaited = None
        limit = self._limit
        if limit:
            limit.reschedule(None)
        await self._given.wait()
        if limit:
            limit.reschedule(asyncio.get_running_loop().time() + self._limit_s)

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Limits work, the wait for certainty apart: after it there is as much time again.

        Raises: TimeoutError.
        """
        try:
            async with asyncio.timeout(seconds) as self._limit:
                self._limit_s = seconds
                yield
        finally:
            self._limit = None
