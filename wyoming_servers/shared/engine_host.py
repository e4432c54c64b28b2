"""Runs an engine off the event loop: loads it, gives its places to requests, and tries again what may succeed later."""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from .errors import AssistantError, BusyError, EngineError
from .occupancy import Occupancy
from .tasks import TaskOwner

_LOGGER = logging.getLogger(__name__)
E = TypeVar("E")
T = TypeVar("T")
_END = object()
_STOP_S = 0.5  # an engine's call that has not ended by then is abandoned with the process
_RETRY_S = 30.0
_LONGEST_RETRY_S = 900.0  # a download that failed is tried again four times an hour


class Slot(Generic[E]):
    """One place at an engine, with a thread of its own. Held by one request at a time."""

    def __init__(self, engine: E, name: str) -> None:
        self.engine = engine
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._running: asyncio.Future | None = None
        _SlotThread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[..., T], *arguments: Any, cancel: Callable[[], None] | None = None) -> T:
        """Runs a blocking call on this slot's thread. When cancelled, the call ends first before the slot is used again.

        cancel: called on the loop when the caller is cancelled; makes a call that waits for something end soon.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._running = done
        self._jobs.put((call, arguments, loop, done))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if cancel:
                cancel()
            raise

    async def iterate(self, items: Iterator[T]) -> AsyncIterator[T]:
        """Takes the items of a blocking iterator one by one on this slot's thread; closes it there at the end.

        An iterator that waits for others may have `cancel()`, see `run`.
        """
        cancel = getattr(items, "cancel", None)
        try:
            while (item := await self.run(next, items, _END, cancel=cancel)) is not _END:
                yield item
        finally:
            if close := getattr(items, "close", None):
                self.run_soon(close)

    def run_soon(self, call: Callable[[], Any]) -> None:
        """Runs a call after those before it; nobody waits for it."""
        self._jobs.put((call, (), None, None))

    async def settle(self) -> None:
        """Waits until a call that was left behind by a cancelled `run` has ended."""
        if self._running is not None:
            await asyncio.wait([self._running])

    @property
    def settled(self) -> bool:
        """True when no call is left behind."""
        return self._running is None or self._running.done()

    def end(self) -> None:
        """Ends the thread after the work it has; does not wait."""
        self._jobs.put(None)

    async def stop(self, timeout_s: float) -> bool:
        """Ends the thread after the work it has. False when that work has not ended in time: the engine is still in use."""
        last = asyncio.ensure_future(self.run(_nothing))
        try:
            done, _ = await asyncio.wait([last], timeout=timeout_s)
        finally:
            last.cancel()
            self._jobs.put(None)  # not before: the task above has queued its call only once it runs
        return bool(done)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, arguments, loop, done = job
            del job
            result, error = None, None
            try:
                result = call(*arguments)
            except BaseException as err:  # handed to the waiting request, which decides
                error = err
            if loop is not None:
                try:
                    loop.call_soon_threadsafe(_finish, done, result, error)
                except RuntimeError:  # the loop has ended: nobody waits any more
                    _LOGGER.debug("result of %s came after the end", call)
            elif error is not None:
                _LOGGER.warning("an engine could not be tidied up", exc_info=error)
            del call, arguments, loop, done, result, error  # an idle thread keeps no request alive


class _SlotThread(threading.Thread):
    """Of a slot; told apart from other threads by its type."""


def left_behind() -> bool:
    """True while a call to an engine, or its loading, goes on. After every host was closed, nothing can end it but the process."""
    return any(isinstance(thread, _SlotThread) for thread in threading.enumerate())


class EngineHost(Generic[E]):
    """Loads an engine off the loop, admits `slots` requests, queues `waiting` more, refuses the rest with BusyError."""

    def __init__(self, name: str, load: Callable[[], E], *, slots: int, waiting: int, retry_s: float = _RETRY_S) -> None:
        """retry_s: pause before a load that failed in a way that may pass is tried again; it doubles each time."""
        self.name = name
        self._load = load
        self._retry_s = retry_s
        self._slots = slots
        self._places = slots + waiting
        self._admitted = 0  # working, waiting, or gone but not settled yet
        self._free: list[Slot[E]] = []
        self._turn = asyncio.Semaphore(slots)  # unlike a Queue it lets nobody pass who comes back at once for the next piece
        self._all: list[Slot[E]] = []
        self._closed = threading.Event()
        self._loaded: asyncio.Future[E] | None = None
        self._bringing_up: asyncio.Task | None = None
        self._hurry = asyncio.Event()
        self._owner = TaskOwner()

    def start(self, on_ready: Callable[[E], None] | None = None) -> None:
        """Begins to load; `on_ready` is called on the loop with the engine. Returns at once.

        May be called again after a load that failed: then the next try begins now.
        """
        if self._bringing_up is not None and not self._bringing_up.done():
            self._hurry.set()
            return
        self._loaded = _quiet_future()
        self._bringing_up = self._owner.start(self._bring_up(on_ready), f"load {self.name}")

    @property
    def engine(self) -> E | None:
        """The engine once it is loaded."""
        loaded = self._loaded
        return loaded.result() if loaded and loaded.done() and not loaded.cancelled() and not loaded.exception() else None

    @property
    def occupancy(self) -> Occupancy:
        """How many requests it works on, and keeps waiting; and why it can work on none."""
        working = min(self._admitted, self._slots)
        loaded = self._loaded
        error = loaded.exception() if loaded and loaded.done() and not loaded.cancelled() else None
        return Occupancy(working, self._admitted - working, self._slots, str(error or ""))

    async def ready(self) -> E:
        """Waits until the engine is loaded.

        Raises: EngineError when it could not be.
        """
        if self._loaded is None:
            raise EngineError(f"{self.name} was never started")
        return await asyncio.shield(self._loaded)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot[E]]:
        """A place at the engine, waited for in turn.

        Raises: BusyError when the queue is full; EngineError when the engine could not be loaded or is closed.
        """
        if self._admitted >= self._places:
            raise BusyError(f"{self.name} is busy with {self._slots} and has {self._admitted - self._slots} waiting; try again")
        self._admitted += 1
        slot = None
        try:
            await self.ready()
            await self._turn.acquire()
            if self._closed.is_set():
                raise EngineError(f"{self.name} is closed")
            slot = self._free.pop()
            yield slot
        finally:
            if slot is None or slot.settled or self._closed.is_set():
                self._give_back(slot)
            else:
                self._owner.start(self._settle(slot), f"settle {self.name}")

    async def close(self) -> None:
        """Ends loading and the threads; closes the engine, unless a call will not end."""
        self._closed.set()
        await self._owner.close()
        if self._loaded is not None and not self._loaded.done():
            self._loaded.set_exception(EngineError(f"{self.name} is closed"))
        for _ in range(self._admitted):
            self._turn.release()
        engine = self.engine
        ended = await asyncio.gather(*(slot.stop(_STOP_S) for slot in self._all))
        if not all(ended):
            _LOGGER.warning("%s: a call has not ended within %g s, the engine is left open", self.name, _STOP_S)
        elif engine is not None:
            await asyncio.to_thread(_close, engine)

    async def _bring_up(self, on_ready: Callable[[E], None] | None) -> None:
        """Requests that come while a failed load waits for its next try are told why it failed."""
        pause_s = self._retry_s
        while (error := await self._try_to_load(on_ready)) is not None and error.retryable:
            _LOGGER.info("%s is tried again in %g s", self.name, pause_s)
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), pause_s)
            pause_s = min(2 * pause_s, _LONGEST_RETRY_S)
            self._loaded = _quiet_future()

    async def _try_to_load(self, on_ready: Callable[[E], None] | None) -> EngineError | None:
        """Why it failed, if it did."""
        assert self._loaded is not None
        loader: Slot[None] = Slot(None, f"{self.name}-load")
        try:
            engine = await loader.run(self._load_unless_closed)
        except Exception as err:
            error = err if isinstance(err, EngineError) else EngineError(f"{self.name} could not be loaded: {err}")
            _LOGGER.error("%s", error, exc_info=None if isinstance(err, AssistantError) else err)
            self._loaded.set_exception(error)
            return error
        finally:
            loader.end()
        for number in range(self._slots):
            slot = Slot(engine, f"{self.name}-{number}")
            self._all.append(slot)
            self._free.append(slot)
        self._loaded.set_result(engine)
        if on_ready:
            on_ready(engine)
        return None

    def _load_unless_closed(self) -> E:
        """On the loading thread, which cannot be interrupted: nobody else would close an engine that comes too late."""
        engine = self._load()
        if self._closed.is_set():
            _close(engine)
            raise EngineError(f"{self.name} is closed")
        return engine

    async def _settle(self, slot: Slot[E]) -> None:
        try:
            await slot.settle()
        finally:
            self._give_back(slot)

    def _give_back(self, slot: Slot[E] | None) -> None:
        self._admitted -= 1
        if slot is not None:
            self._free.append(slot)
            self._turn.release()


def _quiet_future() -> asyncio.Future:
    """One whose error nobody has to fetch."""
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _nothing() -> None:
    """The last job of a thread: when it is done, so is everything before it."""


def _close(engine: Any) -> None:
    if close := getattr(engine, "close", None):
        close()


def _finish(done: asyncio.Future, result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    elif isinstance(error, StopIteration):  # a future refuses StopIteration
        done.set_exception(EngineError("the engine ended unexpectedly"))
    else:
        done.set_exception(error)
        done.exception()  # a cancelled request does not fetch it: no "never retrieved" warning
