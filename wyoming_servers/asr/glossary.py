"""The names of this house and of one request as a prompt, for recognisers that take a text to lean on."""

from collections.abc import Iterator

from ..shared.house import House
from .engine import AsrRequest


def glossary(house: House, request: AsrRequest, most_chars: int) -> str:
    """`Kitchen, Desk lamp, Oslo.`: the request's names first, then the house's, then the request's terms, as many as fit.

    Empty when `most_chars` is too few for any.
    """
    listed: list[str] = []
    seen: set[str] = set()
    room = most_chars
    for name in _names(house, request):
        clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())
        if not clean or clean.casefold() in seen:
            continue
        seen.add(clean.casefold())
        if len(clean) + 2 <= room:
            listed.append(clean)
            room -= len(clean) + 2
    return f"{', '.join(listed)}." if listed else ""


def house_names(house: House) -> Iterator[str]:
    """Every name of the house, those most often said first."""
    for named in (*house.devices, *house.areas):
        yield named.name
        yield from named.aliases
    yield from house.places
    yield from house.lists
    yield from house.timers


def _names(house: House, request: AsrRequest) -> Iterator[str]:
    yield from request.names
    yield from house_names(house)
    yield from request.terms
