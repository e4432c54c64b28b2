"""Numbers as people say and write them, in one language: "two thousand and five point one", "2.005,1", "zweieinhalb"."""

import re
from fractions import Fraction

from wyoming_servers.shared.tool import Phrases

_TOKEN = re.compile(r"\d{1,3}(?:[.,' ]\d{3})+(?![\d])(?:[.,]\d+)?|\d+(?:[.,]\d+)*|[^\W\d_]+(?:'(?=[^\W\d_]))?|[^\s\w]")
_MOST_DIGITS = 40


class Numerals:
    """Reads numbers from a list of tokens. Making one takes some 50 ms, half a second in languages with many cases: it asks for all names
    of a thousand numbers."""

    def __init__(self, phrases: Phrases) -> None:
        self._decimal_sign = phrases.say("decimal_sign")
        self._scales = dict(_pairs(phrases.items("scales")))
        self._points = set(phrases.items("points"))
        self._between = set(phrases.items("inside_numbers"))
        self._halves = [tuple(tokens(half)) for half in phrases.items("and_a_half")]
        self._names = {_joined(_words(name)): Fraction(number) for number in range(1000) for name in phrases.spellings(number)}
        self._names |= {_joined(_words(name)): value for name, value in _pairs(phrases.items("also_numbers"))}
        self._longest = 8  # words of one name: "quatre cent quatre-vingt-dix-sept" has five
        self._glued = re.compile("|".join(sorted(map(re.escape, phrases.items("glued")), key=len, reverse=True)) or "(?!)")

    def tokens(self, text: str) -> list[str]:
        """Words, numbers and signs, in lower case; what is written together is apart."""
        text = re.sub(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", " ", text.lower().replace("’", "'"))
        return [part for token in _words(text) for part in self._apart(token)]

    def read(self, words: list[str], start: int) -> tuple[Fraction, int] | None:
        """The number that begins at a token, and the token after it."""
        total, position, found = Fraction(0), start, False
        while True:
            part, after = self._part(words, position)
            if after < len(words) and words[after] in self._scales and (part is not None or not found):
                part, after = (1 if part is None else part) * self._scales[words[after]], after + 1
            if part is None or (found and part >= 1000 and total < part):
                break
            total, position, found = total + part, after, True
            if part < 1000 and not (after < len(words) and words[after] in self._scales):
                break  # two numbers that follow each other are two
            if position + 1 < len(words) and words[position] in self._between and self._part(words, position + 1)[0] is not None:
                position += 1
        if not found:
            return None
        total, position = self._decimals(words, position, total)
        half = next((half for half in self._halves if tuple(words[position : position + len(half)]) == half), ())
        return (total + Fraction(1, 2), position + len(half)) if half else (total, position)

    def _apart(self, token: str) -> list[str]:
        """`zweitausenddrei` → zwei, tausend, drei."""
        if token in self._scales or _joined([token]) in self._names:
            return [token]
        parts, end = [], 0
        for match in self._glued.finditer(token):
            parts += [token[end : match.start()], match[0]]
            end = match.end()
        return [part for part in (*parts, token[end:]) if part]

    def _part(self, words: list[str], position: int) -> tuple[Fraction | None, int]:
        """A number below a thousand in words, or one in digits."""
        if position < len(words) and words[position][0].isdigit():
            return self._digits(words[position]), position + 1
        for count in range(min(self._longest, len(words) - position), 0, -1):
            name = words[position : position + count]
            for spelling in (name, [word for word in name if word not in self._between]):  # "five hundred (and) six"
                value = self._names.get(_joined(spelling))
                if value is not None and name[-1] not in self._between:
                    return value, position + count
        return None, position

    def _digits(self, text: str) -> Fraction:
        group = "." if self._decimal_sign == "," else ","
        text = text.replace("'", "").replace(" ", "")[:_MOST_DIGITS]
        if re.fullmatch(rf"\d{{1,3}}(?:\{group}\d{{3}})+(?:\{self._decimal_sign}\d+)?", text):
            text = text.replace(group, "")
        whole, *decimals = re.split(r"[.,]", text)
        if len(decimals) > 1:
            return Fraction(int(whole + "".join(decimals)))
        return Fraction(f"{whole}.{decimals[0]}" if decimals else whole)

    def _decimals(self, words: list[str], position: int, whole: Fraction) -> tuple[Fraction, int]:
        if position >= len(words) - 1 or words[position] not in self._points:
            return whole, position
        digits, after = "", position + 1
        while len(digits) < _MOST_DIGITS:
            value, following = self._part(words, after)
            if value is None or value.denominator != 1 or value >= 1000:
                break
            digits, after = digits + (words[after] if words[after].isdigit() else str(value)), following
        return (whole + Fraction(int(digits), 10 ** len(digits)), after) if digits else (whole, position)


def tokens(text: str) -> list[str]:
    """Words, numbers and signs of a text in lower case."""
    return _TOKEN.findall(text.lower().replace("\u00ad", ""))


def _words(text: str) -> list[str]:
    return tokens(re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])", " ", text))


def _joined(words: list[str]) -> str:
    """One name of what may be written in one word, in several, or with hyphens; empty for what holds signs."""
    return "".join(words) if all(word[0].isalnum() for word in words) else ""


def _pairs(lines: list[str]) -> list[tuple[str, Fraction]]:
    """`a half 1/2` → name and value."""
    return [(name, Fraction(value)) for name, _, value in (line.rpartition(" ") for line in lines)]
