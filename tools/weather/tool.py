"""The weather tool: finds the place, fetches its forecast, answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wyoming_servers.shared.errors import HttpError, ToolError
from wyoming_servers.shared.tool import Home, Phrases, Tool, ToolContext, ToolResult, argument

from .forecast import QUERY, Forecast, Wind, read
from .places import Gazetteer, Place, choices, labels
from .spans import WHENS, Span, span
from .wording import Units, Wording, either

KEPT_S = 600.0
"""Forecasts change once an hour or more rarely."""
_LAST_RESORT_S = 86400.0
_WHATS = ("weather", "temperature", "rain", "umbrella", "snow", "wind", "humidity", "sunrise", "sunset")
_OF_THE_DAY = frozenset({"rain", "umbrella", "snow", "sunrise", "sunset"})
"""Asked without a time, these mean today and not this moment."""


class WeatherTool(Tool):
    """Weather and forecast for eight days, for home or any place by name: temperature, rain, snow, wind, humidity, sunrise and sunset.

    The figures come from Open-Meteo (open-meteo.com; no key, free for private use, data under CC BY 4.0). It is told coordinates rounded
    to a kilometre, or the name of the place; nothing else. A forecast is used for ten minutes; while the line is down, the last one of the
    same day answers and says how old it is.
    Home is `latitude` and `longitude`, or `name`, or the first of `house.places`; without any of them the tool asks which place is meant.
    """

    name = "weather"
    description = "Weather now and in the next days: temperature, rain, snow, wind, humidity, sunrise, sunset."
    needs = "the internet"
    intents = {"HassGetWeather": {}}
    deadline_s = 8.0

    @dataclass(frozen=True)
    class Args:
        """What is asked for."""

        what: str = argument("weather", "which part of the weather", choices=_WHATS)
        when: str = argument("", "which time; empty means now", choices=WHENS)
        name: str = argument("", "town or other place; empty means home")
        region: str = argument("", "state or country, when there are several places of that name")

    @dataclass(frozen=True)
    class Options:
        """How the owner wants it."""

        name: str = argument("", "the town you live in, such as Paris or `Springfield, Illinois`; empty means the first of house.places")
        latitude: float | None = argument(
            None, "degrees north of the equator; with longitude it goes before the name", minimum=-90, maximum=90
        )
        longitude: float | None = argument(None, "degrees east", minimum=-180, maximum=180)
        units: str = argument(
            "auto",
            "metric (°C, km/h), imperial (°F, mph), uk (°C, mph), or auto: as in the country of the home that is given by its name, "
            "else metric",
            choices=("auto", "metric", "imperial", "uk"),
        )
        uri: str = argument("https://api.open-meteo.com/v1/forecast", "address of the forecast service, for those who run their own")
        geocoding_uri: str = argument("https://geocoding-api.open-meteo.com/v1/search", "address of the service that finds places by name")
        timeout_s: float = argument(3.0, "seconds to wait for each answer", minimum=0.1, maximum=30)

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self._gazetteer = Gazetteer(home.http, options.geocoding_uri, options.timeout_s)

    @property
    def able(self) -> bool:
        """The forecast service may be asked."""
        return self.home.http.allows(self.options.uri)

    async def start(self) -> None:
        """Checks what cannot be checked option by option.

        Raises: ToolError.
        """
        if (self.options.latitude is None) != (self.options.longitude is None):
            raise ToolError("handle.tools.weather: latitude and longitude are needed together")

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """The answer, or a question: for which place, or for which of several.

        Raises: ToolError when the place is unknown, or nothing is known about that time.
        """
        try:
            return await self._answer(args, context)
        except HttpError as err:
            raise ToolError(context.phrases.say("offline" if err.offline else "unusable")) from err

    async def _answer(self, args: Any, context: ToolContext) -> ToolResult:
        phrases, language = context.phrases, context.language
        place: Place | None
        if args.name:
            several = choices(await self._called(args, context))
            if len(several) > 1 and not args.region:
                return _which(several, phrases)
            place = several[min(int(args.region), len(several)) - 1] if _is_number(args.region) else several[0]
        else:
            place = await self._home(language)
        if place is None:
            return ToolResult(phrases.say("for_which_place"), ask="name")
        forecast, age_s = await self._forecast(place)
        units = Units.chosen(self.options.units, await self._country(language))
        wording = Wording(phrases, units, place.name if args.name else "", age_s)
        return self._spoken(args, forecast, wording, phrases, place)

    async def _called(self, args: Any, context: ToolContext) -> list[Place]:
        """The places of the name that was said.

        Raises: ToolError when there is none; HttpError.
        """
        region = "" if _is_number(args.region) else args.region
        places = await self._gazetteer.find(args.name, region, context.language)
        if not places:
            raise ToolError(context.phrases.say("unknown_place", place=", ".join(filter(None, (args.name, region)))))
        return places

    def _spoken(self, args: Any, forecast: Forecast, wording: Wording, phrases: Phrases, place: Place) -> ToolResult:
        now = forecast.local(self.home.clock.now())
        when = args.when or ("today" if args.what in _OF_THE_DAY else "now")
        if not args.when and args.what in ("sunrise", "sunset") and _is_over(forecast, args.what, now):
            when = "tomorrow"
        if args.what in ("sunrise", "sunset") and when in ("now", "tonight", "weekend", "week"):
            when = "today"
        asked = None if when == "now" else span(forecast, when, now)
        if asked is None and when != "now":
            raise ToolError(phrases.say("no_forecast"))
        rest = span(forecast, "today", now) if not args.when and now.hour < 18 else None
        speech = _speech(args.what, forecast, asked, rest, wording)
        if speech is None:
            raise ToolError(phrases.say("no_forecast"))
        return ToolResult(speech, _data(args.what, when, place, forecast, asked))

    @property
    def _home_name(self) -> str:
        return self.options.name or next(iter(self.home.house.places), "")

    async def _home(self, language: str) -> Place | None:
        """Where the house is; None when nobody has said."""
        if self.options.latitude is not None:
            return Place("", self.options.latitude, self.options.longitude)
        if not self._home_name:
            return None
        places = await self._gazetteer.find(self._home_name, "", language)
        return places[0] if places else None

    async def _country(self, language: str) -> str:
        """The code of the home's country; empty when it does not matter or is not known."""
        if self.options.units != "auto" or self.options.latitude is not None:
            return ""
        try:
            home = await self._home(language)
        except HttpError:
            return ""
        return home.country_code if home else ""

    async def _forecast(self, place: Place) -> tuple[Forecast, float]:
        """A forecast, and its age when it could not be renewed."""
        fetched = await self.home.http.get(
            self.options.uri,
            why=f"the weather in {place.name}" if place.name else "the weather at home",
            params={"latitude": f"{place.latitude:.2f}", "longitude": f"{place.longitude:.2f}", **QUERY},
            timeout_s=self.options.timeout_s,
            keep_s=KEPT_S,
            stale_s=_LAST_RESORT_S,
            check=read,
        )
        return read(fetched), fetched.age_s if fetched.age_s >= KEPT_S else 0.0


def _speech(what: str, forecast: Forecast, asked: Span | None, rest: Span | None, wording: Wording) -> str | None:
    """None when the service has said nothing about that."""
    if what in ("rain", "umbrella"):
        return wording.rain(forecast, asked, what)
    if what == "snow":
        return wording.snow(forecast, asked)
    if what == "temperature":
        return wording.temperature(forecast, asked)
    if what == "wind":
        wind = _strongest(asked, forecast) if asked else forecast.wind
        return wording.wind(wind, asked) if wind else None
    if what == "humidity":
        percent = asked.humidity if asked else forecast.now.humidity
        return None if percent is None else wording.humidity(round(percent), asked)
    if what in ("sunrise", "sunset"):
        return wording.sun(asked.days[0], what, asked) if asked and asked.days else None
    return wording.weather(forecast, asked, rest)


def _strongest(asked: Span, forecast: Forecast) -> Wind | None:
    today = forecast.day(asked.today)
    days = asked.days or ((today,) if today else ())
    return max((day.wind for day in days if day.wind), key=lambda wind: wind.speed, default=None)


def _is_number(region: str) -> bool:
    """Which of several, and not a name."""
    return region.isdecimal() and int(region) > 0


def _is_over(forecast: Forecast, what: str, now: datetime) -> bool:
    day = forecast.day(now.date())
    time = (day.sunrise if what == "sunrise" else day.sunset) if day else None
    return time is not None and time + timedelta(minutes=1) < now


def _which(places: list[Place], phrases: Phrases) -> ToolResult:
    names = labels(places)
    return ToolResult(phrases.say("which", place=places[0].name, places=either(phrases, names)), {"places": names}, ask="region")


def _data(what: str, when: str, place: Place, forecast: Forecast, asked: Span | None) -> dict[str, Any]:
    data: dict[str, Any] = {"what": what, "when": when, "latitude": place.latitude, "longitude": place.longitude, "place": place.name}
    if asked is None:
        return data | {"temperature_c": forecast.now.temperature, "weather_code": forecast.now.code}
    return data | {"low_c": asked.low, "high_c": asked.high, "weather_code": asked.code, "chance": asked.chance}
