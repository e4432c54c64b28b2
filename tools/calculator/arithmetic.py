"""Sums in words and digits, worked out exactly as far as that goes. Nothing is ever run as code."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from wyoming_servers.shared.tool import Phrases

from .numerals import Numerals, tokens

SIGNS = {
    "+": "+",
    "-": "-",
    "\u2212": "-",
    "*": "*",
    "×": "*",
    "·": "*",
    "x": "*",
    "/": "/",
    "÷": "/",
    ":": "/",
    "^": "^",
    "%": "%",
    "√": "sqrt",
}
_NAMED = ("plus", "minus", "times", "divided", "power", "percent_of", "percent", "root", "squared", "cubed", "modulo")
_AS_SIGN = dict(zip(_NAMED, ("+", "-", "*", "/", "^", "% of", "%", "sqrt", "squared", "cubed", "mod"), strict=True))
_TEMPLATES_SIGNS = ("% of", "mod", "squared", "cubed")
"""What the sentence templates of every language put between or behind numbers, besides SIGNS."""
_PRODUCTS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "*": operator.mul,
    "/": operator.truediv,
    "mod": operator.mod,
    "% of": lambda share, whole: share * whole / 100,
}
_MOST_BITS = 4000
"""Larger numbers, some 1200 digits, are of no use to anybody who listens."""
_PRECISE = Context(prec=50, Emax=10_000, Emin=-10_000)
_DEEPEST = 40


class NotASumError(ValueError):
    """The text is no sum."""


class TooLargeError(ValueError):
    """The result has more digits than anybody wants to hear."""


@dataclass(frozen=True)
class Result:
    """What came out."""

    value: Fraction
    exact: bool = True
    percent: bool = False
    """It was said as percent, and nothing has been done with it yet."""


class Arithmetic:
    """The sums of one language."""

    def __init__(self, phrases: Phrases) -> None:
        """Takes some 50 ms; see Numerals."""
        self._numerals = Numerals(phrases)
        named = [(tuple(tokens(word)), _AS_SIGN[name]) for name in _NAMED for word in phrases.items(f"say_{name}")]
        signs = [((sign,), meaning) for sign, meaning in SIGNS.items()]
        signs += [(tuple(tokens(sign)), sign) for sign in _TEMPLATES_SIGNS]
        self._operators = sorted([*named, *signs], key=lambda pair: -len(pair[0]))
        self._skipped = set(phrases.items("skipped"))

    def number(self, text: str) -> Fraction:
        """The number that a text is.

        Raises: NotASumError.
        """
        parts = self._parts(text)
        negative = parts[:1] == ["-"]
        if len(parts) != 1 + negative or not isinstance(parts[-1], Fraction):
            raise NotASumError(text)
        return -parts[-1] if negative else parts[-1]

    def work_out(self, text: str) -> Result:
        """The result of a sum.

        Raises: NotASumError, TooLargeError, ZeroDivisionError, ArithmeticError (a root of a negative number).
        """
        reader = _Reader(self._parts(text))
        result = reader.sum()
        if reader.left():
            raise NotASumError(text)
        return result

    def _parts(self, text: str) -> list[Fraction | str]:
        """Numbers and signs.

        Raises: NotASumError for a word that is neither.
        """
        words, parts, position = self._numerals.tokens(text), [], 0
        while position < len(words):
            if number := self._numerals.read(words, position):
                parts.append(number[0])
                position = number[1]
            elif sign := next((pair for pair in self._operators if tuple(words[position : position + len(pair[0])]) == pair[0]), None):
                parts.append(sign[1])
                position += len(sign[0])
            elif words[position] in "()":
                parts.append(words[position])
                position += 1
            elif words[position] in self._skipped or words[position] in "?=.!,":
                position += 1
            else:
                raise NotASumError(text)
        return parts


class _Reader:
    """Recursive descent: sums of products of powers."""

    def __init__(self, parts: list[Fraction | str]) -> None:
        self._parts = parts
        self._position = 0
        self._depth = 0

    def left(self) -> bool:
        return self._position < len(self._parts)

    def sum(self) -> Result:
        result = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            share = result.value * other.value if other.percent and not result.percent else other.value  # 100 plus 10 percent is 110
            result = _checked(result.value + share if sign == "+" else result.value - share, result.exact and other.exact)
        return result

    def _product(self) -> Result:
        result = self._power()
        while sign := self._take("*", "/", "% of", "mod"):
            other = self._power()
            value = _PRODUCTS[sign](result.value, other.value)
            result = _checked(value, result.exact and other.exact)
        return result

    def _power(self) -> Result:
        base = self._signed()
        if self._take("^"):
            exponent = self._power() if self._go_deeper() else self._signed()
            return _raised(base, exponent)
        return base

    def _signed(self) -> Result:
        if self._take("-"):
            result = self._signed() if self._go_deeper() else self._number()
            return Result(-result.value, result.exact, result.percent)
        if self._take("sqrt"):
            return _root(self._signed() if self._go_deeper() else self._number())
        return self._number()

    def _number(self) -> Result:
        if self._take("("):
            self._go_deeper()
            result = self.sum()
            if not self._take(")"):
                raise NotASumError("a bracket is open")
        else:
            part = self._parts[self._position] if self.left() else ""
            if isinstance(part, str):
                raise NotASumError("a number is missing")
            self._position += 1
            result = Result(part)
        while sign := self._take("squared", "cubed", "%"):
            if sign == "%":
                result = Result(result.value / 100, result.exact, True)
            else:
                result = _raised(result, Result(Fraction(2 if sign == "squared" else 3)))
        return result

    def _take(self, *signs: str) -> str:
        part = self._parts[self._position] if self.left() else None
        if isinstance(part, str) and part in signs:
            self._position += 1
            return part
        return ""

    def _go_deeper(self) -> bool:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotASumError("too deep")
        return True


def _checked(value: Fraction, exact: bool) -> Result:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise TooLargeError
    return Result(value, exact)


def _raised(base: Result, exponent: Result) -> Result:
    exact = base.exact and exponent.exact
    if exponent.value.denominator == 1:
        bits = max(base.value.numerator.bit_length(), base.value.denominator.bit_length())
        if (bits - 1) * abs(exponent.value) > _MOST_BITS:
            raise TooLargeError
        return _checked(base.value ** int(exponent.value), exact)
    if exponent.value == Fraction(1, 2):
        return _root(base)
    if base.value < 0:
        raise ArithmeticError("a root of a negative number")
    if abs(exponent.value) * max(1, abs(base.value.numerator.bit_length() - base.value.denominator.bit_length()) + 1) > _MOST_BITS:
        raise TooLargeError
    return Result(Fraction(_PRECISE.power(_decimal(base.value), _decimal(exponent.value))), False)


def _root(of: Result) -> Result:
    if of.value < 0:
        raise ArithmeticError("a root of a negative number")
    above, below = math.isqrt(of.value.numerator), math.isqrt(of.value.denominator)
    if above**2 == of.value.numerator and below**2 == of.value.denominator:
        return Result(Fraction(above, below), of.exact)
    return Result(Fraction(_PRECISE.sqrt(_decimal(of.value))), False)


def _decimal(value: Fraction) -> Decimal:
    return _PRECISE.divide(Decimal(value.numerator), Decimal(value.denominator))
