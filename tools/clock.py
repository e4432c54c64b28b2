"""The time and the date, here and anywhere; which weekday a date is, and how many days until then."""

import asyncio
import re
import unicodedata
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Phrases, Tool, ToolContext, ToolResult, argument

_AREAS = frozenset({"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})
_NO_LETTER = re.compile(r"[\W_]+")


class ClockTool(Tool):
    """Says what time, which day, month or year it is, also in other cities and countries; the weekday of a date; the days until one.

    The clock is the machine's. Places are the cities of the time zone database and those listed in `intents/<language>/clock.yaml`.
    """

    name = "clock"
    description = "Current time or date, here or in a city or country; weekday of a date; days until a date."
    intents = {
        "HassGetCurrentTime": {"what": "time"},
        "HassGetCurrentDate": {"what": "date"},
        "EarshotWeekday": {"what": "weekday"},
        "EarshotMonth": {"what": "month"},
        "EarshotYear": {"what": "year"},
        "EarshotDaysUntil": {"what": "until"},
    }

    @dataclass(frozen=True)
    class Args:
        """What is asked for."""

        what: str = argument("time", "which part", choices=("time", "date", "weekday", "month", "year", "until"))
        place: str = argument("", "city or country; empty is here")
        days_from_now: int = argument(0, "-1 yesterday, 0 today, 1 tomorrow", minimum=-2, maximum=2)
        day: int = argument(0, "day of the month of a date; 0 for today", minimum=0, maximum=31)
        month: int = argument(0, "month of a date; 0 is the next with that day", minimum=0, maximum=12)
        year: int = argument(0, "year of a date; 0 is the next such date", minimum=0, maximum=9999)

    @dataclass(frozen=True)
    class Options:
        """How the owner wants it told."""

        hours: str = argument("auto", "12 or 24 hour clock; auto as is usual in the language", choices=("auto", "12", "24"))

    async def start(self) -> None:
        """Finds the time zones of this machine."""
        self._zones = await asyncio.to_thread(lambda: sorted(zoneinfo.available_timezones()))
        self._places: dict[str, dict[str, tuple[str, str]]] = {}

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """The answer, from the house's wall clock."""
        here = self.home.clock.local()
        now, place = here, ""
        if args.place:
            place, zone = await asyncio.to_thread(self._find, args.place, context.phrases)
            now = here.astimezone(zone)
        if args.day or args.month:
            return self._of_date(args, now.date(), context.phrases)
        if args.what == "until":
            raise ToolError(context.phrases.say("no_such_date"))
        if args.what == "time":
            return ToolResult(self._time(now, (now.date() - here.date()).days, place, context.phrases), {"time": now.strftime("%H:%M")})
        day = (now + timedelta(days=args.days_from_now)).date()
        key = args.what
        if args.what in ("date", "weekday"):
            key = f"{args.what}_{args.days_from_now}" if not place or args.days_from_now else f"{args.what}_in"
        return ToolResult(_first_upper(context.phrases.say(key, place=place, **_named(day, context.phrases))), {"date": day.isoformat()})

    def _time(self, now: datetime, days_off: int, place: str, phrases: Phrases) -> str:
        time = self._of_day(now, phrases)
        return _first_upper(phrases.say(f"now_in_{days_off}" if place else "now", time=time, place=place))

    def _of_day(self, now: datetime, phrases: Phrases) -> str:
        hours = phrases.say("hours") if self.options.hours == "auto" else self.options.hours
        named = phrases.say("noon" if now.hour else "midnight") if now.minute == 0 and now.hour in (0, 12) else ""
        if named:
            return named
        hour, key = (now.hour, "time_24") if hours == "24" else ((now.hour + 11) % 12 + 1, "time_12")
        form = f"{key}{'_one' if hour == 1 else ''}{'' if now.minute else '_full'}"
        half = "" if hours == "24" else phrases.item("halves", now.hour)
        return phrases.say(form, hour=hour, minute=now.minute, half=half)

    def _of_date(self, args: Any, today: date, phrases: Phrases) -> ToolResult:
        wanted = _next_such(today, args.day, args.month, args.year)
        if wanted is None:
            raise ToolError(phrases.say("no_such_date"))
        days = (wanted - today).days
        said = phrases.say("a_date", **_named(wanted, phrases))
        if args.what != "until":
            key = "weekday_of" if days >= 0 else "weekday_was"
            return ToolResult(_first_upper(phrases.say(key, date=said, **_named(wanted, phrases))), {"date": wanted.isoformat()})
        key = {0: "until_0", 1: "until_1"}.get(days, "until" if days > 0 else "since")
        speech = phrases.say(key, date=said, days=phrases.count("days", abs(days)))
        return ToolResult(_first_upper(speech), {"date": wanted.isoformat(), "days": days})

    def _find(self, place: str, phrases: Phrases) -> tuple[str, zoneinfo.ZoneInfo]:
        """A place by the name it has in this language, in English, or in the time zone database, spelt as it should be."""
        if phrases.language not in self._places:
            self._places[phrases.language] = self._index(phrases)
        known, wanted = self._places[phrases.language], _plain(place)
        for article in ("", *phrases.items("articles")):
            found = known.get(wanted.removeprefix(_plain(article))) if wanted.startswith(_plain(article)) else None
            if found:
                return article + found[0], zoneinfo.ZoneInfo(found[1])
        raise ToolError(phrases.say("unknown_place", place=place))

    def _index(self, phrases: Phrases) -> dict[str, tuple[str, str]]:
        known: dict[str, tuple[str, str]] = {}
        for zone in self._zones:
            area, _, city = zone.rpartition("/")
            if area.split("/")[0] in _AREAS:
                known[_plain(city)] = (city.replace("_", " "), zone)
        for source in (self.home.phrases("en"), phrases):
            for zone, names in _listed(source):
                if zone in self._zones:
                    known |= {_plain(name): (name, zone) for name in names}
        return known


def _listed(phrases: Phrases) -> Iterator[tuple[str, list[str]]]:
    """`Asia/Tokyo = Tokyo, Japan` → the zone and its names."""
    for line in phrases.items("places"):
        zone, _, names = line.partition("=")
        yield zone.strip(), [name.strip() for name in names.split(",")]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return _NO_LETTER.sub("", "".join(letter for letter in letters if not unicodedata.combining(letter)))


def _named(day: date, phrases: Phrases) -> Mapping[str, Any]:
    """The parts of a date as they are said."""
    first = phrases.items("first_day")
    said = first[0] if day.day == 1 and first else str(day.day)
    names = {"weekday": phrases.item("weekdays", day.weekday()), "month": phrases.item("months", day.month - 1)}
    return {**names, "day": said, "year": day.year}


def _next_such(today: date, day: int, month: int, year: int) -> date | None:
    """The date meant; without a year the next, without a day the first of the month. None when there is none such."""
    if year:
        return _date(year, month or today.month, day or 1)
    first = today.replace(day=1)
    for months in range(12 * 8 + 1):  # 29 February comes after eight years at the latest
        ahead = first.month - 1 + months
        found = _date(first.year + ahead // 12, ahead % 12 + 1, day or 1)
        if found and found >= today and found.month == (month or found.month):
            return found
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _first_upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
