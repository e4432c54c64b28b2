"""A door from blocking engines to asyncio libraries: an event loop on a thread of its own."""

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncGenerator, Awaitable, Iterator
from typing import Any, Generic, TypeVar

from .errors import DeadlineError, EngineError
from .tasks import cancel

T = TypeVar("T")


class Portal:
    """One per engine; its methods are called on any other thread. Close it when nothing runs any more."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"portal {name}", daemon=True)
        self._thread.start()

    def call(self, work: Awaitable[T], timeout_s: float) -> T:
        """Runs `work` to its end.

        Raises: DeadlineError, and what `work` raises; EngineError when it was cancelled.
        """
        return self.start(work).wait(timeout_s)

    def start(self, work: Awaitable[T]) -> "Call[T]":
        """Begins `work`; the caller waits for it, or cancels it, later."""
        return Call(asyncio.run_coroutine_threadsafe(_awaited(work), self._loop))

    def iterate(self, items: AsyncGenerator[T, None], timeout_s: float) -> "Items[T]":
        """The items of an asynchronous generator as an iterator; each may take `timeout_s`."""
        return Items(self._loop, items, timeout_s)

    def close(self) -> None:
        """Cancels what still runs and ends the thread."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(timeout=5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
            self._loop.close()


class Call(Generic[T]):
    """Work under way behind a portal."""

    def __init__(self, future: "concurrent.futures.Future[T]") -> None:
        self._future = future

    def wait(self, timeout_s: float) -> T:
        """The result.

        Raises: DeadlineError, after which the work is cancelled; EngineError when it was cancelled; and what the work raises.
        """
        try:
            return self._future.result(timeout_s)
        except concurrent.futures.CancelledError:
            raise EngineError("the request was given up") from None
        except TimeoutError:
            if self._future.done():  # the work's own
                raise
            self._future.cancel()
            raise DeadlineError(f"no answer within {timeout_s:g} s") from None

    def cancel(self) -> None:
        """Gives the work up; whoever waits for it is told at once. On any thread, the event loop's too."""
        self._future.cancel()


class Items(Iterator[T]):
    """An iterator over what an asynchronous generator yields. Nothing is begun before the first `next`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, items: AsyncGenerator[T, None], timeout_s: float) -> None:
        self._loop = loop
        self._items = items
        self._timeout_s = timeout_s
        self._step: concurrent.futures.Future[Any] | None = None
        self._ended = False
        self._given_up = False

    def __next__(self) -> T:
        """The next item.

        Raises: StopIteration, DeadlineError, EngineError when it was cancelled, and what the generator raises.
        """
        if self._ended:
            raise StopIteration
        if self._given_up:
            self.close()
            raise EngineError("the request was given up")
        self._step = asyncio.run_coroutine_threadsafe(_next(self._items), self._loop)
        if self._given_up:  # before the step could be seen
            self._step.cancel()
        try:
            item = Call(self._step).wait(self._timeout_s)
        except BaseException:
            self.close()
            raise
        if item is _END:
            self._ended = True
            raise StopIteration
        return item

    def cancel(self) -> None:
        """Makes a `next` that waits, or is about to, end at once. On any thread."""
        self._given_up = True
        if self._step is not None:
            self._step.cancel()

    def close(self) -> None:
        """Ends the generator, which frees what it holds."""
        if not self._ended:
            self._ended = True
            asyncio.run_coroutine_threadsafe(self._items.aclose(), self._loop)


_END: Any = object()


async def _awaited(work: Awaitable[T]) -> T:
    return await work


async def _next(items: AsyncGenerator[T, None]) -> T:
    """`anext` is called on the loop's thread: one that is dropped half way is then closed there, and not wherever it is freed."""
    return await anext(items, _END)


async def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            await cancel(task)
