"""Which voice a request gets."""

import difflib
from collections.abc import Sequence
from typing import Any

from ..shared.engines import Model
from ..shared.errors import InvalidRequestError, UnknownNameError, UnsupportedLanguageError
from ..shared.protocol import printable

_LISTED = 8  # alternatives an error names; a hundred would help nobody


def choose_voice(models: Sequence[Model], asked: Any) -> tuple[Model, str | None]:
    """The voice and its speaker for the `voice` of a request; nothing asked gives the first voice.

    Raises: InvalidRequestError, UnknownNameError, UnsupportedLanguageError.
    """
    if asked is None:
        asked = {}
    if not isinstance(asked, dict):
        raise InvalidRequestError("'voice' must be an object")
    name, language = _text(asked, "name"), _text(asked, "language")
    if name:
        model = _by_name(models, name)
    elif language:
        model = _by_language(models, language)
    else:
        model = models[0]
    return model, _speaker(model, asked.get("speaker"))


def spoken_language(model: Model, asked: Any, house: str) -> str:
    """The language a text is in (BCP 47): the one asked for, else the house's, if the voice speaks it; else the voice's first."""
    wanted = asked.get("language") if isinstance(asked, dict) else None
    for language in (wanted, house):
        if isinstance(language, str) and language:
            same = [tag for tag in model.languages if _folded(tag) == _folded(language)]
            family = [tag for tag in model.languages if _folded(tag).partition("-")[0] == _folded(language).partition("-")[0]]
            if family:
                return (same if same and "-" in same[0] else family)[0]  # a plain `en` leaves the region to the voice
    return model.languages[0]


def _text(asked: dict, key: str) -> str:
    value = asked.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"'voice.{key}' must be text")
    return value or ""


def _by_name(models: Sequence[Model], name: str) -> Model:
    known = {_folded(model.name): model for model in models}
    if model := known.get(_folded(name)):
        return model
    close = difflib.get_close_matches(_folded(name), known, n=_LISTED, cutoff=0.4)
    named = [known[key].name for key in close] or [model.name for model in models[:_LISTED]]
    raise UnknownNameError(f"no voice {printable(name, 60)!r}; there are {len(models)}, for example {', '.join(named)}")


def _by_language(models: Sequence[Model], language: str) -> Model:
    wanted = _folded(language)
    while wanted:
        speaking = [model for model in models if wanted in map(_folded, model.languages)]
        if speaking:
            default = [model for model in speaking if model is models[0]]
            own = [model for model in speaking if _folded(model.languages[0]) == wanted]
            return (default + own + speaking)[0]
        wanted = wanted.rpartition("-")[0]
    base = _folded(language).partition("-")[0]
    for model in models:
        if any(_folded(tag).partition("-")[0] == base for tag in model.languages):
            return model
    tags = sorted({_folded(tag).partition("-")[0] for model in models for tag in model.languages})
    raise UnsupportedLanguageError(f"no voice speaks {printable(language, 40)!r}; there are: {', '.join(tags)}")


def _speaker(model: Model, asked: Any) -> str | None:
    """By name, or by its number from 0."""
    if asked is None or asked == "":
        return None
    if isinstance(asked, bool) or not isinstance(asked, str | int):
        raise InvalidRequestError("'voice.speaker' must be a name or a number")
    named = str(asked)
    if named in model.speakers:
        return named
    if named.isascii() and named.isdigit() and int(named[:4]) < len(model.speakers):
        return model.speakers[int(named)]
    have = f"it has {', '.join(model.speakers[:32])}" if model.speakers else "it has only one"
    raise UnknownNameError(f"voice {model.name} has no speaker {printable(named, 60)!r}; {have}")


def _folded(name: str) -> str:
    return name.strip().lower().replace("_", "-")
