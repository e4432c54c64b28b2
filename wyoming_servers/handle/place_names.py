"""What places of the user's language are called in English: models write Germany for Deutschland."""

import functools
import re

from ..shared import paths
from .phrases import read_responses

_ENGLISH = "en"


def english_names(text: str, language: str) -> set[str]:
    """English names of the places that a text names in another language. Places of one time zone are not told apart: München brings
    Munich, Cologne and Germany. Blocking the first time."""
    if language == _ENGLISH:
        return set()
    return {name for named, names in _translations(language) if named.search(text) for name in names}


@functools.cache
def _translations(language: str) -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    """Per time zone: the names that only this language has, and those that only English has."""
    here, there = _by_zone(language), _by_zone(_ENGLISH)
    found = []
    for zone, names in here.items():
        only_here, only_there = names - there.get(zone, frozenset()), there.get(zone, frozenset()) - names
        if only_here and only_there:
            pattern = "|".join(map(re.escape, sorted(only_here)))
            found.append((re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), only_there))
    return tuple(found)


def _by_zone(language: str) -> dict[str, frozenset[str]]:
    """The clock's places: `Europe/Berlin = Berlin, Deutschland, München`."""
    places = read_responses(language, [paths.content("intents")]).get("clock", {}).get("places") or ()
    lines = [str(line).partition("=") for line in places]
    return {zone.strip(): frozenset(name.strip() for name in names.split(",")) for zone, _, names in lines}
