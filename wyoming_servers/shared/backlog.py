"""Events that were read and wait to be worked off, bounded in number and in bytes."""

import asyncio
from collections import deque

from wyoming.event import Event


class Backlog:
    """A queue with one reader and one writer that says when it is full instead of growing."""

    def __init__(self, limit_events: int, limit_bytes: int) -> None:
        self._limit_events = limit_events
        self._limit_bytes = limit_bytes
        self._events: deque[tuple[Event, int]] = deque()
        self._bytes = 0
        self._ended = False
        self._changed_in = asyncio.Event()
        self._changed_out = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event, size_bytes: int) -> bool:
        """Adds an event; False when there is no room. An empty backlog takes an event of any size."""
        if self._events and (len(self._events) >= self._limit_events or self._bytes + size_bytes > self._limit_bytes):
            return False
        self._events.append((event, size_bytes))
        self._bytes += size_bytes
        self._changed_in.set()
        return True

    def end(self) -> None:
        """There will be no more events than these."""
        self._ended = True
        self._changed_in.set()

    async def get(self) -> Event | None:
        """The next event, waited for; None after the last."""
        while not self._events:
            if self._ended:
                return None
            self._changed_in.clear()
            await self._changed_in.wait()
        event, size_bytes = self._events.popleft()
        self._bytes -= size_bytes
        self._changed_out.set()
        return event

    async def taken(self) -> None:
        """Waits until an event has been taken out."""
        self._changed_out.clear()
        await self._changed_out.wait()
