"""Numbers as words in the languages of `spoken/*.yaml`: those files hold the words, unicode-rbnf (Unicode CLDR) the rules."""

import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from .schema import build, validator

_FOLDER = Path(__file__).parent / "spoken"
_LARGEST = 10**15  # beyond it nobody counts in words
_LONGEST_FRACTION = 6
_MOST_PLURAL = 201  # CLDR's rules look at the last two digits


@dataclass(frozen=True)
class Language:
    """One file of `spoken/`: how numbers are written in a language, and the words around them."""

    rulesets: dict[str, str]
    """CLDR rule sets: `cardinal`, `ordinal`, `year`; `m` and `f` for counted things where the language tells their gender."""
    decimal_sign: str
    """Stands before decimals."""
    group_signs: str
    """Each may stand between thousands."""
    point: str
    """The decimal sign, spoken."""
    minus: str
    to: str
    """Between the ends of a range."""
    months: tuple[str, ...]
    """Twelve; abbreviations follow after blanks."""
    date: str
    """With {month}, {year}, and {day} (a number) or {ordinal}; what follows the month goes when there is no year."""
    time: dict[str, Any]
    """`past` (hour and minutes), `full` (on the hour); `early` (minutes below ten), `full_24` (hours 0 and 13 to 23), `midnight`;
    `hours` (one, many: the word behind the hour), `gender` of the hour, `swallow` (a word behind a time that `past` has already),
    `dot: true` (7.30 is a time before that word), `h: true` (7h30 is one too)."""
    money: str
    """An amount with {whole}, and {cents} (with their name) or {number} (without)."""
    units: dict[str, tuple[str, ...]]
    """Sign → said of exactly one, said behind other numbers, gender. A sign that begins with a blank needs one before it."""
    currencies: dict[str, tuple[str, ...]]
    """Sign → one, many, one of its hundredths, many of them, gender."""
    signs: dict[str, str]
    """Signs before a number or between two things."""
    fractions: dict[str, tuple[str, ...]]
    """Sign → alone, behind a number."""
    fraction_as_number: bool = False
    """Two decimals are said as one number: 3,14 as "trois virgule quatorze"."""
    unsure: str = ""
    """Pattern of whole numbers whose word depends on what is counted: their digits are left to the engine."""
    date_day_first: str = ""
    """As `date`, for dates that were written with the day first."""
    month_first: bool = False
    """`January 5` is a date."""
    first_day: str = ""
    """The first of a month, where that is not a plain number."""
    of: str = ""
    """May stand between day, month and year."""
    numeric_dates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """`dmy` or `mdy` → languages and regions that write dates so."""
    numeric_date_signs: str = "/."
    day_marks: tuple[str, ...] = ()
    """May stand behind a day."""
    day_mark_needed: bool = False
    date_endings: dict[str, str] = field(default_factory=dict)
    """Word before a date → ending of the ordinal rule set; "" is any other."""
    noun_endings: dict[str, str] = field(default_factory=dict)
    """Word before `3.` and a noun → ending of the ordinal rule set."""
    ordinals: dict[str, str] = field(default_factory=dict)
    """Suffix of a number → ordinal rule set."""
    ordinals_to: int = 9999
    decades: bool = False
    """`1990s` is said as English does."""
    years_after: tuple[str, ...] = ()
    """Words after which four digits are a year."""
    digits_after: tuple[str, ...] = ()
    """Words after which digits are said one by one."""
    digits_link: tuple[str, ...] = ()
    """May stand between those words and the digits."""
    halves: tuple[str, ...] = ()
    """Halves of the day behind a time."""
    multipliers: tuple[str, ...] = ()
    """Words that stand between an amount and its currency."""
    plurals: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of what units and currencies are called behind numbers its other forms, by CLDR's plural rules, where the language has some:
    `{kilometrów: {few: kilometry}}`."""
    multiplier_link: str = ""
    """Stands between such a word and the currency."""


@functools.cache
def language_words(family: str) -> "NumberWords | None":
    """The words of `en`, `de` …; None for a language without a file. Blocking: reads two files, about 30 ms."""
    path = _FOLDER / f"{family}.yaml"
    if not family.isalpha() or not path.is_file():
        return None
    content: Mapping[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return NumberWords(family, build(Language, validator(Language)(dict(content))))


def spellings(family: str, number: int, *, ordinals: bool = False) -> set[str]:
    """All that CLDR's rules make of a whole number, whatever its case and gender; empty for a language that they do not have.

    ordinals: "third", too.
    """
    from unicode_rbnf import FormatPurpose

    engine = _engine(family)
    found: set[str] = set()
    for purpose in (FormatPurpose.CARDINAL, FormatPurpose.ORDINAL)[: 1 + ordinals] if engine else ():
        with contextlib.suppress(ValueError):  # the language has no rules for this purpose
            found.update(engine.format_number(number, purpose=purpose).text_by_ruleset.values())
    return found


@functools.cache
def _engine(family: str) -> Any:
    """CLDR's rules of a language; None when it has none. Reads a file."""
    from unicode_rbnf import RbnfEngine  # 60 ms, and most processes never speak

    try:
        return RbnfEngine.for_language(family)
    except ValueError:
        return None


def plural_form(family: str, number: float | Decimal) -> str:
    """What CLDR calls the form of a noun behind a number: `one`, `few`, `many` … or `other`, as the language has them."""
    from unicode_rbnf.plural_rules import PluralType, get_plural_category  # reads a file at its first call, 5 ms

    whole = int(number)
    return get_plural_category(family, whole if whole == number else number, PluralType.CARDINAL)


def plural_forms(family: str) -> list[str]:
    """The forms that whole numbers need in a language, by their first number: `other`, `one` in English."""
    return list(dict.fromkeys(plural_form(family, number) for number in range(_MOST_PLURAL)))


def languages() -> list[str]:
    """Languages with a file."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


class NumberWords:
    """Number words of one language. Texts of numbers have digits and at most one `.`."""

    def __init__(self, family: str, language: Language) -> None:
        self.language = language
        self._family = family
        self._rules = _engine(family)
        self._cached = functools.lru_cache(maxsize=512)(self._format)

    def number(self, text: str, kind: str = "cardinal") -> str:
        """`12`, `-1.5`, `0.05` in words; what is too long for words stays in digits. kind: a key of `rulesets`."""
        whole, _, decimals = text.lstrip("-").partition(".")
        if len(decimals) > _LONGEST_FRACTION or int(whole) >= _LARGEST:
            return text
        words = self._cached(int(whole), self.language.rulesets.get(kind, self.language.rulesets["cardinal"]))
        if decimals:
            words = f"{words} {self.language.point} {self._decimals(decimals)}"
        return f"{self.language.minus} {words}" if text.startswith("-") else words

    def ordinal(self, number: int, ending: str = "") -> str:
        """`3` as "third"; ending: one of the endings in the language's file."""
        name = self.language.rulesets["ordinal"]
        return self._cached(number, f"{name}-{ending}" if ending else name)

    def by_rules(self, number: int, ruleset: str) -> str:
        """A number by one of CLDR's rule sets."""
        return self._cached(number, ruleset)

    def noun(self, noun: str, number: str) -> str:
        """A noun as it stands behind a number, which is given in digits."""
        forms = self.language.plurals.get(noun)
        return forms.get(plural_form(self._family, abs(Decimal(number))), noun) if forms else noun

    def year(self, number: int) -> str:
        """`1984` as "nineteen eighty-four"."""
        return self.number(str(number), "year")

    def digits(self, text: str) -> str:
        """Digit by digit; what else is in the text becomes a pause."""
        groups = "".join(character if character.isdigit() else " " for character in text).split()
        return ", ".join(" ".join(self.number(digit) for digit in group) for group in groups)

    def _decimals(self, text: str) -> str:
        if self.language.fraction_as_number and len(text) == 2 and text[0] != "0":
            return self.number(text)
        return " ".join(self.number(digit) for digit in text)

    def _format(self, number: int, ruleset: str) -> str:
        return self._rules.format_number(number, ruleset_names=[ruleset]).text
