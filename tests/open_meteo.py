"""Open-Meteo for tests: answers in the shapes of its forecast and geocoding services, as their documentation shows them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from web_services import Asked, WebService, serving

FORECAST, SEARCH = "/v1/forecast", "/v1/search"
SATURDAY = date(2026, 11, 21)
"""The day on which the tests' clock stands, at 17:08 UTC."""
PARIS = {"name": "Paris", "latitude": 48.85341, "longitude": 2.3488, "country": "France", "country_code": "FR", "admin1": "Île-de-France"}
TOWNS: dict[str, list[dict[str, Any]]] = {
    "paris": [
        PARIS | {"population": 2138551},
        PARIS
        | {
            "country": "United States",
            "country_code": "US",
            "admin1": "Texas",
            "latitude": 33.66,
            "longitude": -95.56,
            "population": 24782,
        },
    ],
    "berlin": [
        {"name": "Berlin", "latitude": 52.52437, "longitude": 13.41053, "country": "Germany", "country_code": "DE", "admin1": "Berlin"}
        | {"population": 3426354}
    ],
    "springfield": [
        {"name": "Springfield", "latitude": latitude, "longitude": longitude, "admin1": region, "population": population}
        | {"country": "United States", "country_code": "US"}
        for latitude, longitude, region, population in (
            (39.80, -89.64, "Illinois", 114394),
            (37.21, -93.29, "Missouri", 169176),
            (42.10, -72.59, "Massachusetts", 155929),
            (39.92, -83.81, "Ohio", 58662),
        )
    ],
}


def forecast(
    *,
    temperature: float = 8.4,
    feels: float = 7.9,
    code: int | None = 3,
    hourly_code: int | None = 3,
    chance: int | None = 10,
    chances: Sequence[int | None] = (10, 80, 40, 10, 10, 70, 10, 10),
    wind: float = 12.2,
    gusts: float = 20.0,
    offset_s: int = 3600,
) -> dict[str, Any]:
    """An answer. chance: of every hour of today. chances: of each day. Today 4 to 11 °C, tomorrow 3 to 10 °C and so on."""
    days = [SATURDAY + timedelta(days=number) for number in range(8)]
    hours = [datetime.combine(days[0], datetime.min.time()) + timedelta(hours=number) for number in range(8 * 24)]
    return {
        "latitude": 48.86,
        "longitude": 2.3399997,
        "generationtime_ms": 0.21,
        "utc_offset_seconds": offset_s,
        "timezone": "Europe/Paris",
        "timezone_abbreviation": "GMT+1",
        "elevation": 43.0,
        "current_units": {"time": "iso8601", "interval": "seconds", "temperature_2m": "°C"},
        "current": {
            "time": "2026-11-21T18:00",
            "interval": 900,
            "temperature_2m": temperature,
            "apparent_temperature": feels,
            "relative_humidity_2m": 81,
            "weather_code": code,
            "wind_speed_10m": wind,
            "wind_gusts_10m": gusts,
            "wind_direction_10m": 271,
        },
        "hourly_units": {"time": "iso8601", "temperature_2m": "°C"},
        "hourly": {
            "time": [hour.isoformat(timespec="minutes") for hour in hours],
            "temperature_2m": [4.0 - hour.toordinal() + SATURDAY.toordinal() + hour.hour / 4 for hour in hours],
            "relative_humidity_2m": [70] * len(hours),
            "precipitation_probability": [chance if hour.date() == SATURDAY else chances[(hour.date() - SATURDAY).days] for hour in hours],
            "weather_code": [hourly_code if hour.date() == SATURDAY else 61 for hour in hours],
        },
        "daily_units": {"time": "iso8601"},
        "daily": {
            "time": [day.isoformat() for day in days],
            "weather_code": [3, 61, 61, 3, 3, 63, 3, 0],
            "temperature_2m_max": [11.2 - number for number in range(8)],
            "temperature_2m_min": [4.1 - number for number in range(8)],
            "precipitation_probability_max": list(chances),
            "wind_speed_10m_max": [22.3] * 8,
            "wind_gusts_10m_max": [51.8] * 8,
            "wind_direction_10m_dominant": [45] * 8,
            "sunrise": [f"{day.isoformat()}T08:{12 + number:02}" for number, day in enumerate(days)],
            "sunset": [f"{day.isoformat()}T17:0{number}" for number, day in enumerate(days)],
        },
    }


def found(asked: Asked) -> dict[str, Any]:
    """What the geocoding service answers: without `results` when there is nothing of that name."""
    towns = TOWNS.get(asked.query["name"].casefold())
    answer: dict[str, Any] = {"generationtime_ms": 0.5}
    return answer | ({"results": [{"id": number, "feature_code": "PPL", **town} for number, town in enumerate(towns)]} if towns else {})


@contextmanager
def open_meteo(**weather: Any) -> Iterator[WebService]:
    """Both services at one address."""
    with serving(WebService()) as service:
        service.reply(SEARCH, found)
        service.reply(FORECAST, forecast(**weather))
        yield service


def addresses(service: WebService) -> dict[str, Any]:
    """The weather tool's options that lead there."""
    return {"uri": service.uri + FORECAST, "geocoding_uri": service.uri + SEARCH, "timeout_s": 1.0}
