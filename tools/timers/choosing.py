"""Which timers, alarms and reminders are meant."""

from collections.abc import Iterable
from typing import Any

from wyoming_servers.shared.tool import Clock

from . import schedule
from .timer import PAUSED, RUNNING, Timer

_SUITABLE = {"pause": RUNNING, "resume": PAUSED}


def named(args: Any) -> bool:
    """True when the request says which timer."""
    return bool(args.name or args.area or args.ids or length(args, "start_"))


def length(args: Any, prefix: str = "") -> int | None:
    """The length in seconds that the arguments give; None when they give none."""
    parts = [getattr(args, f"{prefix}{unit}") for unit in ("hours", "minutes", "seconds")]
    if parts == [None, None, None]:
        return None
    return sum((part or 0) * size for part, size in zip(parts, (3600, 60, 1), strict=True))


def fitting(timers: Iterable[Timer], args: Any) -> list[Timer]:
    """Those with the name, room and length that the request gives."""
    found = by_ids(timers, args)
    if args.name:
        exact = [timer for timer in found if _word(timer.name) == _word(args.name)]
        found = exact or [timer for timer in found if _word(timer.area) == _word(args.name)]
    if args.area:
        exact = [timer for timer in found if _word(timer.name) == _word(args.area)]
        found = exact or in_area(found, args.area)
    if (total_s := length(args, "start_")) is not None:
        found = [timer for timer in found if timer.total_s == total_s]
    return found


def by_ids(timers: Iterable[Timer], args: Any) -> list[Timer]:
    """Those with the ids that the request gives; all when it gives none."""
    ids = (args.ids or "").split()
    return [timer for timer in timers if not ids or timer.id in ids]


def in_area(timers: Iterable[Timer], area: str) -> list[Timer]:
    """Those that were set in a room."""
    return [timer for timer in timers if _word(timer.area) == _word(area)]


def scheduled(timers: Iterable[Timer], args: Any, clock: Clock) -> list[Timer]:
    """Those alarms or reminders with the time, day, room and words that the request gives."""
    found = by_ids(timers, args)
    if args.hour is not None:
        minutes = schedule.minutes_of(args)
        found = [timer for timer in found if _minute(timer, clock) in minutes]
    if days := schedule.days_of(args.repeat, args.day if args.day in schedule.WEEKDAYS else None):
        found = [timer for timer in found if set(days) <= _days(timer, clock)]
    elif args.day:
        wanted = {"tomorrow": 1, "overmorrow": 2}.get(args.day, 0)
        today = schedule.local(clock.now(), clock).date()
        found = [timer for timer in found if (schedule.local(timer.ends_utc(clock), clock).date() - today).days == wanted]
    if args.area:
        found = in_area(found, args.area)
    if words := set((getattr(args, "text", None) or "").casefold().split()):
        found = [timer for timer in found if words <= set(timer.name.casefold().split())]
    return found


def narrowed(timers: list[Timer], action: str, here: str) -> list[Timer]:
    """Of several that fit, those the user most likely means: set here, and in a state that the action changes."""
    for prefer in (lambda timer: timer.satellite_id == here and here, lambda timer: timer.state == _SUITABLE.get(action, timer.state)):
        timers = [timer for timer in timers if prefer(timer)] or timers
    return timers


def _minute(timer: Timer, clock: Clock) -> int:
    if timer.clock_time:
        return schedule.minute_of(timer.clock_time)
    then = schedule.local(timer.ends_utc(clock), clock)
    return then.hour * 60 + then.minute


def _days(timer: Timer, clock: Clock) -> set[str]:
    return set(timer.days) or {str(schedule.local(timer.ends_utc(clock), clock).weekday())}


def _word(name: str) -> str:
    """`Eggs` and `egg` are the same timer."""
    name = name.casefold()
    return name[:-1] if name.endswith("s") else name
