"""How lengths, times of the day, timers, alarms and reminders are put into words."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from wyoming_servers.shared.tool import Clock, Phrases

from . import schedule
from .timer import ALARM, PAUSED, REMINDER, STOPWATCH, Timer

_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
_AGO_UNITS = (("days", 86400), *_UNITS)
_MOST_LISTED = 5  # nobody remembers more
_REPEATS = {"0123456": "daily", "01234": "weekdays", "56": "weekends"}


class Wording:
    """Sentences in one language, heard at one place."""

    def __init__(self, phrases: Phrases, clock: Clock, here: str) -> None:
        """here: id of the satellite where it is heard; empty for none."""
        self._phrases = phrases
        self._clock = clock
        self._here = here

    def say(self, key: str, about: Timer | None = None, /, **values: object) -> str:
        """A sentence; `{timer}`, `{length}` (what is left), `{when}` and `{name}` come from the timer it is about unless given."""
        if about:
            values = {**self._about(about), **values}
        sentence = self._phrases.say(key, **values)
        return sentence[:1].upper() + sentence[1:]

    def _about(self, timer: Timer) -> dict[str, object]:
        """What sentences may say of it. Put into words where one does: a language that has no words for times yet can say the others."""
        length = "" if timer.kind == STOPWATCH else _Said(lambda: self.left(timer))
        return {"timer": _Said(lambda: self.label(timer)), "length": length, "when": _Said(lambda: self.when(timer)), "name": timer.name}

    def count(self, key: str, number: int) -> str:
        """A sentence about so many."""
        return self._phrases.count(key, number)

    def has(self, key: str) -> bool:
        """Whether this language has a sentence; for those that only some need."""
        return bool(self._maybe(key, early="", late=""))

    def length(self, seconds: float) -> str:
        """`1 hour and 8 minutes`."""
        return self._phrases.join([self._unit(f"length_{unit}", number) for unit, number in _parts(round(seconds))])

    def left(self, timer: Timer) -> str:
        """What is left of it; from an hour on without seconds."""
        seconds = max(1, math.ceil(timer.left(self._clock)))
        return self.length(seconds if seconds < 3600 else round(seconds / 60) * 60)

    def ago(self, seconds: float) -> str:
        """`3 minutes`, in the largest unit that fits."""
        unit, size = next((unit, size) for unit, size in _AGO_UNITS if seconds >= size or size == 1)
        return self._unit(f"length_{unit}", max(1, round(seconds / size)))

    def at(self, minute_of_day: int) -> str:
        """`at 7:30 AM`."""
        hour, minute = divmod(minute_of_day, 60)
        part = self._phrases.item("day_parts", hour) if self._phrases.items("day_parts") else ""
        values = {"hour": self._phrases.item("day_hours", hour), "minute": minute, "part": part}
        for key in () if minute else (f"at_{hour}",):
            if sentence := self._maybe(key, **values):
                return sentence
        return self._phrases.say("at_minutes" if minute else "at_full", **values)

    def when(self, timer: Timer) -> str:
        """`tomorrow at 7 AM`, `every Monday at 7 AM`; when it ends or ended."""
        if timer.days:
            at = self.at(schedule.minute_of(timer.clock_time))
            return self._phrases.say("day_at", day=self.repeats(timer.days), at=at)
        return self.moment(timer.ends_utc(self._clock))

    def moment(self, utc: float) -> str:
        """`at 7 AM` for today, `tomorrow at 7 AM`, `on Monday at 7 AM`."""
        then, now = schedule.local(utc, self._clock), schedule.local(self._clock.now(), self._clock)
        at = self.at(then.hour * 60 + then.minute)
        day = self._day(then, now)
        return self._phrases.say("day_at", day=day, at=at) if day else at

    def repeats(self, days: str) -> str:
        """`every day`, `on weekdays`, `every Monday and Friday`."""
        if key := _REPEATS.get(days):
            return self._phrases.say(f"every_{key}")
        names = [self._phrases.item("weekday_names", int(day)) for day in days]
        return self._phrases.say("every_weekday", weekday=self._phrases.join(names))

    def label(self, timer: Timer) -> str:
        """`pizza timer`, `5 minute timer in the kitchen`, `alarm at 7 AM`."""
        if timer.kind in (ALARM, REMINDER):
            name = self._phrases.say(f"{timer.kind}_label", when=self.when(timer), name=timer.name)
        else:
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
        return self._phrases.say("unnamed", length=" ".join(parts), of=self._phrases.join(parts))

    def listed(self, timers: Sequence[Timer]) -> str:
        """`You have 2 timers: …`, the one that ends first in front."""
        if not timers:
            return self.say("no_timers")
        ordered = sorted(timers, key=lambda timer: timer.left(self._clock))
        parts = [self._one_of(timer) for timer in ordered[:_MOST_LISTED]]
        if len(ordered) > _MOST_LISTED:
            parts.append(self._phrases.count("more", len(ordered) - _MOST_LISTED))
        sentence = self._phrases.count("count", len(timers), timers=self._phrases.join(parts))
        return sentence[:1].upper() + sentence[1:]

    def ended(self, how: str, timer: Timer, late_s: float) -> str:
        """What is spoken when it rings. how: `finished`, `finished_late` or `missed`."""
        return self.say(how, timer, length=self.ago(late_s))

    def _one_of(self, timer: Timer) -> str:
        key = "one_of_ended" if timer.ended else "one_of_paused" if timer.state == PAUSED else "one_of"
        return self._phrases.say(key, **self._about(timer))

    def _unit(self, key: str, number: int) -> str:
        """A number with its noun; some numbers have a form of their own: `vingt et une minutes`."""
        return self._maybe(f"{key}_{number}") or self._phrases.count(key, number)

    def _maybe(self, key: str, **values: object) -> str:
        try:
            return self._phrases.say(key, **values)
        except KeyError:
            return ""

    def _day(self, then: datetime, now: datetime) -> str:
        """Empty for today."""
        ahead = (then.date() - now.date()).days
        if ahead == 0:
            return ""
        if -1 <= ahead <= 2 and (name := self._maybe(f"day_{ahead}")):
            return name
        if ahead < -6:
            return self._phrases.count("days_ago", -ahead)
        return self._phrases.say("on_weekday", weekday=self._phrases.item("weekday_names", then.weekday()))


class _Said:
    """Words that are looked for when a sentence needs them."""

    def __init__(self, words: Callable[[], str]) -> None:
        self._words = words

    def __format__(self, _: str) -> str:
        return self._words()


def _parts(seconds: int) -> list[tuple[str, int]]:
    parts = []
    for unit, size in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append((unit, number))
    return parts or [("seconds", 0)]
