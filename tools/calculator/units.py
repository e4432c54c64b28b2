"""Units of measurement, through pint, which is loaded when the first unit is converted: it takes from a third of a second to a few."""

import functools
import re
from collections.abc import Iterable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from wyoming_servers.shared.tool import Phrases

_LENGTHS = ("millimeter", "centimeter", "meter", "kilometer", "inch", "foot", "yard", "mile", "nautical_mile")
_WEIGHTS = ("milligram", "gram", "kilogram", "tonne", "ounce", "pound", "stone")
_VOLUMES = ("milliliter", "centiliter", "deciliter", "liter", "cubic_meter")
_MEASURES = ("teaspoon", "tablespoon", "cup", "fluid_ounce", "pint", "quart", "gallon")
_TEMPERATURES = ("degree_Celsius", "degree_Fahrenheit", "kelvin")
_AREAS = ("square_meter", "square_kilometer", "square_foot", "square_mile", "acre", "hectare")
_SPEEDS = ("kilometer_per_hour", "mile_per_hour", "meter_per_second", "knot")
_TIMES = ("second", "minute", "hour", "day", "week", "month", "year")
_POWERS = ("joule", "kilojoule", "calorie", "kilocalorie", "kilowatt_hour", "watt", "kilowatt", "horsepower")
_OTHERS = ("bar", "psi", "pascal", "hectopascal", "byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
NAMES = (*_LENGTHS, *_WEIGHTS, *_VOLUMES, *_MEASURES, *_TEMPERATURES, *_AREAS, *_SPEEDS, *_TIMES, *_POWERS, *_OTHERS)
"""Units that have names in every language; most are called so by pint."""
_FOR_PINT = {
    "cubic_meter": "meter ** 3",
    **{f"square_{name}": f"{name} ** 2" for name in ("meter", "kilometer", "foot", "mile")},
    **{f"{first}_per_{then}": f"{first} / {then}" for first, then in (("kilometer", "hour"), ("mile", "hour"), ("meter", "second"))},
}
_IMPERIAL = {name: f"imperial_{name}" for name in _MEASURES if "spoon" not in name}
_ONLY_LETTERS = re.compile(r"[^\W\d]+(?: [^\W\d]+)*")
_ROUND = Context(prec=20)  # pint reckons with 28 digits, so a foot of 0.3048 m is almost one


class UnknownUnitError(ValueError):
    """Nobody knows a unit of this name."""


class OtherKindError(ValueError):
    """The two units measure different things."""


def called(text: str, phrases: Phrases) -> str:
    """pint's name for a unit called so in this language, or in English, or by its sign. Blocking.

    Raises: UnknownUnitError.
    """
    text = " ".join(text.strip(" .").split())
    if text in NAMES:
        return text
    for name in NAMES:
        if text.casefold() in (known.casefold() for known in _known_as(name, phrases)):
            return name
    plain = text.lstrip("°").replace("/", " per ")
    if _ONLY_LETTERS.fullmatch(plain) and len(plain) < 40:
        for spelling in (plain, plain.lower()):
            try:
                return str(_registry().parse_units(spelling.replace(" per ", "/").replace(" ", "_")))
            except Exception as err:  # pint raises errors of its tokenizer and of its own for what it does not know
                unknown = err
        raise UnknownUnitError(text) from unknown
    raise UnknownUnitError(text)


def convert(amount: Fraction, unit: str, to: str, imperial: bool) -> Fraction:
    """An amount in another unit. Blocking.

    imperial: British pints, gallons and cups in place of American ones.
    Raises: OtherKindError.
    """
    import pint

    if imperial:
        unit, to = _IMPERIAL.get(unit, unit), _IMPERIAL.get(to, to)
    unit, to = _FOR_PINT.get(unit, unit), _FOR_PINT.get(to, to)
    registry = _registry()
    try:
        value = registry.Quantity(Decimal(amount.numerator) / Decimal(amount.denominator), unit).to(to).magnitude
    except pint.DimensionalityError as err:
        raise OtherKindError(f"{unit} and {to}") from err
    return Fraction(_ROUND.plus(value))


def spoken(text: str, number: Decimal, unit: str, phrases: Phrases) -> str:
    """`five miles`, `one mile`; a unit without a name in this language is called by pint's. text: the number in words."""
    key = f"unit_{unit}"
    return phrases.count(key, number, n=text) if phrases.items(key) else f"{text} {unit.replace('_', ' ')}"


def plural(unit: str, phrases: Phrases) -> str:
    """`miles`."""
    names = phrases.items(f"unit_{unit}")
    return _noun(names[-1]) if names else unit.replace("_", " ")


def _known_as(name: str, phrases: Phrases) -> Iterable[str]:
    yield from map(_noun, phrases.items(f"unit_{name}"))


def _noun(form: str) -> str:
    """`miles` of `{n} miles`, `mile` of `one mile`."""
    return form.partition(" ")[2] or form


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(non_int_type=Decimal, autoconvert_offset_to_baseunit=True, cache_folder=None)
