"""Spoken sentences by language: the `responses` of `intents/<language>/*.yaml`, and Home Assistant's apology for every other language."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import home_assistant_intents
import yaml

from ..shared.errors import SettingsError
from ..shared.number_words import language_words
from ..shared.tool import Phrases

COMMON = "common"
"""The section every tool may fall back on."""
_ONE_IS_ALSO_ZERO = frozenset({"fr"})  # CLDR plural rules of the languages there are sentences for; elsewhere only 1 is `one`
_FAMILY = re.compile(r"[a-z]{2,3}")


def family(language: str) -> str:
    """`en` of `en`, `en_US` and `EN-us`."""
    return language.replace("_", "-").split("-")[0].lower()


def read_responses(language: str, folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """The sections of one language, later folders over earlier ones. Blocking.

    Raises: SettingsError that names the file.
    """
    sections: dict[str, dict[str, Any]] = {}
    for path in (path for folder in folders for path in sorted((folder / language).glob("*.yaml"))):
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as err:
            raise SettingsError(f"{path}: not YAML: {' '.join(str(err).split())}") from err
        responses = content.get("responses", {}) if isinstance(content, dict) else {}
        for name, section in responses.items():
            if not isinstance(section, dict):
                raise SettingsError(f"{path}: responses.{name} must hold `key: sentence` lines")
            sections.setdefault(name, {}).update(section)
    return sections


@lru_cache(maxsize=64)
def apology(language: str) -> str:
    """ "I didn't understand" in any of Home Assistant's languages; empty for one that it does not have. Blocking."""
    if not _FAMILY.fullmatch(family(language)):
        return ""  # it becomes a file name below
    found = home_assistant_intents.get_intents(family(language))
    return str(found["responses"]["errors"]["no_intent"]) if found else ""


class SectionPhrases(Phrases):
    """One section's sentences, with the common ones behind them."""

    def __init__(self, language: str, sections: Mapping[str, Mapping[str, Any]], section: str) -> None:
        self.language = language
        self._sentences = {**sections.get(COMMON, {}), **sections.get(section, {})}

    def say(self, key: str, **values: Any) -> str:
        """The sentence, its names filled in."""
        return str(self._sentences[key]).format(**values)

    def count(self, key: str, number: int) -> str:
        """A number with its noun."""
        one = number == 1 or (number == 0 and self.language in _ONE_IS_ALSO_ZERO)
        return str(self._sentences[key]["one" if one else "other"]).format(n=number)

    def number(self, value: float, decimals: int = 1) -> str:
        """A number in words; in digits in a language without number words."""
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        words = language_words(self.language)
        return words.number("0" if text == "-0" else text) if words else text

    def items(self, key: str) -> list[str]:
        """A list of words; empty when there is none."""
        return [str(item) for item in self._sentences.get(key, ())]

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
