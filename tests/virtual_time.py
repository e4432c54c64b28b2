"""An event loop whose clock stands still while there is work, and jumps to the next timer when there is none.

Real sockets work on it, best Unix sockets of the same process: what one end has written is there for the other end at once, so
nothing depends on the machine's speed. Work on threads, an engine's too, holds the clock until it is done.
"""

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from wyoming_servers.shared.engine_host import Slot

_THREAD_POLL_S = 0.002
_STUCK_S = 20.0  # real time: nothing is due, nothing comes, nothing will


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when everybody waits for it."""

    def __init__(self) -> None:
        self._selector_in_use = _JumpingSelector(self)
        self.now = 0.0
        """Seconds since the loop was made."""
        self.threads = 0
        """Calls on threads that have not come back yet."""
        super().__init__(self._selector_in_use)

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future:
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_is_back)
        return future

    def _thread_is_back(self, _: asyncio.Future) -> None:
        self.threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._loop.threads:
            return super().select(_THREAD_POLL_S)
        if timeout is None:
            ready = super().select(_STUCK_S)
            if not ready:
                raise RuntimeError("nothing is due and nothing comes: everybody waits for somebody else")
            return ready
        self._loop.now += timeout
        return []


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs an async test in virtual time."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner, engines_hold_the_clock():
            runner.run(test(*args, **kwargs))

    return run


@contextmanager
def engines_hold_the_clock() -> Iterator[None]:
    """Engines have threads of their own, which no loop knows of: while one works for a virtual loop, that loop's time stands still."""
    run = Slot.run

    @functools.wraps(run)
    async def counted(slot: Slot, *args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            return await run(slot, *args, **kwargs)
        loop.threads += 1
        try:
            return await run(slot, *args, **kwargs)
        finally:
            loop.threads -= 1

    with patch.object(Slot, "run", counted):
        yield
