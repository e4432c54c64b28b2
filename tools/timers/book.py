"""All timers: in memory for reading, on disk before any change counts, and the task that notices when one runs out."""

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from wyoming_servers.shared.tool import Clock

from . import schedule
from .store import Store
from .timer import FINISHED, MISSED, RINGING, RUNNING, STOPWATCH, Timer

_LOGGER = logging.getLogger(__name__)
T = TypeVar("T")
UNHEARD_S = 60.0
"""A timer that its own satellite has not acknowledged by then rings everywhere."""
_RINGS_AT_MOST_S = 900.0  # a satellite's longest ringing; it may have died without saying that it stopped
_MISSED_S = 24 * 3600.0  # what was missed is told for so long when asked
_STEP_S = 2.0  # sleep no longer: after a suspend a deadline has passed earlier than the loop's clock knows
_JUMP_S = 1.0


class TimerBook:
    """Changes happen one after the other; each is on disk when it returns."""

    def __init__(self, clock: Clock, due: Callable[[Timer], None], unheard: Callable[[Timer], None]) -> None:
        """due: a timer has run out. unheard: nobody has acknowledged it for a while. Both are called on the loop."""
        self._clock = clock
        self._due = due
        self._unheard = unheard
        self._store: Store | None = None
        self._timers: dict[str, Timer] = {}
        self._unheard_since: dict[str, float] = {}
        self._everyones: set[str] = set()
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task] = set()

    async def open(self, path: Path) -> None:
        """Reads the file and begins to count down.

        Raises: sqlite3.Error, OSError.
        """
        await self.alone(lambda: self._open(path))

    async def close(self) -> None:
        """Ends counting and closes the file. A change that is under way is finished first."""
        async with self._lock:
            tasks = [task for task in self._tasks if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._store:
                await asyncio.to_thread(self._store.close)

    def all(self, *kinds: str) -> list[Timer]:
        """Every timer of these kinds that has not been missed, in the order they were set; of all kinds without any."""
        return [timer for timer in self._timers.values() if timer.state != MISSED and (not kinds or timer.kind in kinds)]

    def missed(self) -> list[Timer]:
        """What nobody silenced, or was told late, of the last day."""
        return [timer for timer in self._timers.values() if timer.state == MISSED]

    def is_everyones(self, id: str) -> bool:
        """True when a timer that has run out is to ring wherever it can."""
        return id in self._everyones

    def get(self, id: str) -> Timer | None:
        """One timer."""
        return self._timers.get(id)

    async def alone(self, change: Callable[[], Awaitable[T]]) -> T:
        """Runs a change that reads and writes timers while no other does. It ends even when the caller is cancelled."""
        return await asyncio.shield(self._start(self._locked(change)))

    async def write(self, *saved: Timer, deleted: Iterable[str] = ()) -> None:
        """Saves and deletes; only inside `alone`.

        Raises: sqlite3.Error; nothing has changed then.
        """
        deleted = list(deleted)
        assert self._store is not None
        if not (saved or deleted):
            return
        await asyncio.to_thread(self._store.write, saved, deleted)
        self._remember(saved, deleted)

    async def _open(self, path: Path) -> None:
        self._store = await asyncio.to_thread(Store, path)
        self._timers = {timer.id: schedule.renewed(timer, self._clock) for timer in await asyncio.to_thread(self._store.load)}
        for timer in self.all():
            if timer.state == FINISHED:
                self._unheard_since[timer.id] = self._clock.steady()
        self._start(self._watch())

    def _remember(self, saved: Iterable[Timer], deleted: Iterable[str]) -> None:
        for timer in saved:
            self._timers[timer.id] = timer
            if timer.state == FINISHED and timer.id not in self._everyones:
                self._unheard_since.setdefault(timer.id, self._clock.steady())
            else:
                self._unheard_since.pop(timer.id, None)
        for id in deleted:
            self._timers.pop(id, None)
            self._unheard_since.pop(id, None)
            self._everyones.discard(id)
        self._changed.set()

    async def _locked(self, change: Callable[[], Awaitable[T]]) -> T:
        async with self._lock:
            return await change()

    def _start(self, work: Awaitable[T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _LOGGER.debug("a change of timers failed: %s", error)  # its caller reports it

    async def _watch(self) -> None:
        offset = self._clock.now() - self._clock.steady()
        while True:
            self._changed.clear()
            if abs(self._clock.now() - self._clock.steady() - offset) > _JUMP_S:
                offset = self._clock.now() - self._clock.steady()
                _LOGGER.info("the wall clock has jumped; timers keep their length")
                await self._keep(self._kept_lengths)
            await self._finish()
            await self._clock.wait(self._changed, self._next_look_s())

    def _kept_lengths(self) -> list[Timer]:
        clock = self._clock
        counting = [timer for timer in self.all() if timer.state == RUNNING and not timer.due_utc]
        return [t.at(clock, t.shows(clock) if t.kind == STOPWATCH else t.left(clock)) for t in counting]

    async def _finish(self) -> None:
        """Ends what has run out, and looks after what nobody has heard."""
        if any(timer.due(self._clock) for timer in self.all()):
            over: list[Timer] = []
            await self._keep(lambda: self._run_out(over))
            for timer in over:
                if (now := self.get(timer.id)) and now.state == FINISHED:
                    self._due(now)
        for id, since in list(self._unheard_since.items()):
            if self._clock.steady() - since >= UNHEARD_S:
                del self._unheard_since[id]
                self._everyones.add(id)
                self._unheard(self._timers[id])
        silent = [timer for timer in self.all() if timer.state == RINGING and timer.age(self._clock) > _RINGS_AT_MOST_S]
        old = [timer.id for timer in self.missed() if timer.age(self._clock) > _MISSED_S]
        if silent or old:
            await self._keep(lambda: [timer.at(self._clock, timer.left(self._clock), MISSED) for timer in silent if self._is(timer)], old)

    def _run_out(self, over: list[Timer]) -> list[Timer]:
        """What is to be saved of all that has run out. Adds to `over` what has finished.

        What comes again goes on to its next time, and one that comes once has finished in its place.
        """
        saved = []
        for timer in [timer for timer in self.all() if timer.due(self._clock)]:
            finished = timer
            if timer.days:
                last, following = schedule.around(timer, self._clock)
                saved.append(replace(timer, due_utc=following))
                finished = replace(timer, id=uuid.uuid4().hex, due_utc=last, days="", clock_time="")
            over.append(finished.at(self._clock, finished.left(self._clock), FINISHED))
        return [*saved, *over]

    def _is(self, timer: Timer) -> bool:
        return self.get(timer.id) == timer

    async def _keep(self, changed: Callable[[], list[Timer]], deleted: Iterable[str] = ()) -> None:
        """Like a change, but counts even when the disk fails: ringing matters more than remembering."""

        async def change() -> None:
            saved = changed()
            try:
                await self.write(*saved, deleted=deleted)
            except (sqlite3.Error, OSError):
                _LOGGER.exception("timers could not be saved; after a restart they may ring again")
                self._remember(saved, deleted)

        await self.alone(change)

    def _next_look_s(self) -> float | None:
        """When to look again; None while there is nothing to wait for."""
        waits = [timer.left(self._clock) for timer in self.all() if timer.state == RUNNING and timer.kind != STOPWATCH]
        waits += [since + UNHEARD_S - self._clock.steady() for since in self._unheard_since.values()]
        waits += [_RINGS_AT_MOST_S - timer.age(self._clock) for timer in self.all() if timer.state == RINGING]
        waits += [_MISSED_S - timer.age(self._clock) for timer in self.missed()]
        return min(_STEP_S, max(0.0, min(waits))) if waits else None
