"""Voices as servers list them: `/v1/audio/voices` in its several forms, and the languages that names of voices tell."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..shared.engines import EngineContext, Model

_MOST_VOICES = 1000
_NAME_CHARS = 120
_NAMES = ("id", "voice_id", "name", "voice")
_LANGUAGES = ("language", "languages", "lang", "locale", "language_code", "lang_code")
_KOKORO = re.compile(r"([abefhijpz])[fm]_[a-z]")
_KOKORO_LANGUAGES = {
    "a": "en-US",
    "b": "en-GB",
    "e": "es",
    "f": "fr-FR",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-BR",
    "z": "zh",
}
"""The first letter of a Kokoro voice (hexgrad/Kokoro-82M, VOICES.md)."""
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class ListedVoice:
    """One voice of a server."""

    name: str
    """What the server is asked for."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags; empty when neither the server nor the name tells."""
    model: str = ""
    """The only one of the server's models that has it; empty when any may."""


def listed_voices(listing: Any, model: str = "") -> list[ListedVoice]:
    """The voices of an answer: `{"voices": [...]}`, a list, or a mapping by name, of names or of objects. The rest is left out."""
    rows = listing.get("voices", listing.get("data", listing)) if isinstance(listing, dict) else listing
    if isinstance(rows, Mapping):
        rows = [{"id": name} | (about if isinstance(about, dict) else {}) for name, about in rows.items() if isinstance(name, str)]
    found: dict[str, ListedVoice] = {}
    for row in rows[:_MOST_VOICES] if isinstance(rows, list | tuple) else ():
        told = row if isinstance(row, dict) else {"id": row}
        name = next((told[key] for key in _NAMES if told.get(key)), None)
        if isinstance(name, str) and 0 < len(name) <= _NAME_CHARS and name.isprintable():
            told_model = told.get("model_id") or told.get("model") or model
            found.setdefault(name, ListedVoice(name, _tags(told) or _tags_of(name), told_model if isinstance(told_model, str) else model))
    return list(found.values())


def ordered(voices: Iterable[ListedVoice], default: str, fallback: tuple[str, ...], context: EngineContext) -> list[ListedVoice]:
    """Every voice with its languages, the default first: the chosen one, else one of the house's language.

    fallback: languages of voices that tell none; empty means the house's.
    """
    known = [ListedVoice(voice.name, voice.languages or fallback or (context.language,), voice.model) for voice in voices]
    if default and default not in [voice.name for voice in known]:
        known.insert(0, ListedVoice(default, _tags_of(default) or fallback or (context.language,)))
    house = _folded(context.language)

    def rank(voice: ListedVoice) -> tuple[bool, int]:
        tags = [_folded(tag) for tag in voice.languages]
        related = house.partition("-")[0] in [tag.partition("-")[0] for tag in tags]
        return voice.name != default, 0 if house in tags or (related and "-" not in house) else 1 if related else 2

    return sorted(known, key=rank)


def described(voice: ListedVoice, author: str, url: str) -> Model:
    """As `describe` shows it."""
    return Model(voice.name, voice.name, voice.languages, author, url)


def _tags(told: Mapping[str, Any]) -> tuple[str, ...]:
    value = next((told[key] for key in _LANGUAGES if told.get(key)), ())
    tags = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(_spelled(tag) for tag in tags if isinstance(tag, str) and _TAG.fullmatch(tag))


def _tags_of(name: str) -> tuple[str, ...]:
    kokoro = _KOKORO.match(name)
    return (_KOKORO_LANGUAGES[kokoro[1]],) if kokoro else ()


def _spelled(tag: str) -> str:
    language, *rest = tag.replace("_", "-").split("-")
    return "-".join([language.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])


def _folded(tag: str) -> str:
    return tag.replace("_", "-").lower()
