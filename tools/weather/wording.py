"""The weather in spoken sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wyoming_servers.shared.tool import Phrases

from .forecast import Day, Forecast, Wind
from .spans import WEEKDAYS, Span, is_snowy, is_wet

_MPH = 0.621371
_FELT = 3.0
"""°C between the air and how it feels, from which on that is worth a sentence."""
_GUSTY_KMH = 15.0
_IMPERIAL = frozenset(
    {"US", "LR", "PR", "GU", "VI", "AS", "MP", "BS", "BZ", "KY", "PW", "FM", "MH"}
)  # CLDR: fahrenhe in unitPreferenceData
_WORDS_FOR = {
    0: "clear", 1: "mostly_clear", 2: "partly_cloudy", 3: "overcast", 45: "fog", 48: "rime_fog",
    51: "light_drizzle", 53: "drizzle", 55: "heavy_drizzle", 56: "freezing_drizzle", 57: "freezing_drizzle",
    61: "light_rain", 63: "rain", 65: "heavy_rain", 66: "freezing_rain", 67: "freezing_rain",
    71: "light_snow", 73: "snow", 75: "heavy_snow", 77: "snow_grains",
    80: "light_showers", 81: "showers", 82: "heavy_showers", 85: "snow_showers", 86: "heavy_snow_showers",
    95: "thunderstorm", 96: "thunderstorm_hail", 99: "thunderstorm_hail",
}  # fmt: skip
"""WMO 4677 as Open-Meteo gives it."""


@dataclass(frozen=True)
class Units:
    """What figures are told in."""

    fahrenheit: bool = False
    miles: bool = False

    @classmethod
    def chosen(cls, option: str, country_code: str) -> "Units":
        """option: `auto`, `metric`, `imperial` or `uk`. country_code: of the home; may be empty."""
        if option == "auto":
            option = "imperial" if country_code in _IMPERIAL else "uk" if country_code == "GB" else "metric"
        return cls(option == "imperial", option in ("imperial", "uk"))


class Wording:
    """The sentences about one place."""

    def __init__(self, phrases: Phrases, units: Units, place: str, age_s: float) -> None:
        """place: empty for home. age_s: of a forecast that could not be renewed; 0 for one that is up to date."""
        self._phrases = phrases
        self._units = units
        self._where = phrases.say("where", place=place) if place else ""
        self._ago = self._age(age_s) if age_s else ""

    def weather(self, forecast: Forecast, span: Span | None, rest: Span | None) -> str:
        """span: None for now. rest: of today, when that is to be told too."""
        if span is None:
            now = self._say(
                "was" if self._ago else "now",
                temperature=self._degrees(forecast.now.temperature),
                sky=self._sky(forecast.now.code),
                ago=self._ago,
            )
            return now if self._ago or rest is None else now + self._later(rest, forecast.now.code)
        if span.when == "weekend":
            days = [Span(WEEKDAYS[day.date.weekday()], (), (day,), span.today) for day in span.days]
            return self._as_of(" ".join(self._day(one, with_place=number == 0) for number, one in enumerate(days)))
        if span.when == "week":
            return self._as_of(self._week(span))
        return self._as_of(self._day(span))

    def temperature(self, forecast: Forecast, span: Span | None) -> str:
        """How warm it is, or gets."""
        if span is None:
            now = forecast.now
            key = "temperature_was" if self._ago else "temperature_now"
            speech = self._say(key, temperature=self._degrees(now.temperature, 1), ago=self._ago)
            if now.feels is not None and abs(now.feels - now.temperature) >= _FELT and not self._ago:
                speech += " " + self._say("feels", temperature=self._degrees(now.feels))
            return speech
        if span.when == "tonight":
            return self._as_of(self._say("temperature_night", temperature=self._degrees(span.low), day=self._day_name(span)))
        return self._as_of(self._say("temperature_day", range=self._range(span), day=self._day_name(span)))

    def rain(self, forecast: Forecast, span: Span | None, key: str) -> str:
        """key: `rain` or `umbrella`."""
        if span is None:
            wet = is_wet(forecast.now.code)
            return self._as_of(self._say(f"{key}_now_{'yes' if wet else 'no'}", sky=self._sky(forecast.now.code)))
        if span.chance is None and span.rain == "yes":
            return self._as_of(self._say(f"{key}_expected", day=self._day_name(span)))
        return self._as_of(self._say(f"{key}_{span.rain}", day=self._day_name(span), chance=self._whole(span.chance or 0)))

    def snow(self, forecast: Forecast, span: Span | None) -> str:
        """Whether it snows."""
        if span is None:
            return self._as_of(self._say("snow_now_yes" if is_snowy(forecast.now.code) else "snow_now_no"))
        return self._as_of(self._say("snow_yes" if span.snow else "snow_no", day=self._day_name(span)))

    def wind(self, wind: Wind, span: Span | None) -> str:
        """How it blows. span: None for now."""
        named = ""
        if wind.direction is not None and self._phrases.items("directions"):
            named = " " + self._phrases.item("directions", round(wind.direction / 45) % 8)
        values = {"speed": self._speed(wind.speed), "direction": named if wind.speed >= 1 else ""}
        speech = self._say("wind_day", day=self._day_name(span), **values) if span else self._say("wind_now", **values)
        if wind.gusts is not None and wind.gusts >= wind.speed + _GUSTY_KMH:
            speech += " " + self._say("gusts", speed=self._speed(wind.gusts))
        return self._as_of(speech)

    def humidity(self, percent: int, span: Span | None) -> str:
        """How damp the air is."""
        values = {"percent": self._whole(percent)}
        return self._as_of(self._say("humidity_day", day=self._day_name(span), **values) if span else self._say("humidity_now", **values))

    def sun(self, day: Day, what: str, span: Span) -> str:
        """what: `sunrise` or `sunset`."""
        time = day.sunrise if what == "sunrise" else day.sunset
        if time is None:
            return self._say("no_sun", day=self._day_name(span))
        return self._say(what, day=self._day_name(span), time=self._time(time))

    def _day(self, span: Span, with_place: bool = True) -> str:
        night = span.when == "tonight"
        return self._say(
            "night" if night else "day",
            where=self._where if with_place else "",
            day=self._day_name(span),
            temperature=self._degrees(span.low),
            range=self._range(span),
            sky=self._sky(span.code),
        )

    def _week(self, span: Span) -> str:
        speech = self._say("week", range=self._range(span))
        wet = [self._day_name(one) for day in span.days if (one := _of(day, span.today)).rain == "yes"]
        if len(wet) > len(span.days) // 2:
            return f"{speech} {self._say('week_wet')}"
        return f"{speech} " + (self._say("week_rain", days=self._phrases.join(wet)) if wet else self._say("week_dry"))

    def _later(self, rest: Span, code: int | None) -> str:
        """What else the day brings."""
        rain = "" if is_wet(code) or rest.rain == "no" or not rest.chance else "_rain"
        return " " + self._say(f"later{rain}", temperature=self._degrees(rest.high), chance=self._whole(rest.chance or 0))

    def _day_name(self, span: Span) -> str:
        if span.when in WEEKDAYS:
            return self._phrases.item("weekdays", WEEKDAYS.index(span.when))
        return self._phrases.say(f"day_{span.when}")

    def _sky(self, code: int | None) -> str:
        return self._phrases.say(_WORDS_FOR.get(-1 if code is None else code, "unknown_sky"))

    def _range(self, span: Span) -> str:
        low, high = self._scaled(span.low, 0), self._scaled(span.high, 0)
        if low == high:
            return self._degrees(span.low)
        return self._phrases.say("range", low=self._whole(low), high=self._degrees(span.high))

    def _degrees(self, celsius: float, decimals: int = 0) -> str:
        value = self._scaled(celsius, 0 if self._units.fahrenheit else decimals)
        return self._phrases.count("degrees", value, n=self._phrases.number(value, decimals, "m"))

    def _scaled(self, celsius: float, decimals: int) -> float:
        return round(celsius * 9 / 5 + 32 if self._units.fahrenheit else celsius, decimals) + 0.0  # no minus zero

    def _speed(self, kmh: float) -> str:
        value, unit = (round(kmh * _MPH), "miles") if self._units.miles else (round(kmh), "kilometres")
        return self._phrases.count(unit, value, n=self._phrases.number(value, 0, "f" if unit == "miles" else "m"))

    def _whole(self, value: float) -> str:
        return self._phrases.number(value, 0)

    def _time(self, time: datetime) -> str:
        half = self._phrases.say("morning" if time.hour < 12 else "afternoon")
        return self._phrases.say("time", hour=time.hour, hour_12=(time.hour + 11) % 12 + 1, minute=f"{time.minute:02}", half=half)

    def _age(self, age_s: float) -> str:
        say, minutes = self._phrases.say, max(1, round(age_s / 60))
        if minutes < 55:
            number = self._phrases.number(minutes, 0, say("minutes_are"))
            return say("ago_minute" if minutes == 1 else "ago_minutes", n=number)
        hours = round(minutes / 60)
        return say("ago_hour" if hours == 1 else "ago_hours", n=self._phrases.number(hours, 0, "f"))

    def _as_of(self, speech: str) -> str:
        return self._say("as_of", ago=self._ago, speech=speech) if self._ago else speech

    def _say(self, key: str, **values: str) -> str:
        speech = self._phrases.say(key, **{"where": self._where, **values})
        return speech[:1].upper() + speech[1:]


def _of(day: Day, today: object) -> Span:
    when = "today" if day.date == today else WEEKDAYS[day.date.weekday()]
    return Span(when, (), (day,), day.date)


def either(phrases: Phrases, parts: Sequence[str]) -> str:
    """`a or b`, `a, b or c`."""
    return phrases.say("or", first=", ".join(parts[:-1]), last=parts[-1])
