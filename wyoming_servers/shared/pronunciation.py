"""The owner's pronunciations: words, and how they are to be spelt so that a voice says them right."""

import logging
import re
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

import yaml

_LOGGER = logging.getLogger(__name__)
FOLDER = "pronunciations"
"""In the owner's data folder; one file per language, `en.yaml` or `en-GB.yaml`, and `all.yaml` for every language."""
_LOOK_EVERY_S = 2.0
_LONGEST_FILE_BYTES = 1024 * 1024
_MOST_WORDS = 10_000
_LONGEST_CHARS = 200
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Scripts written without blanks: every place in a text may be the end of a word."""


class Pronunciations:
    """Replaces whole words. A word in lower case is meant however it is written, one with a capital only as it stands.

    Files are read again when they have changed. Use it on one thread.
    """

    def __init__(self, words: Mapping[str, str], folder: Path | None = None) -> None:
        """words: from the settings; they go before the files' ones."""
        self._words = dict(words)
        self._folder = folder
        self._looked_at = -_LOOK_EVERY_S
        self._stamp: tuple = ()
        self._replacers: dict[str, _Replacer] = {}

    @property
    def version(self) -> str:
        """Another one when the files have changed; empty while there are none."""
        self._look_when_due()
        return f"{zlib.crc32(repr(self._stamp).encode()):08x}" if self._stamp else ""

    def respell(self, text: str, language: str) -> str:
        """The text with the words of this language (BCP 47) respelt."""
        self._look_when_due()
        if language not in self._replacers:
            self._replacers[language] = _Replacer(self._words_of(language))
        return self._replacers[language].respell(text)

    def _look_when_due(self) -> None:
        if self._folder is None or time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        stamp = _stamp(self._folder)
        if stamp != self._stamp:
            self._stamp = stamp
            self._replacers.clear()

    def _words_of(self, language: str) -> dict[str, str]:
        tag = language.lower().replace("_", "-")
        found: dict[str, str] = {}
        for name in ("all", tag.partition("-")[0], tag):
            for path, *_ in self._stamp:
                if path.stem.lower().replace("_", "-") == name:
                    found |= _read(path)
        return found | self._words


class _Replacer:
    """One dictionary as one pattern."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = dict(words)
        exact_first = sorted(filter(None, words), key=lambda word: (-len(word), word == word.lower()))
        self._pattern = re.compile("|".join(map(_whole, exact_first))) if exact_first else None

    def respell(self, text: str) -> str:
        return self._pattern.sub(self._said, text) if self._pattern else text

    def _said(self, match: re.Match[str]) -> str:
        word = match[0]
        return self._words[word] if word in self._words else self._words[word.lower()]


def _whole(word: str) -> str:
    spelt = re.escape(word)
    return _edge(word[0], "(?<!") + (f"(?i:{spelt})" if word == word.lower() else spelt) + _edge(word[-1], "(?!")


def _edge(character: str, look: str) -> str:
    """What keeps a word from being found inside of another."""
    return "" if not (character.isalnum() or character == "_") or _UNSPACED.match(character) else rf"{look}\w)"


def _stamp(folder: Path) -> tuple:
    """(path, time of change, size) of every dictionary."""
    found = []
    try:
        for path in sorted(folder.glob("*.yaml")):
            status = path.stat()
            found.append((path, status.st_mtime_ns, status.st_size))
    except OSError as err:
        _LOGGER.warning("pronunciations in %s cannot be read: %s", folder, err.strerror)
    return tuple(found)


def _read(path: Path) -> dict[str, str]:
    """`word: respelling` lines; a file that is anything else is reported and left out."""
    try:
        if path.stat().st_size > _LONGEST_FILE_BYTES:
            raise ValueError(f"larger than {_LONGEST_FILE_BYTES} bytes")
        content = yaml.safe_load(path.read_text("utf-8")) or {}
        if not isinstance(content, dict) or len(content) > _MOST_WORDS:
            raise ValueError(f"it must hold at most {_MOST_WORDS} `word: respelling` lines")
        wrong = [word for word, said in content.items() if not _is_text(word) or not _is_text(said)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} and its respelling must be text; put them into quotes")
    except (OSError, ValueError, yaml.YAMLError) as err:
        _LOGGER.warning("pronunciations in %s are not used: %s", path, " ".join(str(err).split()))
        return {}
    return content


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_CHARS
