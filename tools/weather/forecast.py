"""What Open-Meteo's forecast says, as this tool needs it. https://open-meteo.com/en/docs"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from wyoming_servers.shared.errors import HttpError
from wyoming_servers.shared.tool import Fetched

DAYS = 8
"""Today, and the same weekday again."""
QUERY = {
    "current": "temperature_2m,apparent_temperature,relative_humidity_2m,weather_code,wind_speed_10m,wind_gusts_10m,wind_direction_10m",
    "hourly": "temperature_2m,relative_humidity_2m,precipitation_probability,weather_code",
    "daily": "weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max,"
    "wind_speed_10m_max,wind_gusts_10m_max,wind_direction_10m_dominant,sunrise,sunset",
    "timezone": "auto",
    "forecast_days": str(DAYS),
}
"""One question for everything, so that the next one about the same place is answered from what is kept. Units are °C and km/h."""


@dataclass(frozen=True)
class Moment:
    """An hour, or the present one."""

    at: datetime
    """There, without a time zone."""
    temperature: float
    """°C"""
    humidity: float | None
    """%"""
    code: int | None
    """WMO code 4677, as Open-Meteo has it."""
    chance: float | None = None
    """Of rain or snow, %; None for the present and where no model tells."""
    feels: float | None = None
    """°C"""


@dataclass(frozen=True)
class Wind:
    """How it blows."""

    speed: float
    """km/h"""
    gusts: float | None
    """km/h"""
    direction: float | None
    """Where it comes from, degrees from north."""


@dataclass(frozen=True)
class Day:
    """A whole day."""

    date: date
    code: int | None
    """The worst of the day."""
    low: float
    """°C"""
    high: float
    """°C"""
    chance: float | None
    """Of rain or snow, %"""
    wind: Wind | None
    sunrise: datetime | None
    """None where the sun does not rise."""
    sunset: datetime | None


@dataclass(frozen=True)
class Forecast:
    """All that was told about one place."""

    offset: timedelta
    """Of the clocks there from UTC."""
    now: Moment
    wind: Wind | None
    hours: tuple[Moment, ...]
    days: tuple[Day, ...]

    def local(self, now: float) -> datetime:
        """The time there, without a time zone. now: seconds since 1970 UTC."""
        return (datetime.fromtimestamp(now, UTC) + self.offset).replace(tzinfo=None)

    def day(self, wanted: date) -> Day | None:
        """A day; None when nothing is known about it."""
        return next((day for day in self.days if day.date == wanted), None)

    def between(self, begin: datetime, end: datetime) -> list[Moment]:
        """The hours of a time, the one that has begun included."""
        return [hour for hour in self.hours if begin - timedelta(hours=1) < hour.at < end]


def read(fetched: Fetched) -> Forecast:
    """A forecast.

    Raises: HttpError when it is none.
    """
    content = fetched.json()
    try:
        current = content["current"]
        return Forecast(
            timedelta(seconds=int(content["utc_offset_seconds"])),
            _moment(current),
            _wind(current, "wind_speed_10m", "wind_gusts_10m", "wind_direction_10m"),
            tuple(_moment(row) for row in _rows(content["hourly"]) if row["temperature_2m"] is not None),
            tuple(_day(row) for row in _rows(content["daily"]) if None not in (row["temperature_2m_min"], row["temperature_2m_max"])),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as err:
        raise HttpError("the weather service did not answer with a forecast") from err


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Open-Meteo sends a list for each quantity."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _moment(row: Mapping[str, Any]) -> Moment:
    return Moment(
        at=datetime.fromisoformat(row["time"]),
        temperature=float(row["temperature_2m"]),
        humidity=_number(row.get("relative_humidity_2m")),
        code=_code(row.get("weather_code")),
        chance=_number(row.get("precipitation_probability")),
        feels=_number(row.get("apparent_temperature")),
    )


def _day(row: Mapping[str, Any]) -> Day:
    day = date.fromisoformat(row["time"])
    return Day(
        date=day,
        code=_code(row.get("weather_code")),
        low=float(row["temperature_2m_min"]),
        high=float(row["temperature_2m_max"]),
        chance=_number(row.get("precipitation_probability_max")),
        wind=_wind(row, "wind_speed_10m_max", "wind_gusts_10m_max", "wind_direction_10m_dominant"),
        sunrise=_time_on(day, row.get("sunrise")),
        sunset=_time_on(day, row.get("sunset")),
    )


def _wind(row: Mapping[str, Any], speed: str, gusts: str, direction: str) -> Wind | None:
    value = _number(row.get(speed))
    return None if value is None else Wind(value, _number(row.get(gusts)), _number(row.get(direction)))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _code(value: Any) -> int | None:
    return None if value is None else int(value)


def _time_on(day: date, value: Any) -> datetime | None:
    """Where the sun does not rise or set on a day, another day's time stands there."""
    time = datetime.fromisoformat(value) if value else None
    return time if time and time.date() == day else None
