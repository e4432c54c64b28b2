"""The calculator tool: what can be asked of it, and how results are said."""

import asyncio
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Home, Phrases, Tool, ToolContext, ToolResult, argument

from . import units
from .arithmetic import Arithmetic, NotASumError, Result, TooLargeError

_EXACT_DECIMALS = 3
"""So many decimals are said; what has more is "about"."""
_EXACT_DIGITS = 15
_LARGEST = 10**_EXACT_DIGITS
_SMALLEST = Fraction(1, 10**5)
_MOST_CHARS = 200


class CalculatorTool(Tool):
    """Sums in words and digits (also percent, powers and square roots), and conversions between units of measurement.

    Results are exact, and rounded only to be spoken: then the answer says "about". Units are converted by pint (BSD-3-Clause).
    """

    name = "calculator"
    description = "Works out sums (expression) and converts units (amount, unit, to)."
    intents = {"EarshotCalculate": {}, "EarshotConvert": {}}
    hidden = frozenset({"rest", "operation", "right"})
    deadline_s = 10.0  # the first conversion loads pint, which takes a small machine seconds
    hidden = frozenset({"rest", "operation", "right"})

    @dataclass(frozen=True)
    class Args:
        """Either `expression`, or `amount`, `unit` and `to`. Sentence templates also fill `rest`, `operation` and `right`."""

        expression: str | None = argument(None, "a sum such as 15% of 80, (2+3)*4, sqrt 16")
        amount: float | None = argument(None, "how much of the unit is to be converted")
        unit: str | None = argument(None, "from this unit")
        to: str | None = argument(None, "to this unit")
        rest: str | None = argument(None, "words that belong to the amount")
        operation: str | None = argument(None, "sign between amount and right")
        right: str | None = argument(None, "what stands right of the sign")

    @dataclass(frozen=True)
    class Options:
        """How it measures."""

        measures: str = argument("us", "whose cups, fluid ounces, pints, quarts and gallons: us or imperial", choices=("us", "imperial"))

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self._languages: dict[str, Arithmetic] = {}

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """The result, in words."""
        say = context.phrases.say
        try:
            return await asyncio.to_thread(self._answer, args, context.phrases)
        except NotASumError as err:
            raise ToolError(say("no_sum")) from err
        except TooLargeError as err:
            raise ToolError(say("too_large")) from err
        except ZeroDivisionError as err:
            raise ToolError(say("by_zero")) from err
        except ArithmeticError as err:
            raise ToolError(say("no_root")) from err
        except units.UnknownUnitError as err:
            raise ToolError(say("no_unit", unit=err)) from err

    def _answer(self, args: Any, phrases: Phrases) -> ToolResult:
        arithmetic = self._languages.get(phrases.language)
        if arithmetic is None:
            arithmetic = self._languages[phrases.language] = Arithmetic(phrases)
        amount = f"{_plain(args.amount)}{args.rest or ''}" if args.amount is not None else args.rest or ""
        if args.to and args.unit:
            size = arithmetic.number(amount) if amount else Fraction(1)
            return self._converted(-size if args.operation == "-" else size, args, phrases)
        sign = args.operation or ""
        text = args.expression or (f"{sign} {args.right}" if sign == "sqrt" else f"{amount} {sign} {args.right or ''}")
        text = text.replace("sqrt", "√").strip()[:_MOST_CHARS]
        result = arithmetic.work_out(text)
        number, about = _number(result, phrases)
        return ToolResult(_sentence(number, about, phrases), {"sum": text, "result": _digits(result.value)})

    def _converted(self, amount: Fraction, args: Any, phrases: Phrases) -> ToolResult:
        unit, to = units.called(args.unit, phrases), units.called(args.to, phrases)
        try:
            value = units.convert(amount, unit, to, self.options.measures == "imperial")
        except units.OtherKindError as err:
            raise ToolError(phrases.say("other_kind", unit=units.plural(unit, phrases), to=units.plural(to, phrases))) from err
        number, about = _number(Result(value), phrases)
        speech = _sentence(units.spoken(number, _rounded(value)[0], to, phrases), about, phrases)
        return ToolResult(speech, {"unit": to, "result": _digits(value)})


def _sentence(number: str, about: bool, phrases: Phrases) -> str:
    return phrases.say("about" if about else "is", number=number)


def _plain(amount: float) -> str:
    return str(int(amount)) if float(amount).is_integer() else repr(amount)


def _digits(value: Fraction) -> str:
    """For callers that want more than the sentence: 15 significant digits."""
    with localcontext(prec=15):
        digits = (Decimal(value.numerator) / Decimal(value.denominator)).normalize()
        return f"{digits:f}" if abs(value) < 10**_EXACT_DIGITS else str(digits)


def _number(result: Result, phrases: Phrases) -> tuple[str, bool]:
    """The number in words, and whether it was rounded."""
    size = abs(result.value)
    if size >= _LARGEST or 0 < size < _SMALLEST:
        exponent = len(str(int(size))) - 1 if size >= 1 else -len(str(int(1 / size)))
        front, _ = _rounded(size / Fraction(10) ** exponent)
        words = phrases.number(-front if result.value < 0 else front, 2)
        return phrases.say("scientific", number=words, exponent=phrases.number(exponent, 0)), True
    rounded, decimals = _rounded(result.value)
    return phrases.number(rounded, decimals), not result.exact or Fraction(rounded) != result.value


def _rounded(value: Fraction) -> tuple[Decimal, int]:
    """As it is said, and with how many decimals: three where that is exact, else two, or three digits that matter."""
    if (value * 10**_EXACT_DECIMALS).denominator == 1:
        decimals = _EXACT_DECIMALS
    elif abs(value) >= 1:
        decimals = 2
    else:
        decimals = 2
        while abs(value) * 10 ** (decimals - 2) < 1:
            decimals += 1
    with localcontext(prec=60):
        quotient = Decimal(value.numerator) / Decimal(value.denominator)
        return quotient.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), decimals
