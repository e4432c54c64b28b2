"""Commands that Home Assistant carries out itself: it asks, it has the devices, and no connection to it is set up here."""

from functools import lru_cache
from typing import Any

import home_assistant_intents

from ..shared.templates import known_language
from ..shared.tool import Tool
from .matcher import Match

HOME = "home"
"""The tool that controls devices where there is a connection, and its sentences."""
_PLACES = frozenset({"name", "area", "floor"})
_IN_A_ROOM = frozenset({"HassTurnOn", "HassTurnOff", "HassLightSet", "HassFanSetSpeed", "HassSetPosition"})
"""Without a room Home Assistant takes these for the whole house."""
_UNKNOWN = "unknown"
"""Our slot for a name that is not known here; it may well be known there."""


def is_theirs(match: Match, tool: Tool | None) -> bool:
    """Whether an intent is one of Home Assistant's that nobody here can carry out."""
    return match.intent.startswith("Hass") and (tool is None or not tool.able)


def lacks_room(match: Match) -> bool:
    """Whether it would be done in the whole house although only a room was meant."""
    if match.intent not in _IN_A_ROOM or match.slots.keys() & {*_PLACES, _UNKNOWN}:
        return False
    return not match.response.endswith("_all")


def their_slots(match: Match) -> dict[str, Any]:
    """The slots by the names Home Assistant has for them."""
    return {"name" if key == _UNKNOWN else key: value for key, value in match.slots.items()}


def their_answer(language: str, match: Match) -> str:
    """What Home Assistant is to say, in its template language; it fills in what came of it. Blocking when a language is new."""
    answers = _answers(known_language(language)).get(match.intent, {})
    return str(answers.get(match.response) or answers.get("default") or "").strip()


@lru_cache(maxsize=8)
def _answers(code: str) -> dict[str, dict[str, str]]:
    found = home_assistant_intents.get_intents(code) if code else None
    return found["responses"]["intents"] if found else {}
