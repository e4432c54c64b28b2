"""Where a place of some name is: Open-Meteo's geocoding, from GeoNames. https://open-meteo.com/en/docs/geocoding-api"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import HttpError
from wyoming_servers.shared.tool import Fetched, Http

_MOST_FOUND = 20
_MOST_WORDS_OF_A_REGION = 3
_CLOSE_CALL = 0.5
"""A place with at least this part of the inhabitants of the largest of its name may be the one that is meant."""
_SAME_PLACE_KM = 50.0
_KEPT_S = 30 * 86400.0  # towns do not move
_LAST_RESORT_S = 365 * 86400.0
_SHORT = {"usa": "us", "america": "us", "amerika": "us", "uk": "gb", "great britain": "gb", "uae": "ae"}
"""Countries by names that GeoNames does not give them."""


@dataclass(frozen=True)
class Place:
    """Somewhere on earth."""

    name: str
    """In the language it was asked for in; empty for the home whose coordinates alone are known."""
    latitude: float
    longitude: float
    country: str = ""
    country_code: str = ""
    """ISO 3166, two letters."""
    region: str = ""
    """State, province or the like."""
    population: int = 0

    def lies_in(self, region: str) -> bool:
        """Whether a region or country of this name is around it; words may stand before the name, as in `in Texas`."""
        wanted = _plain(region)
        own = [_plain(text) for text in (self.region, self.country, self.country_code) if text]
        short = next((code for name, code in _SHORT.items() if wanted == name or wanted.endswith(f" {name}")), None)
        return short == _plain(self.country_code) or any(wanted == text or wanted.endswith(f" {text}") for text in own)

    def km_to(self, other: "Place") -> float:
        """Distance, as the crow flies."""
        phi, psi = math.radians(self.latitude), math.radians(other.latitude)
        across = math.radians(self.longitude - other.longitude)
        half = math.sin((phi - psi) / 2) ** 2 + math.cos(phi) * math.cos(psi) * math.sin(across / 2) ** 2
        return 12742.0 * math.asin(math.sqrt(min(1.0, half)))


class Gazetteer:
    """Finds places by name."""

    def __init__(self, http: Http, uri: str, timeout_s: float) -> None:
        self._http = http
        self._uri = uri
        self._timeout_s = timeout_s

    async def find(self, name: str, region: str, language: str) -> list[Place]:
        """The places of a name that may be meant, the largest first; empty when there is none. A region may also stand in the name.

        Raises: HttpError.
        """
        name, _, behind = (part.strip() for part in name.partition(","))
        region = region or behind
        found = await self._named(name, language)
        if region:
            return _likely(name, [place for place in found if place.lies_in(region)])
        if found:
            return _likely(name, found)
        words = name.split()
        for count in range(1, min(_MOST_WORDS_OF_A_REGION, len(words) - 1) + 1):
            town, region = " ".join(words[:-count]), " ".join(words[-count:])
            if inside := [place for place in await self._named(town, language) if place.lies_in(region)]:
                return _likely(town, inside)
        return []

    async def _named(self, name: str, language: str) -> list[Place]:
        params = {"name": name, "count": str(_MOST_FOUND), "language": language, "format": "json"}
        fetched = await self._http.get(
            self._uri,
            why=f"where {name} is",
            params=params,
            timeout_s=self._timeout_s,
            keep_s=_KEPT_S,
            stale_s=_LAST_RESORT_S,
            check=_read,
        )
        return _read(fetched)


def choices(places: Sequence[Place]) -> list[Place]:
    """Those among which only the one who asks can choose; one where the largest is far larger than the others."""
    first = places[0]
    rivals = [place for place in places[1:] if place.population >= _CLOSE_CALL * first.population > 0]
    kept = [first]
    for place in rivals:
        if all(place.km_to(other) > _SAME_PLACE_KM for other in kept) and len(kept) < 3:
            kept.append(place)
    return kept if len(set(labels(kept))) == len(kept) else kept[:1]


def labels(places: Sequence[Place]) -> list[str]:
    """What tells places of one name apart: the country, or within one country the region."""
    if len({place.country_code for place in places}) == len(places):
        return [place.country for place in places]
    return [place.region for place in places]


def _likely(name: str, places: Sequence[Place]) -> list[Place]:
    """Those that are really called so, the largest first; else what the service takes for the best."""
    wanted = _plain(name)
    called = [place for place in places if _plain(place.name) == wanted or _plain(place.name).startswith(f"{wanted} ")]
    return sorted(called, key=lambda place: -place.population) or list(places[:1])


def _read(fetched: Fetched) -> list[Place]:
    content = fetched.json()
    try:
        if "generationtime_ms" not in content and "results" not in content:
            raise ValueError("no results")
        return [_place(row) for row in content.get("results") or ()]
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise HttpError("the search for places did not answer with places") from err


def _place(row: dict[str, Any]) -> Place:
    return Place(
        name=str(row["name"]),
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        country=str(row.get("country") or ""),
        country_code=str(row.get("country_code") or ""),
        region=str(row.get("admin1") or ""),
        population=int(row.get("population") or 0),
    )


def _plain(text: str) -> str:
    """For comparing: without accents, capitals and signs."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("-", " ").replace("(", "").replace(")", ""))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())
