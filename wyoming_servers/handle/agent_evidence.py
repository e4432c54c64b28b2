"""Was it said? A model's arguments are looked for in the user's words, so that a call it has made up is not carried out."""

import difflib
import functools
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ..shared import paths
from ..shared.number_words import spellings
from .phrases import COMMON, read_responses
from .place_names import english_names

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_NEAR_DAYS = 8  # "next Monday"
_LONGEST_NUMBER_WORDS = 6
_LAST_DAY = 31
_SAME = 1e-6
_SHORTEST_WORD = 3
_ALIKE = 0.6
"""Of letters that two words have in common: models write Milan for Mailand, and the singular for a plural."""


@dataclass(frozen=True)
class _Numbers:
    """The number words of a language, as the words of `_flat` text joined by blanks."""

    values: Mapping[str, float]
    articles: frozenset[str]
    """Words for one that count only before something `counted`: "an hour", not "a timer"."""
    counted: frozenset[str]


def invented(
    arguments: Mapping[str, Any], fixed: Mapping[str, Iterable[Any]], said: Iterable[str], language: str, today: date
) -> list[str]:
    """Arguments that stand nowhere in what was said.

    fixed: by argument the values that need not be said: its choices and its default. said: the utterance, the room, earlier turns.
    """
    known_of = _Said.of(list(said), language)
    found = []
    for key, value in arguments.items():
        if isinstance(value, bool) or value in fixed.get(key, ()):
            continue
        if isinstance(value, int | float):
            known = known_of.number(abs(value))
        elif isinstance(value, str):
            known = known_of.text(value, today)
        else:
            known = False
        if not known:
            found.append(key)
    return found


def numbers_in(text: str, language: str) -> set[float]:
    """All numbers in a text, in digits or in words."""
    text = _flat(text)
    found = {float(number.replace(",", ".")) for number in _NUMBER.findall(text)}
    found |= {float(part) for number in _NUMBER.findall(text) for part in re.split("[.,]", number)}
    found |= {float(number[:-2]) for number in re.findall(r"\b\d{3,4}\b", text)} | {
        float(number[-2:]) for number in re.findall(r"\b\d{3,4}\b", text)
    }
    lexicon = _numbers(language)
    tokens = _WORD.findall(text)
    position, last = 0, None
    while position < len(tokens):
        for length in range(min(_LONGEST_NUMBER_WORDS, len(tokens) - position), 0, -1):
            value = lexicon.values.get(" ".join(tokens[position : position + length]))
            is_article = length == 1 and tokens[position] in lexicon.articles
            if value is not None and not (is_article and not _counts(tokens[position + 1 : position + 2], lexicon.counted)):
                found.add(value)
                if last is not None and position - last[1] <= 1:  # "two thousand and five", "four and a half"
                    found |= {last[0] + value, last[0] * value}
                position, last = position + length, (value, position + length)
                break
        else:
            position += 1
    return found


def _counts(following: list[str], counted: Collection[str]) -> bool:
    return any(word in counted or word.rstrip("s") in counted for word in following)


def derived(numbers: set[float]) -> set[float]:
    """What a speaker may have meant by these numbers: other units of time, the afternoon, `quarter to`."""
    ways = set(numbers)
    for number in numbers:
        ways |= {number * 60, number * 3600, number / 60, number // 60, number % 60, number / 100, number * 100}
        ways |= {number + 12, number - 12, number - 1, 60 - number, 60 - number * 60, number * 24, number * 1440, number * 86400}
    return ways | {first + second for first in numbers for second in numbers if first != second}


@dataclass(frozen=True)
class _Said:
    """What is known from what was said. What cannot be looked for in it counts as said."""

    words: set[str]
    numbers: set[float]
    scripts: set[str]
    """Of the utterance: Moscow is not to be found in Москва."""
    lexicon: _Numbers

    @classmethod
    def of(cls, said: Sequence[str], language: str) -> "_Said":
        """said: the utterance first."""
        numbers: set[float] = {0.0}
        words: set[str] = set()
        for text in said:  # one by one: two numbers of different turns make no third
            numbers |= derived(numbers_in(text, language))
            words |= _words(" ".join([text, *english_names(text, language)]))
        return cls(words, numbers, _scripts(_words(said[0])) or _scripts(words), _numbers(language))

    def number(self, value: float, *others: float) -> bool:
        """others: what was not said, and may be meant all the same."""
        return not self.lexicon.values or any(abs(value - number) < _SAME for number in (*self.numbers, *others))

    def text(self, value: str, today: date) -> bool:
        """Dates, numbers, and half of the words at least."""
        value = _flat(value)
        for whole in list(_DATE.finditer(value)):
            year, month, day = (int(part) for part in whole.groups())
            if not (_is_near(year, month, day, today) or (self.number(day) and self.number(year, today.year, today.year + 1))):
                return False
            value = value.replace(whole[0], " ")
        if not all(self.number(float(number.replace(",", "."))) for number in _NUMBER.findall(value)):
            return False
        named = [word for word in _words(value) if self._counts(word)]
        known = sum(self._is_foreign(word) or any(_alike(word, heard) for heard in self.words) for word in named)
        return known * 2 >= len(named)

    def _is_foreign(self, word: str) -> bool:
        return bool(self.scripts) and not _scripts([word]) <= self.scripts

    def _counts(self, word: str) -> bool:
        return not word.isdigit() and len(word) >= _SHORTEST_WORD and word not in self.lexicon.values


def _is_near(year: int, month: int, day: int, today: date) -> bool:
    try:
        return abs(date(year, month, day) - today) <= timedelta(days=_NEAR_DAYS)
    except ValueError:
        return False


def _alike(word: str, heard: str) -> bool:
    if word == heard or (len(word) > _SHORTEST_WORD and (word in heard or (heard in word and len(heard) > _SHORTEST_WORD))):
        return True
    return len(heard) >= _SHORTEST_WORD and difflib.SequenceMatcher(None, word, heard, autojunk=False).ratio() >= _ALIKE


def _scripts(words: Iterable[str]) -> set[str]:
    """`LATIN`, `CYRILLIC` …, by the first letters."""
    letters = {next(filter(str.isalpha, word), "") for word in words} - {""}
    return {unicodedata.name(letter, "").partition(" ")[0] for letter in letters}


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_flat(text)))


def _flat(text: str) -> str:
    """Lower case, without accents and soft hyphens."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("\u00ad", ""))
    return "".join(character for character in text if not unicodedata.combining(character))


@functools.cache
def _numbers(language: str) -> _Numbers:
    """By CLDR's rules, in every case and gender, and what `intents/<language>/general.yaml` adds. Takes up to half a second, once."""
    common = read_responses(language, [paths.content("intents")]).get(COMMON, {})
    values: dict[str, float] = {}
    for entry in common.get("meant_numbers", ()):
        word, _, value = str(entry).rpartition(" ")
        values[_key(word)] = float(value)
    for number in (*range(1000), *range(1000, 10_000, 1000)):
        for words in spellings(language, number, ordinals=number <= _LAST_DAY):
            values.setdefault(_key(words), float(number))
    articles, counted = (frozenset(map(_key, map(str, common.get(key, ())))) for key in ("articles_for_one", "counted_things"))
    return _Numbers(values, articles, counted)


def _key(words: str) -> str:
    return " ".join(_WORD.findall(_flat(words)))
