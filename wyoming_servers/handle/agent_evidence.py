"""Was it said? A model's arguments are looked for in the user's words, so that a call it has made up is not carried out."""

import difflib
import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from ..shared.number_words import language_words
from .place_names import english_names


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_NEAR_DAYS = 8  # "next Monday"
_LONGEST_NUMBER_WORDS = 6
_ARTICLES = _listed("a an ein eine einen einer einem un une una een")
_UNITS = _listed(
    "second minute hour day week month year half quarter hundred thousand dozen couple percent metre meter kilometer mile kilo kilogram "
    "gram pound ounce litre liter cup degree sekunde stunde tag woche monat jahr viertel halbe viertelstunde dutzend hundert tausend pfund "
    "seconde heure jour semaine mois an annee demi quart segundo minuto hora dia semana mes ano media cuarto secondo ora giorno settimana "
    "mese anno mezza mezzo quarto minuut uur dag maand jaar kwartier"
)
"""An article counts as one only before these: "an hour", not "a timer"."""
_SHORTEST_WORD = 3
_ALIKE = 0.6
"""Of letters that two words have in common: models write Milan for Mailand, and the singular for a plural."""
_SMALL = {
    "en": "a:1 an:1 half:0.5 quarter:0.25 quarters:0.25 dozen:12 couple:2 twice:2 double:2 tomorrow:1 yesterday:1 today:0 tonight:0 "
    "noon:12 midnight:0 once:1 pair:2 percent:100 fortnight:14 week:7 weeks:7",
    "de": "ein:1 eine:1 einen:1 einer:1 einem:1 eins:1 halb:0.5 halbe:0.5 halben:0.5 halbes:0.5 anderthalb:1.5 eineinhalb:1.5 "
    "viertel:0.25 viertelstunde:15 dreiviertel:0.75 dreiviertelstunde:45 dutzend:12 paar:2 zwo:2 doppelt:2 morgen:1 übermorgen:2 "
    "gestern:1 heute:0 mittag:12 mitternacht:0 einmal:1 zweimal:2 woche:7 wochen:7",
    "fr": "un:1 une:1 demi:0.5 demie:0.5 quart:0.25 douzaine:12 quinzaine:15 vingtaine:20 trentaine:30 double:2 demain:1 après-demain:2 "
    "hier:1 midi:12 minuit:0 moitié:0.5 semaine:7 semaines:7",
    "es": "un:1 una:1 uno:1 medio:0.5 media:0.5 cuarto:0.25 docena:12 doble:2 mañana:1 pasado:2 ayer:1 hoy:0 mediodía:12 medianoche:0 "
    "mitad:0.5 semana:7 semanas:7",
    "it": "un:1 una:1 uno:1 mezzo:0.5 mezza:0.5 mezzora:30 quarto:0.25 dozzina:12 doppio:2 domani:1 dopodomani:2 ieri:1 oggi:0 "
    "mezzogiorno:12 mezzanotte:0 metà:0.5 settimana:7 settimane:7",
    "nl": "een:1 één:1 half:0.5 halve:0.5 halfuur:30 anderhalf:1.5 anderhalve:1.5 kwart:0.25 kwartier:15 dozijn:12 dubbel:2 paar:2 "
    "morgen:1 overmorgen:2 gisteren:1 vandaag:0 middag:12 middernacht:0 week:7 weken:7",
}


def invented(
    arguments: Mapping[str, Any], fixed: Mapping[str, Iterable[Any]], said: Iterable[str], language: str, today: date
) -> list[str]:
    """Arguments that stand nowhere in what was said.

    fixed: by argument the values that need not be said: its choices and its default. said: the utterance, the room, earlier turns.
    """
    numbers: set[float] = {0.0}
    words: set[str] = set()
    for text in said:  # one by one: two numbers of different turns make no third
        numbers |= derived(numbers_in(text, language))
        words |= _words(" ".join([text, *english_names(text, language)]))
    found = []
    for key, value in arguments.items():
        if isinstance(value, bool) or value in fixed.get(key, ()):
            continue
        if isinstance(value, int | float):
            known = _near(abs(value), numbers)
        elif isinstance(value, str):
            known = _text_known(value, words, numbers, language, today)
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
    lexicon = _lexicon(language)
    tokens = _WORD.findall(text)
    position, last = 0, None
    while position < len(tokens):
        for length in range(min(_LONGEST_NUMBER_WORDS, len(tokens) - position), 0, -1):
            value = lexicon.get(" ".join(tokens[position : position + length]))
            if value is not None and (tokens[position] not in _ARTICLES or length > 1 or _counts(tokens[position + 1 : position + 2])):
                found.add(value)
                if last is not None and position - last[1] <= 1:  # "two thousand and five", "four and a half"
                    found |= {last[0] + value, last[0] * value}
                position, last = position + length, (value, position + length)
                break
        else:
            position += 1
    return found


def _counts(following: list[str]) -> bool:
    return any(word in _UNITS or word.rstrip("s") in _UNITS for word in following)


def derived(numbers: set[float]) -> set[float]:
    """What a speaker may have meant by these numbers: other units of time, the afternoon, `quarter to`."""
    ways = set(numbers)
    for number in numbers:
        ways |= {number * 60, number * 3600, number / 60, number // 60, number % 60, number / 100, number * 100}
        ways |= {number + 12, number - 12, number - 1, 60 - number, 60 - number * 60, number * 24, number * 1440, number * 86400}
    return ways | {first + second for first in numbers for second in numbers if first != second}


def _near(value: float, numbers: set[float]) -> bool:
    return any(abs(value - number) < 1e-6 for number in numbers)


def _text_known(value: str, words: set[str], numbers: set[float], language: str, today: date) -> bool:
    value = _flat(value)
    for whole in list(_DATE.finditer(value)):
        year, month, day = (int(part) for part in whole.groups())
        if not (_is_near(year, month, day, today) or (_near(day, numbers) and _near(year, numbers | {today.year, today.year + 1}))):
            return False
        value = value.replace(whole[0], " ")
    if not all(_near(number, numbers) for number in {float(text.replace(",", ".")) for text in _NUMBER.findall(value)}):
        return False
    named = [word for word in _words(value) if not word.isdigit() and len(word) >= _SHORTEST_WORD and word not in _lexicon(language)]
    if not named:
        return True
    known = sum(any(_alike(word, heard) for heard in words) for word in named)
    return known * 2 >= len(named)


def _is_near(year: int, month: int, day: int, today: date) -> bool:
    try:
        return abs(date(year, month, day) - today) <= timedelta(days=_NEAR_DAYS)
    except ValueError:
        return False


def _alike(word: str, heard: str) -> bool:
    if word == heard or (len(word) > _SHORTEST_WORD and (word in heard or (heard in word and len(heard) > _SHORTEST_WORD))):
        return True
    return len(heard) >= _SHORTEST_WORD and difflib.SequenceMatcher(None, word, heard, autojunk=False).ratio() >= _ALIKE


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_flat(text)))


def _flat(text: str) -> str:
    """Lower case, without accents and soft hyphens."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("\u00ad", ""))
    return "".join(character for character in text if not unicodedata.combining(character))


@functools.cache
def _lexicon(language: str) -> Mapping[str, float]:
    """Number words of a language, as the words of `_flat` text joined by blanks. Takes up to 50 ms, once."""
    lexicon: dict[str, float] = {}
    for entry in _SMALL.get(language, "").split():
        word, _, value = entry.rpartition(":")
        lexicon[" ".join(_WORD.findall(_flat(word)))] = float(value)
    spoken = language_words(language)
    if spoken is None:
        return lexicon
    kinds = [kind for kind in ("cardinal", "m", "f") if kind in spoken.language.rulesets]
    for number in (*range(1000), *range(1000, 10_000, 1000)):
        for kind in kinds:
            lexicon.setdefault(_key(spoken.number(str(number), kind)), float(number))
        if number <= 31:
            for ending in ("", *set(spoken.language.date_endings.values())):
                lexicon.setdefault(_key(spoken.ordinal(number, ending)), float(number))
    return lexicon


def _key(words: str) -> str:
    return " ".join(_WORD.findall(_flat(words)))
