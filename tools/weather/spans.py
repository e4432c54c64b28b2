"""Which time of a forecast is asked for."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from .forecast import Day, Forecast, Moment

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WHENS = ("", "now", "today", "tonight", "tomorrow", "overmorrow", "weekend", "week", *WEEKDAYS)
_DAWN, _DUSK = time(6), time(18)
_LIKELY, _POSSIBLE = 60.0, 30.0  # percent
_WET = frozenset({51, 53, 55, 56, 57, 61, 63, 65, 66, 67, 80, 81, 82, 95, 96, 99})
_SNOWY = frozenset({71, 73, 75, 77, 85, 86})


@dataclass(frozen=True)
class Span:
    """A stretch of the forecast: whole days, or some hours of one."""

    when: str
    """What it is called: one of WHENS, except empty."""
    hours: tuple[Moment, ...]
    days: tuple[Day, ...]
    """None for a night."""
    today: date

    @property
    def low(self) -> float:
        """°C"""
        return min((day.low for day in self.days), default=min((hour.temperature for hour in self.hours), default=0.0))

    @property
    def high(self) -> float:
        """°C"""
        return max((day.high for day in self.days), default=max((hour.temperature for hour in self.hours), default=0.0))

    @property
    def code(self) -> int | None:
        """The worst weather of the time; WMO's codes grow with it."""
        codes = [hour.code for hour in self.hours if hour.code is not None] or [day.code for day in self.days if day.code is not None]
        return max(codes, default=None)

    @property
    def chance(self) -> int | None:
        """Of rain or snow, %; None when nobody tells."""
        chances = [hour.chance for hour in self.hours if hour.chance is not None]
        chances = chances or [day.chance for day in self.days if day.chance is not None]
        return round(max(chances)) if chances else None

    @property
    def humidity(self) -> int | None:
        """%, in the middle."""
        known = [hour.humidity for hour in self.hours if hour.humidity is not None]
        return round(sum(known) / len(known)) if known else None

    @property
    def rain(self) -> str:
        """`yes`, `perhaps`, `no`."""
        if self.chance is None:
            return "yes" if any(is_wet(moment.code) for moment in (*self.hours, *self.days)) else "no"
        return "yes" if self.chance >= _LIKELY else "perhaps" if self.chance >= _POSSIBLE else "no"

    @property
    def snow(self) -> bool:
        """Whether some is expected."""
        return any(is_snowy(moment.code) for moment in (*self.hours, *self.days))


def span(forecast: Forecast, when: str, now: datetime) -> Span | None:
    """A time that is not the present; None when the forecast does not reach there. now: there."""
    today = now.date()
    if when == "tonight":
        hours = forecast.between(*_night(now))
        return Span(when, tuple(hours), (), today) if hours else None
    days = [day for wanted in _dates(when, today) if (day := forecast.day(wanted))]
    if not days:
        return None
    begin = max(now, datetime.combine(days[0].date, time()))
    hours = forecast.between(begin, datetime.combine(days[-1].date + timedelta(days=1), time()))
    if begin > now:
        hours = [hour for hour in hours if hour.at >= begin]
    return Span(_name(when, today), tuple(hours), tuple(days), today)


def is_wet(code: int | None) -> bool:
    """Whether it rains."""
    return code in _WET


def is_snowy(code: int | None) -> bool:
    """Whether it snows."""
    return code in _SNOWY


def _night(now: datetime) -> tuple[datetime, datetime]:
    if now.time() < _DAWN:
        return now, datetime.combine(now.date(), _DAWN)
    return max(now, datetime.combine(now.date(), _DUSK)), datetime.combine(now.date() + timedelta(days=1), _DAWN)


def _dates(when: str, today: date) -> list[date]:
    if when == "week":
        return [today + timedelta(days=days) for days in range(7)]
    if when == "weekend":
        return [today + timedelta(days=days) for days in range(7) if (today + timedelta(days=days)).weekday() >= 5][: 7 - today.weekday()]
    ahead = {"today": 0, "tomorrow": 1, "overmorrow": 2}.get(when)
    if ahead is None:
        ahead = (WEEKDAYS.index(when) - today.weekday()) % 7
    return [today + timedelta(days=ahead)]


def _name(when: str, today: date) -> str:
    return "today" if when in WEEKDAYS and WEEKDAYS.index(when) == today.weekday() else when
