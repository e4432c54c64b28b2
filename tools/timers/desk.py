"""What timers, alarms and reminders have in common: one book, their rings at satellites, and what can be taken back."""

import asyncio
import sqlite3
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Home, Phrases, Satellite, ToolContext

from .book import TimerBook
from .timer import FINISHED, MISSED, REMINDER, RINGING, RUNNING, STOPWATCH, Timer
from .wording import Wording

MOST = 100
LATE_S = 30.0
"""From here on "ended 3 minutes ago" is more use than "is done"."""
AWAY_S = 900.0
"""What ended longer ago would have stopped ringing by now: it is told, once."""
_REMINDED_TIMES = 2
_SNOOZE_S = 120.0  # after the user has silenced it, "five more minutes" still means it
_REMOVED = 200
_NAME_CHARS = 200


class Desk:
    """Made by the first of the tools that share it; opened by the first that starts, closed by the last that leaves."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.clock = home.clock
        self.book = TimerBook(home.clock, self._push_finished, self._push_everywhere)
        self._phrases: dict[str, Callable[[str], Phrases]] = {}
        self._lock = asyncio.Lock()
        self._users = 0
        self._open = False
        self._failure: ToolError | None = None
        self._removed: OrderedDict[str, Timer] = OrderedDict()
        self._silenced: dict[str, tuple[float, list[Timer]]] = {}

    def join(self) -> "Desk":
        """Another tool uses it, until it leaves."""
        self._users += 1
        return self

    async def open(self, kinds: Sequence[str], phrases: Callable[[str], Phrases]) -> None:
        """Goes on with the timers on disk. phrases: the sentences about these kinds, by language.

        Raises: ToolError when the file cannot be used.
        """
        self._phrases |= dict.fromkeys(kinds, phrases)
        async with self._lock:
            if self._failure:
                raise self._failure
            if self._open:
                return
            try:
                await self.book.open(self._home.database)
            except (sqlite3.Error, OSError) as err:
                self._failure = ToolError(f"timers cannot be kept in {self._home.database}: {err}")
                raise self._failure from err
            self._open = True

    async def leave(self) -> None:
        """Closes the file when nobody else uses it, also one that was being opened."""
        self._users -= 1
        if self._users == 0:
            await self.book.close()

    def satellites(self) -> Sequence[Satellite]:
        """Those that could ring."""
        return self._home.satellites()

    def new(self, kind: str, name: str, total_s: int, context: ToolContext, **more: Any) -> Timer:
        """One that begins now at the satellite that asks; not yet in the book."""
        clock = self.clock
        return Timer(
            id=uuid.uuid4().hex,
            name=name.strip()[:_NAME_CHARS],
            total_s=total_s,
            state=RUNNING,
            satellite_id=context.satellite_id,
            area=context.area,
            language=context.language,
            left_s=0 if kind == STOPWATCH else total_s,
            written_utc=clock.now(),
            written_steady=clock.steady(),
            boot=clock.boot,
            kind=kind,
            **more,
        )

    def full(self) -> bool:
        """True when no more are kept."""
        return len(self.book.all()) >= MOST

    async def drop(self, *timers: Timer) -> None:
        """They are no more; satellites stop ringing. `restore` brings them back for a while."""
        await self.book.write(deleted=[timer.id for timer in timers])
        for timer in timers:
            self._remember(timer)
            if timer.kind == "timer" or timer.ended:
                self.push(timer, "timer-cancelled", {"id": timer.id}, everywhere=timer.ended)

    async def restore(self, ids: Sequence[str]) -> list[Timer]:
        """Those of the ids that were dropped since the start, as if they had not been."""
        timers = [self._removed.pop(id) for id in ids if id in self._removed]
        await self.book.write(*timers)
        for timer in timers:
            if timer.kind == "timer" and timer.state == RUNNING:
                self.push_started(timer)
        return timers

    def sounding(self, context: ToolContext) -> list[Timer]:
        """What rings where the question comes from, or was silenced there a moment ago."""
        ringing = [timer for timer in self.book.all() if timer.ended and self.rings_here(timer, context)]
        at, silenced = self._silenced.get(context.satellite_id, (0.0, []))
        return ringing or (silenced if self.clock.steady() - at < _SNOOZE_S else [])

    async def snooze(self, timers: Sequence[Timer], seconds: int, context: ToolContext) -> list[Timer]:
        """Rings them again later, where they are put off."""
        self._silenced.pop(context.satellite_id, None)
        again = [self.new(timer.kind, timer.name, seconds, context) for timer in timers]
        known = [timer for timer in timers if self.book.get(timer.id)]
        await self.book.write(*again, deleted=[timer.id for timer in known])
        for timer in known:
            self.push(timer, "timer-cancelled", {"id": timer.id}, everywhere=True)
        for timer in again:
            if timer.kind == "timer":
                self.push_started(timer)
        return again

    async def heard(self, satellite: Satellite, kinds: Sequence[str], id: str | None) -> None:
        """It rings at this satellite now; what came late is told, and counts as missed."""
        meant = self.ringing_at(satellite, kinds, id)
        await self.book.write(
            *(timer.at(self.clock, timer.left(self.clock), MISSED if self._is_old(timer) else RINGING) for timer in meant)
        )

    async def silenced(self, satellite: Satellite, kinds: Sequence[str], id: str | None, *, by_user: bool) -> None:
        """It was silenced at this satellite: with an id that one, without all that ring there."""
        meant = self.ringing_at(satellite, kinds, id)
        if by_user:
            await self.book.write(deleted=[timer.id for timer in meant])
            at, earlier = self._silenced.get(satellite.id, (0.0, []))
            together = earlier if self.clock.steady() - at < 1 else []
            self._silenced[satellite.id] = (self.clock.steady(), [*together, *meant])
        else:
            await self.book.write(*(timer.at(self.clock, timer.left(self.clock), MISSED) for timer in meant))
        for timer in meant:
            for other in self.satellites():
                if other.id != satellite.id:
                    self._home.announce(other.id, "timer-cancelled", {"id": timer.id})

    def joined(self, satellite: Satellite, kinds: Sequence[str]) -> None:
        """Tells it what ended unheard, in the order it ended."""
        ended = [timer for timer in self.book.all(*kinds) if timer.state == FINISHED and self.rings_at(timer, satellite)]
        for timer in sorted(ended, key=lambda timer: timer.left(self.clock)):
            self._push_to(satellite, timer)

    def rings_here(self, timer: Timer, context: ToolContext) -> bool:
        """Whether it rings where the question comes from; anywhere, when that is unknown."""
        return not context.satellite_id or self.rings_at(timer, Satellite(context.satellite_id))

    def rings_at(self, timer: Timer, satellite: Satellite) -> bool:
        """Whether it rings at this satellite."""
        return timer.satellite_id in ("", satellite.id) or self.book.is_everyones(timer.id)

    def ringing_at(self, satellite: Satellite, kinds: Sequence[str], id: str | None) -> list[Timer]:
        """What has ended: the one with this id, or all that ring at a satellite."""
        ended = [timer for timer in self.book.all(*kinds) if timer.ended]
        return [timer for timer in ended if (timer.id == id if id else self.rings_at(timer, satellite))]

    def push_started(self, timer: Timer) -> None:
        """Tells its satellite of a new timer."""
        left_s = max(0, round(timer.left(self.clock)))
        started = {"id": timer.id, "total_seconds": left_s, **({"name": timer.name} if timer.name else {})}
        parts = {"start_hours": timer.total_s // 3600, "start_minutes": timer.total_s // 60 % 60, "start_seconds": timer.total_s % 60}
        self.push(timer, "timer-started", started | parts)

    def push(self, timer: Timer, event_type: str, data: Mapping[str, Any], everywhere: bool = False) -> None:
        """Tells its satellite, or all."""
        for satellite in self.satellites():
            if everywhere or timer.satellite_id in ("", satellite.id):
                self._home.announce(satellite.id, event_type, data)

    def _remember(self, timer: Timer) -> None:
        self._removed[timer.id] = timer
        if len(self._removed) > _REMOVED:
            self._removed.popitem(last=False)

    def _is_old(self, timer: Timer) -> bool:
        return timer.state == FINISHED and -timer.left(self.clock) >= AWAY_S

    def _push_finished(self, timer: Timer) -> None:
        for satellite in self.satellites():
            if self.rings_at(timer, satellite):
                self._push_to(satellite, timer)

    def _push_everywhere(self, timer: Timer) -> None:
        for satellite in self.satellites():
            if timer.satellite_id != satellite.id:
                self._push_to(satellite, timer)

    def _push_to(self, satellite: Satellite, timer: Timer) -> None:
        phrases = self._phrases.get(timer.kind)
        if phrases is None:
            return
        late_s = max(0.0, -timer.left(self.clock))
        wording = Wording(phrases(satellite.language or timer.language), self.clock, satellite.id)
        how = "missed" if self._is_old(timer) else "finished_late" if late_s >= LATE_S else "finished"
        data = {
            "id": timer.id,
            "kind": timer.kind,
            "name": timer.name or None,
            "text": wording.ended(how, timer, late_s),
            "late_s": round(late_s, 1),
            "total_seconds": timer.total_s,
        }
        times = 1 if how == "missed" else _REMINDED_TIMES if timer.kind == REMINDER else 0
        self._home.announce(satellite.id, "timer-finished", data | ({"times": times} if times else {}))
