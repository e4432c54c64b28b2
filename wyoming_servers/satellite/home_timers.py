"""Timers that Home Assistant keeps: counted here too, so that they ring when it is gone."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

from ..shared.protocol import printable
from ..shared.responses import responses
from ..shared.tasks import TaskOwner
from .interjections import TimerDesk
from .links import FinishedTimer
from .turn import CutOff

_PREFIX = "home-assistant "
_MOST_TIMERS = 200
_REMEMBERED = 200  # that are over: what Home Assistant says about them later is old
_LONGEST_S = 366 * 24 * 3600
_NAME_CHARS = 60
_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))


@dataclass
class _Timer:
    name: str
    total_s: int
    countdown: asyncio.TimerHandle | None = None


class HomeTimers:
    """Follows `timer-started`, `-updated`, `-cancelled` and `-finished`; each timer rings once, whoever says so first."""

    def __init__(
        self, language: str, finished: Callable[[FinishedTimer], Awaitable[None]], cancelled: Callable[[str], Awaitable[None]]
    ) -> None:
        """language: of the sentence that is spoken. finished, cancelled: called with a timer, and with a timer's id."""
        self._language = language
        self._finished = finished
        self._cancelled = cancelled
        self._timers: dict[str, _Timer] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self._owner = TaskOwner()

    async def take(self, event: Event) -> None:
        """Something happened to a timer. What is about no timer, or about an unknown one, changes nothing."""
        timer_id = event.data.get("id")
        if not isinstance(timer_id, str) or not timer_id:
            return
        if event.type == "timer-finished":
            await self._ring(timer_id)
        elif event.type == "timer-cancelled":
            await self._cancel(timer_id)
        elif event.type == "timer-updated" and timer_id in self._timers:
            self._count_down(timer_id, self._timers[timer_id], _seconds(event.data) if event.data.get("is_active") is True else None)
        elif event.type == "timer-started" and len(self._timers) < _MOST_TIMERS:
            self._drop(timer_id)
            del self._over[timer_id]
            seconds = _seconds(event.data)
            timer = self._timers[timer_id] = _Timer(_name(event.data), _started_with(event.data) or seconds or 0)
            self._count_down(timer_id, timer, seconds)

    async def close(self) -> None:
        """Counts no more."""
        for timer_id in list(self._timers):
            self._drop(timer_id)
        await self._owner.close()

    def _count_down(self, timer_id: str, timer: _Timer, seconds: int | None) -> None:
        """seconds: left; None while it is paused."""
        if timer.countdown:
            timer.countdown.cancel()
        timer.countdown = None
        if seconds is not None:
            timer.countdown = asyncio.get_running_loop().call_later(seconds, self._run_out, timer_id)

    def _run_out(self, timer_id: str) -> None:
        self._owner.start(self._ring(timer_id), f"ring {printable(timer_id, 40)}")

    async def _ring(self, timer_id: str) -> None:
        if timer_id in self._over:
            return
        timer = self._drop(timer_id)
        text = await asyncio.to_thread(_sentence, self._language, timer.name, timer.total_s)
        await self._finished(FinishedTimer(_PREFIX + timer_id, text))

    async def _cancel(self, timer_id: str) -> None:
        if timer_id in self._timers:
            self._drop(timer_id)
        await self._cancelled(_PREFIX + timer_id)

    def _drop(self, timer_id: str) -> _Timer:
        """It counts no more. One that is not known began before this satellite did."""
        timer = self._timers.pop(timer_id, None) or _Timer("", 0)
        if timer.countdown:
            timer.countdown.cancel()
        self._over[timer_id] = None
        while len(self._over) > _REMEMBERED:
            self._over.popitem(last=False)
        return timer


class OwnTimers:
    """A desk that hears nothing of Home Assistant's timers: it has no word for a ringing that was silenced."""

    def __init__(self, desk: TimerDesk) -> None:
        """desk: the intent server's."""
        self._desk = desk

    def acknowledge(self, timer_id: str) -> None:
        """It rings here."""
        if not timer_id.startswith(_PREFIX):
            self._desk.acknowledge(timer_id)

    def dismiss(self, timer_id: str, *, by_user: bool) -> None:
        """It rings no more."""
        if not timer_id.startswith(_PREFIX):
            self._desk.dismiss(timer_id, by_user=by_user)

    def woken(self, turn: int, wake_word: str, level_dbfs: float) -> None:
        """A turn has begun with a wake word."""
        self._desk.woken(turn, wake_word, level_dbfs)

    def spoken(self, cut: CutOff) -> None:
        """Only the beginning of an answer was heard."""
        self._desk.spoken(cut)


def _sentence(language: str, name: str, total_s: int) -> str:
    """What is spoken, with the words of the intent server's own timers. Blocking."""
    words = responses(language, "timers")
    if not name:
        parts = []
        for unit, size in _UNITS:
            number, total_s = divmod(total_s, size)
            if number:
                parts.append(_counted(words.get(f"{unit}_label"), number))
        length = " ".join(filter(None, parts))
        label = str(words["unnamed"]).format(length=length, of=length) if length else "timer"
    else:
        label = str(words["named"]).format(name=name)
    text = str(words["finished"]).format(timer=label)
    return text[:1].upper() + text[1:]


def _counted(forms: Any, number: int) -> str:
    form = forms.get("one" if number == 1 else "other", "") if isinstance(forms, Mapping) else forms
    return str(form or "").format(n=number)


def _seconds(data: Mapping[str, Any]) -> int | None:
    """None for what is no length of time."""
    seconds = data.get("total_seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return round(min(max(seconds, 0), _LONGEST_S))


def _started_with(data: Mapping[str, Any]) -> int:
    """Seconds that the user asked for; 0 when nothing is told."""
    given = [data.get(f"start_{unit}") for unit, _ in _UNITS]
    return sum(number * size for number, (_, size) in zip(given, _UNITS, strict=True) if isinstance(number, int) and number > 0)


def _name(data: Mapping[str, Any]) -> str:
    name = data.get("name")
    return printable(name.strip(), _NAME_CHARS) if isinstance(name, str) else ""
