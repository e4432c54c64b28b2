"""How lengths and timers are put into words."""

import math
from collections.abc import Sequence

from wyoming_servers.shared.tool import Clock, Phrases

from .timer import PAUSED, Timer

_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
_AGO_UNITS = (("days", 86400), *_UNITS)
_MOST_LISTED = 5  # nobody remembers more


class Wording:
    """Sentences about timers in one language, heard at one place."""

    def __init__(self, phrases: Phrases, clock: Clock, here: str) -> None:
        """here: id of the satellite where it is heard; empty for none."""
        self._phrases = phrases
        self._clock = clock
        self._here = here

    def say(self, key: str, about: Timer | None = None, /, **values: object) -> str:
        """A sentence; `{timer}` and `{length}` (what is left) come from the timer it is about unless given."""
        if about:
            values = {"timer": self.label(about), "length": self.left(about), **values}
        sentence = self._phrases.say(key, **values)
        return sentence[:1].upper() + sentence[1:]

    def count(self, key: str, number: int) -> str:
        """A sentence about so many."""
        return self._phrases.count(key, number)

    def length(self, seconds: float) -> str:
        """`1 hour and 8 minutes`."""
        return self._phrases.join([self._phrases.count(unit, number) for unit, number in _parts(round(seconds))])

    def left(self, timer: Timer) -> str:
        """What is left of it; from an hour on without seconds."""
        seconds = max(1, math.ceil(timer.left(self._clock)))
        return self.length(seconds if seconds < 3600 else round(seconds / 60) * 60)

    def ago(self, seconds: float) -> str:
        """`3 minutes`, in the largest unit that fits."""
        unit, size = next((unit, size) for unit, size in _AGO_UNITS if seconds >= size or size == 1)
        return self._phrases.count(unit, max(1, round(seconds / size)))

    def label(self, timer: Timer) -> str:
        """`pizza timer`, `5 minute timer in the kitchen`."""
        name = self.named(timer.name) if timer.name else self.unnamed(timer.total_s)
        if timer.area and self._here and timer.satellite_id != self._here:
            return self._phrases.say("elsewhere", timer=name, area=timer.area.lower())
        return name

    def named(self, name: str) -> str:
        """`pizza timer`."""
        return self._phrases.say("named", name=name)

    def unnamed(self, total_s: int) -> str:
        """`1 hour 5 minute timer`."""
        parts = [self._phrases.count(f"{unit}_label", number) for unit, number in _parts(total_s)]
        return self._phrases.say("unnamed", length=" ".join(parts))

    def listed(self, timers: Sequence[Timer]) -> str:
        """`You have 2 timers: …`, the one that ends first in front."""
        if not timers:
            return self.say("no_timers")
        ordered = sorted(timers, key=lambda timer: timer.left(self._clock))
        parts = [self._one_of(timer) for timer in ordered[:_MOST_LISTED]]
        if len(ordered) > _MOST_LISTED:
            parts.append(self._phrases.count("more", len(ordered) - _MOST_LISTED))
        forms = {"n": len(timers), "timers": self._phrases.join(parts)}
        return self.say("count_one" if len(timers) == 1 else "count_other", **forms)

    def _one_of(self, timer: Timer) -> str:
        key = "one_of_ended" if timer.ended else "one_of_paused" if timer.state == PAUSED else "one_of"
        return self._phrases.say(key, timer=self.label(timer), length=self.left(timer))


def _parts(seconds: int) -> list[tuple[str, int]]:
    parts = []
    for unit, size in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append((unit, number))
    return parts or [("seconds", 0)]
