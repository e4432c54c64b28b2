"""Numbers, units, money, dates and times in a sentence, said in words. What could mean several things keeps its digits."""

import functools
import re

from .number_words import Language, NumberWords, language_words
from .spoken_dates import YEAR, Rule, SpokenDates, any_of, months

_PLAIN_SIGNS = str.maketrans({"℃": "°C", "℉": "°F", "\u2212": "-"})
_INTERESTING = re.compile(r"[\d&=+#×÷<>≤≥±≈~½¼¾⅓⅔]")
_DEGREES_APART = re.compile(r"(?<=°) (?=[CF]\b)")
_MINUS = r"(?:(?<![^\s(\"'„“«])-)?"
_BEGINS = r"(?<![\w.,:/\\_^@#$€£¥=-])(?<!\d['’])"
"""A number does not begin in the middle of a word, a version, an address or another number."""
_ENDS = r"(?! ?[°%]|\w|[.,:/'’]\d|-\d|\.\w|/\w)"
"""Nor does it end there."""
_DASH = r"(?:\s?[–—]\s?|-)"
_PHONE = re.compile(
    r"(?<![\w.,/+-])(?:\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}"  # +49 30 1234567
    r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"  # (555) 123-4567
    r"|0\d{2,4}[ /-]\d{4,8}(?:[ -]\d{1,4})?|0\d(?:[ .]\d\d){4})"  # 030 1234567, 01 23 45 67 89
    r"(?![\w/-]|\.\d)"
)
_SHORTEST_PHONE = 7
_MOST_BARE_DIGITS = 3  # four may be a year or a code; from five on nobody knows what they are


class SpokenNumbers:
    """Says what is written in digits and signs, in one language."""

    def __init__(self, tag: str, words: NumberWords) -> None:
        """tag: BCP 47; the region decides how 3/4/2026 is read."""
        self._words = words
        self._language = words.language
        self._number = _number_pattern(self._language)
        self._rules: list[Rule] = [(_PHONE, self._phone), *self._context_rules(), *self._amount_rules(), *self._count_rules()]
        self._rules[:0] = SpokenDates(tag, words).rules()

    def say(self, text: str) -> str:
        """The sentence with its numbers in words."""
        if not _INTERESTING.search(text):
            return text
        text = plain_signs(text)
        for pattern, said in self._rules:
            text = pattern.sub(said, text)
        return text

    def digits(self, text: str) -> str:
        """The digits of a text one by one."""
        return self._phone_digits(text) if any(map(str.isdigit, text)) else text

    def ordinal(self, text: str) -> str:
        """A whole number as an ordinal; any other text as it is."""
        digits = re.match(r"\d{1,4}(?!\d)", text)
        return self._words.ordinal(int(digits[0])) if digits else text

    def cardinal(self, text: str) -> str:
        """A number in words, however long it is; any other text as it is."""
        return self._words.number(self._plain(text)) if re.fullmatch(rf"-?(?:{self._number})", text) else text

    # money and units

    def _amount_rules(self) -> list[Rule]:
        language = self._language
        foreign = r"\d+,\d\d?(?!\d)" if language.decimal_sign == "." else r"\d+\.\d\d?(?!\d)"
        number = f"(?:{foreign}|{self._number})"
        span = rf"{_BEGINS}(?P<value>{_MINUS}{number})(?:{_DASH}(?P<until>{number}))?"
        sign = f"(?P<sign>{any_of(language.currencies)})"
        more = rf"(?: (?P<more>{any_of(language.multipliers)})(?!\w))?"
        units = any_of(unit for unit in language.units if not unit.startswith(" "))
        apart = any_of(unit[1:] for unit in language.units if unit.startswith(" "))
        unit = rf"(?: ?(?P<unit>{units})| (?P<apart>{apart}))(?![\w²³]|/\w|[-']\w)"
        return [
            (
                re.compile(rf"(?<![\w.])(?P<minus>-)?{sign} ?(?P<value>-?{number})(?:{_DASH}(?P<until>{number}))?{more}(?!\w|[.,:/-]\d)"),
                self._money,
            ),
            (re.compile(rf"{span}{more} ?{sign}(?!\w)"), self._money),
            (re.compile(f"{span}{unit}"), self._unit),
        ]

    def _money(self, match: re.Match[str]) -> str:
        parts, language = match.groupdict(), self._language
        names = language.currencies[parts["sign"]]
        value = ("-" if parts.get("minus") else "") + self._plain(parts["value"])
        kind = names[4] if len(names) > 4 else "m"
        if parts.get("more"):
            return f"{self._words.number(value)} {parts['more']} {language.multiplier_link}{names[1]}"
        whole, _, cents = value.partition(".")
        if parts.get("until") or len(cents) not in (0, 2) or not names[2]:
            return self._counted(value, parts.get("until"), (names[0], names[1], kind))
        said = self._counted(whole, None, (names[0], names[1], kind))
        if not cents.strip("0"):
            return said
        small = self._counted(str(int(cents)), None, (names[2], names[3], kind))
        if not int(whole):
            return f"{language.minus} {small}" if whole.startswith("-") else small
        return language.money.format(whole=said, cents=small, number=self._words.number(str(int(cents))))

    def _unit(self, match: re.Match[str]) -> str:
        parts = match.groupdict()
        unit = parts["unit"] or f" {parts['apart']}"
        return self._counted(self._plain(parts["value"]), parts.get("until"), self._language.units[unit])

    def _counted(self, value: str, until: str | None, names: tuple[str, ...]) -> str:
        """names: exactly one; many; gender."""
        kind = names[2] if len(names) > 2 else "cardinal"
        if until:
            said = f"{self._words.number(value, kind)} {self._language.to} {self._words.number(self._plain(until), kind)}"
        elif value.lstrip("-") == "1":
            return f"{self._language.minus} {names[0]}" if value.startswith("-") else names[0]
        else:
            said = self._words.number(value, kind if "." not in value else "cardinal")
        return f"{said} {self._words.noun(names[1], self._plain(until) if until else value)}"

    # numbers that the words around them explain

    def _context_rules(self) -> list[Rule]:
        language = self._language
        rules: list[Rule] = []
        if language.digits_after:
            link = f"(?:,? (?:{any_of(language.digits_link)}))*:?"
            said_before = f"(?P<before>{any_of(language.digits_after, words=True)}{link} )"
            rules.append((re.compile(rf"{said_before}(?P<digits>\d{{3,8}})(?!\w|[.,:/-]\d)", re.IGNORECASE), self._digits_after))
        if language.ordinals:
            suffix = f"(?P<suffix>{any_of(language.ordinals)})"
            rules.append((re.compile(rf"{_BEGINS}(?P<number>\d{{1,4}}){suffix}(?![\w-])"), self._ordinal))
        if language.noun_endings:
            before = f"(?P<before>(?i:{any_of(language.noun_endings, words=True)}) )"
            rules.append((re.compile(rf"{before}(?P<number>\d\d?)\.(?= [A-ZÄÖÜ])"), self._noun_ordinal))
        if language.decades:
            rules.append((re.compile(r"(?<![\w.,-])(?P<year>(?:1[1-9]|20)?\d0)s(?!\w)"), self._decade))
        year = f"(?P<year>{YEAR})"
        until = f"(?:{_DASH}| {language.to} | {language.signs['&']} )(?P<until>{YEAR})"
        behind = f"(?P<before>(?i:{any_of(language.years_after, words=True)}) )"
        month = f"(?P<before>{any_of(months(language), words=True)} {f'(?:{language.of} )?' if language.of else ''})"
        return [
            *rules,
            (re.compile(f"{_BEGINS}{year}{until}{_ENDS}"), self._years),
            (re.compile(f"{behind}{year}{_ENDS}(?! ?[-–—°%€$£])"), self._years),
            (re.compile(f"{month}{year}{_ENDS}"), self._years),
        ]

    def _phone(self, match: re.Match[str]) -> str:
        if sum(character.isdigit() for character in match[0]) < _SHORTEST_PHONE:
            return match[0]
        return self._phone_digits(match[0])

    def _phone_digits(self, text: str) -> str:
        plus = f"{self._language.signs['+']} " if text.startswith("+") else ""
        return plus + self._words.digits(text)

    def _digits_after(self, match: re.Match[str]) -> str:
        return match["before"] + self._words.digits(match["digits"])

    def _ordinal(self, match: re.Match[str]) -> str:
        number = int(match["number"])
        fits = 0 < number <= self._language.ordinals_to
        return self._words.by_rules(number, self._language.ordinals[match["suffix"]]) if fits else match[0]

    def _noun_ordinal(self, match: re.Match[str]) -> str:
        ending = self._language.noun_endings[match["before"].strip().lower()]
        return match["before"] + self._words.ordinal(int(match["number"]), ending)

    def _decade(self, match: re.Match[str]) -> str:
        words = self._words.year(int(match["year"]))
        return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"

    def _years(self, match: re.Match[str]) -> str:
        parts = match.groupdict()
        until = f" {self._between(match, 'year', 'until')} {self._words.year(int(parts['until']))}" if parts.get("until") else ""
        return f"{parts.get('before') or ''}{self._words.year(int(parts['year']))}{until}"

    def _between(self, match: re.Match[str], first: str, last: str) -> str:
        """The word between two numbers; a dash is said."""
        written = match.string[match.end(first) : match.start(last)].strip()
        return written if written.isalpha() else self._language.to

    # all other numbers, and signs between them

    def _count_rules(self) -> list[Rule]:
        language = self._language
        any_sign = f"[{re.escape(''.join(language.signs))}]"
        fraction = f"(?P<sign>[{''.join(language.fractions)}])"
        signs = rf"(?<!\S)(?P<before>{any_sign})(?= ?\d)|(?<=[\d)] )[=+×÷<>≤≥±](?= )|(?<=\d)(?P<close>[×÷])(?=\d)|(?<=\w )&(?= \w)"
        return [
            (re.compile(rf"{_BEGINS}(?P<value>[1-9]\d{{0,2}}){_DASH}(?P<until>[1-9]\d{{0,2}}){_ENDS}"), self._range),
            (re.compile(rf"{_BEGINS}(?P<value>{_MINUS}\d*){fraction}(?!\w)"), self._fraction),
            (re.compile(signs), self._sign),
            (re.compile(f"{_BEGINS}(?P<value>{_MINUS}(?:{self._number})){_ENDS}"), self._bare),
        ]

    def _range(self, match: re.Match[str]) -> str:
        first, last = int(match["value"]), int(match["until"])
        if first >= last or self._is_unsure(match["value"]) or self._is_unsure(match["until"]):
            return match[0]
        return f"{self._words.number(str(first))} {self._language.to} {self._words.number(str(last))}"

    def _fraction(self, match: re.Match[str]) -> str:
        alone, behind = self._language.fractions[match["sign"]]
        return f"{self._words.number(match['value'])} {behind}" if match["value"].strip("-") else f"{match['value']}{alone}"

    def _sign(self, match: re.Match[str]) -> str:
        said = self._language.signs[match[0]]
        if match["close"]:
            return f" {said} "
        return f"{said} " if match["before"] and match.string[match.end()] != " " else said

    def _bare(self, match: re.Match[str]) -> str:
        value = self._plain(match["value"])
        digits = value.lstrip("-")
        if self._is_unsure(digits):
            return value
        if digits[0] == "0" and len(digits) > 1 and "." not in digits:
            return self._words.digits(digits) if digits == value else match[0]
        marked = match["value"].lstrip("-") != digits or "." in digits  # thousands or decimals are: it is a number
        return self._words.number(value) if marked or len(digits) <= _MOST_BARE_DIGITS else match[0]

    def _is_unsure(self, digits: str) -> bool:
        return bool(self._language.unsure) and "." not in digits and re.fullmatch(self._language.unsure, digits) is not None

    def _plain(self, number: str) -> str:
        """A number as written to digits with at most one `.`."""
        language = self._language
        if re.fullmatch(r"-?\d+[.,]\d\d?", number):  # never thousands, so it is the decimal sign, be it a foreign one
            return number.replace(",", ".")
        for sign in language.group_signs:
            number = number.replace(sign, "")
        return number.replace(language.decimal_sign, ".")


@functools.lru_cache(maxsize=64)
def spoken_numbers(tag: str) -> SpokenNumbers | None:
    """For a BCP 47 tag; None when there are no words for its language. Blocking at its first call for a tag."""
    words = language_words(tag.lower().replace("_", "-").partition("-")[0])
    return SpokenNumbers(tag, words) if words else None


def plain_signs(text: str) -> str:
    """Signs that many voices do not know, as the ones they know; for languages without words of ours."""
    return _DEGREES_APART.sub("", text.translate(_PLAIN_SIGNS))


def _number_pattern(language: Language) -> str:
    groups, point = re.escape(language.group_signs), re.escape(language.decimal_sign)
    return rf"\d{{1,3}}(?:[{groups}]\d{{3}})+(?!\d)(?:{point}\d+)?|\d+(?:{point}\d+)?"
