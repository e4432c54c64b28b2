"""Spoken sentences by language: the `responses` of `intents/<language>/*.yaml`, and Home Assistant's apology for every other language."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import home_assistant_intents

from ..shared.errors import MissingSentenceError, SettingsError
from ..shared.number_words import language_words, plural_form, spellings
from ..shared.sentences import split
from ..shared.templates import family, known_language, read_yaml, sentence_files
from ..shared.tool import Phrases

__all__ = ["COMMON", "SectionPhrases", "apology", "family", "languages_of", "read_responses"]

COMMON = "common"
"""The section every tool may fall back on."""
_ENDS = (".", "!", "?", "…")
_CLOSERS = "\"'’”»)"


def read_responses(
    language: str, folders: Sequence[Path], broken: Callable[[SettingsError], None] | None = None
) -> dict[str, dict[str, Any]]:
    """The sections of one language, later folders over earlier ones. Blocking.

    broken: told of a file that is left out because something in it is wrong; without it such a file is an error.
    Raises: SettingsError that names the file.
    """
    sections: dict[str, dict[str, Any]] = {}
    for path, _ in sentence_files(folders, language):
        try:
            read = _responses(path, *_version(path))
        except SettingsError as err:
            if broken is None:
                raise
            broken(err)
            continue
        for name, section in read.items():
            sections.setdefault(name, {}).update(section)
    return sections


def languages_of(folders: Sequence[Path]) -> list[str]:
    """Languages that have files of sentences. Blocking."""
    return sorted({path.parent.name for folder in folders for path in folder.glob("*/*.yaml")})


def _version(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as err:
        raise SettingsError(f"{path}: cannot be read: {err.strerror}") from err
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=512)  # one changed file is no reason to read all of them again
def _responses(path: Path, _mtime_ns: int, _size: int) -> dict[str, dict[str, Any]]:
    content = read_yaml(path)
    responses = content.get("responses") or {} if isinstance(content, dict) else {}
    if not isinstance(responses, dict):
        raise SettingsError(f"{path}: responses must hold sections")
    for name, section in responses.items():
        if not isinstance(section, dict):
            raise SettingsError(f"{path}: responses.{name} must hold `key: sentence` lines")
    return responses


@lru_cache(maxsize=64)
def apology(language: str) -> str:
    """ "I didn't understand" in any of Home Assistant's languages; empty for one that it does not have. Blocking."""
    known = known_language(language)  # never a name of the client's: it becomes a file name below
    found = home_assistant_intents.get_intents(known) if known else None
    return str(found["responses"]["errors"]["no_intent"]) if found else ""


class SectionPhrases(Phrases):
    """One section's sentences, with the common ones behind them."""

    def __init__(self, language: str, sections: Mapping[str, Mapping[str, Any]], section: str) -> None:
        self.language = language
        self._section = section
        self._sentences = {**sections.get(COMMON, {}), **sections.get(section, {})}

    def say(self, key: str, **values: Any) -> str:
        """The sentence, its names filled in.

        Raises: MissingSentenceError, a KeyError.
        """
        return str(self._wanted(key)).format(**values)

    def count(self, key: str, number: float | Decimal, **values: Any) -> str:
        """A sentence with a number in it.

        Raises: MissingSentenceError, a KeyError.
        """
        forms = self._wanted(key)
        if not isinstance(forms, Mapping):
            forms = {"other": forms}
        form = number if number in forms else plural_form(self.language, number)
        found = forms.get(form, forms.get("other"))
        if found is None:
            raise self._missing(f"{key}: {form}")
        return str(found).format(**{"n": number, **values})

    def _wanted(self, key: str) -> Any:
        try:
            return self._sentences[key]
        except KeyError:
            raise self._missing(key) from None

    def _missing(self, what: str) -> MissingSentenceError:
        return MissingSentenceError(
            f"no sentence {self._section}.{what} in language {self.language!r}: add it under `responses`; "
            f"`earshot languages {self.language}` lists what is missing"
        )

    def number(self, value: float, decimals: int = 1, gender: str = "") -> str:
        """A number in words; in digits in a language without number words."""
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        words = language_words(self.language)
        kind = gender if gender and "." not in text else "cardinal"
        return words.number("0" if text == "-0" else text, kind) if words else text

    def spellings(self, number: int) -> set[str]:
        """All that a whole number is called."""
        return spellings(self.language, number)

    def items(self, key: str) -> list[str]:
        """A list of words, or the forms of a sentence; empty when there is none."""
        found = self._sentences.get(key, ())
        return [str(item) for item in (found.values() if isinstance(found, Mapping) else found)]

    def item(self, key: str, place: int) -> str:
        """One of a list of words.

        Raises: MissingSentenceError, a KeyError.
        """
        words = self.items(key)
        if place >= len(words):
            raise self._missing(f"{key} (a list of {place + 1} words at least, there are {len(words)})")
        return words[place]

    def sentences(self, text: str) -> list[str]:
        """The sentences of a text."""
        whole: list[str] = []
        for piece in split(text, self.language):
            if whole and not whole[-1].rstrip(_CLOSERS).endswith(_ENDS):
                whole[-1] += f" {piece}"  # a very long sentence comes in pieces
            else:
                whole.append(piece)
        return whole

    def join(self, parts: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""
        if len(parts) < 2:
            return "".join(parts)
        return self.say("and", first=", ".join(parts[:-1]), last=parts[-1])

    def cannot(self, intent: str) -> str:
        """Why nothing here can do what was understood: the sentence of the longest key of `cannot` that the intent's name begins with."""
        sentences = self._sentences["cannot"]
        fitting = [key for key in sentences if intent.startswith(key)]
        return str(sentences[max(fitting, key=len)] if fitting else sentences["default"])
