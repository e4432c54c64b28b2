"""Times of the day: which moment a spoken one means, and when what comes again comes next. Right across changes of the clocks: a time
that is skipped in spring is as much later as the clocks are put forward, one that comes twice in autumn counts once, the first time."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Clock

from .timer import RUNNING, Timer

DAY_MINUTES, HALF_DAY = 1440, 720
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = ("today", "tonight", "tomorrow", "overmorrow", *WEEKDAYS)
REPEATS = ("daily", "weekdays", "weekends", *WEEKDAYS)
HALVES = ("am", "pm", "night")
_REPEATED = {"daily": "0123456", "weekdays": "01234", "weekends": "56"}
_EARLIEST_ALARM = 4 * 60  # nobody who says "at three" wants to be woken at that time of the night
_EARLIEST_REMINDER = 7 * 60
_WEEK = 7
_DAY_S = 86400


@dataclass(frozen=True)
class When:
    """A moment, and how it comes again."""

    due_utc: float
    clock_time: str = ""
    days: str = ""


class PastError(ToolError):
    """The time that was said is over."""


class UnclearError(ToolError):
    """It may be meant in the morning or in the evening."""


def zone(clock: Clock) -> tzinfo | None:
    """The house's time zone."""
    return clock.local().tzinfo


def local(utc: float, clock: Clock) -> datetime:
    """A moment by the clocks of the house."""
    return datetime.fromtimestamp(utc, zone(clock))


def moments(day: date, minute: int, where: tzinfo | None) -> list[float]:
    """Seconds since 1970 of a minute of a day: one, or two when it comes twice."""
    first, second = (datetime.combine(day, time(minute // 60, minute % 60, fold=fold), where).timestamp() for fold in (0, 1))
    return [first, second] if second > first else [first]


def following(after_utc: float, minute: int, days: str, where: tzinfo | None) -> float:
    """The first time after a moment."""
    today = datetime.fromtimestamp(after_utc, where).date()
    possible = (today + timedelta(offset) for offset in range(-1, 2 * _WEEK))
    return next(due for day in possible if str(day.weekday()) in days and (due := moments(day, minute, where)[0]) > after_utc)


def minute_of(clock_time: str) -> int:
    """`07:30` as 450."""
    hour, _, minute = clock_time.partition(":")
    return int(hour) * 60 + int(minute)


def around(timer: Timer, clock: Clock) -> tuple[float, float]:
    """Of what comes again and is due: its last time, and its next. What was due several times while nobody counted counts once."""
    minute, where, now = minute_of(timer.clock_time), zone(clock), clock.now()
    last, coming = timer.due_utc, following(timer.due_utc, minute, timer.days, where)
    while coming <= now:
        last, coming = coming, following(coming, minute, timer.days, where)
    return last, coming


def renewed(timer: Timer, clock: Clock) -> Timer:
    """What comes again, at the time of the zone that the house is in now."""
    if not timer.days or timer.state != RUNNING or timer.due_utc <= clock.now():
        return timer
    due_utc = following(clock.now(), minute_of(timer.clock_time), timer.days, zone(clock))
    moved = (
        abs(due_utc - timer.due_utc) <= _DAY_S
    )  # further away it is the clock that is wrong, as on a board before it has asked for the time
    return replace(timer, due_utc=due_utc) if moved else timer


def days_of(*repeats: str | None) -> str:
    """`weekdays` as the digits of its days; several words are joined."""
    found: set[str] = set()
    for word in (word for repeat in repeats for word in (repeat or "").replace(",", " ").split()):
        found.update(_REPEATED.get(word) or (str(WEEKDAYS.index(word)) if word in WEEKDAYS else ""))
    return "".join(sorted(found))


def minutes_of(args: Any) -> list[int]:
    """The minutes of a day that the arguments may mean: one, or one before and one after noon."""
    said = args.hour * 60 + (args.minute or 0)
    half = args.half or ("pm" if args.day == "tonight" else None)
    if args.hour == 0 or args.hour > 12:
        return [said % DAY_MINUTES]
    early = said % HALF_DAY
    if half == "am" or (half == "night" and early < 6 * 60):
        return [early]
    if half:
        return [early + HALF_DAY]
    if HALF_DAY <= said < HALF_DAY + 60:
        return [said]
    return [early, early + HALF_DAY]


def when(args: Any, clock: Clock, *, alarm: bool, asks: bool) -> When:
    """What a spoken time means now.

    alarm: rather in the morning; else rather while people are up. asks: whether it may be asked back.
    Raises: PastError; UnclearError.
    """
    minutes, now, where = minutes_of(args), clock.now(), zone(clock)
    usual = [minute for minute in minutes if minute >= (_EARLIEST_ALARM if alarm else _EARLIEST_REMINDER)] or minutes
    if days := days_of(args.repeat, getattr(args, "repeat_too", None)):
        minute = usual[0]
        return When(following(now, minute, days, where), f"{minute // 60:02}:{minute % 60:02}", days)
    today = local(now, clock).date()
    if not args.day:
        coming = _coming([today, today + timedelta(1)], minutes, now, where)
        if alarm and len(minutes) == 2:
            return When(_alarm(coming, asks))
        return When(next(due for due, minute in coming if minute in usual))
    for day in _dates(args.day, today):
        if coming := _coming([day], usual, now, where) or _coming([day], minutes, now, where):
            return When(coming[0][0])
    raise PastError


def _coming(days: list[date], minutes: list[int], now: float, where: tzinfo | None) -> list[tuple[float, int]]:
    """What is still to come, the first in front."""
    every = ((due, minute) for day in days for minute in minutes for due in moments(day, minute, where))
    return sorted((due, minute) for due, minute in every if due > now)


def _alarm(coming: list[tuple[float, int]], asks: bool) -> float:
    """Without a day and a half of the day: the next one, if that is before noon; what is in the afternoon may be meant for the morning."""
    due, minute = coming[0]
    if minute < HALF_DAY or minute % HALF_DAY < _EARLIEST_ALARM:
        return due
    if asks:
        raise UnclearError
    return next(due for due, minute in coming if minute < HALF_DAY)


def _dates(day: str, today: date) -> list[date]:
    if day in WEEKDAYS:
        ahead = (WEEKDAYS.index(day) - today.weekday()) % _WEEK
        return [today + timedelta(ahead), today + timedelta(ahead + _WEEK)]
    return [today + timedelta({"tomorrow": 1, "overmorrow": 2}.get(day, 0))]
