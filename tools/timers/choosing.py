"""Which timers are meant."""

from collections.abc import Iterable
from typing import Any

from .timer import PAUSED, RUNNING, Timer

_SUITABLE = {"pause": RUNNING, "resume": PAUSED}


def named(args: Any) -> bool:
    """True when the request says which timer."""
    return bool(args.name or args.area or length(args, "start_"))


def length(args: Any, prefix: str = "") -> int | None:
    """The length in seconds that the arguments give; None when they give none."""
    parts = [getattr(args, f"{prefix}{unit}") for unit in ("hours", "minutes", "seconds")]
    if parts == [None, None, None]:
        return None
    return sum((part or 0) * size for part, size in zip(parts, (3600, 60, 1), strict=True))


def fitting(timers: Iterable[Timer], args: Any) -> list[Timer]:
    """Those with the name, room and length that the request gives."""
    found = list(timers)
    if args.name:
        exact = [timer for timer in found if _word(timer.name) == _word(args.name)]
        found = exact or [timer for timer in found if _word(timer.area) == _word(args.name)]
    if args.area:
        exact = [timer for timer in found if _word(timer.name) == _word(args.area)]
        found = exact or [timer for timer in found if _word(timer.area) == _word(args.area)]
    if (total_s := length(args, "start_")) is not None:
        found = [timer for timer in found if timer.total_s == total_s]
    return found


def narrowed(timers: list[Timer], action: str, here: str) -> list[Timer]:
    """Of several that fit, those the user most likely means: set here, and in a state that the action changes."""
    for prefer in (lambda timer: timer.satellite_id == here and here, lambda timer: timer.state == _SUITABLE.get(action, timer.state)):
        timers = [timer for timer in timers if prefer(timer)] or timers
    return timers


def _word(name: str) -> str:
    """`Eggs` and `egg` are the same timer."""
    name = name.casefold()
    return name[:-1] if name.endswith("s") else name
