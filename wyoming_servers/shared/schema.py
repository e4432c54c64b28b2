"""Options as dataclasses: one declaration gives defaults, validation, help texts and documentation."""

import dataclasses
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import voluptuous as vol


def option(
    default: Any,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
    secret: bool = False,
) -> Any:
    """A dataclass field for an Options class. `doc` says what it does and its unit; the bounds are inclusive."""
    metadata = {"doc": doc, "minimum": minimum, "maximum": maximum, "choices": choices}
    if isinstance(default, list | dict):
        copied = default
        return dataclasses.field(default_factory=lambda: type(copied)(copied), metadata=metadata, repr=not secret)
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


def validator(cls: type) -> vol.Schema:
    """A voluptuous schema for an Options dataclass: every key optional, unknown keys refused, values in range."""
    hints = typing.get_type_hints(cls)
    return vol.Schema({vol.Optional(field.name): field_validator(field, hints[field.name]) for field in dataclasses.fields(cls)})


def field_validator(field: dataclasses.Field, hint: Any) -> Any:
    """The voluptuous validator of one Options field of type `hint`."""
    checks = [type_validator(hint)]
    bounds = field.metadata.get("minimum"), field.metadata.get("maximum")
    if bounds != (None, None):
        checks.append(_in_range(*bounds))
    if choices := field.metadata.get("choices"):
        checks.append(_one_of(choices))
        if "off" in choices:
            checks.insert(0, _switch)
    return vol.All(*checks)


def type_validator(hint: Any) -> Any:
    """A validator for a field's type; a string from the environment or the command line is converted to it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return vol.Any(*[None if argument is type(None) else type_validator(argument) for argument in arguments])
    if origin in (tuple, list):
        return vol.All(_listed, [type_validator(arguments[0] if arguments else Any)], vol.Coerce(origin))
    if origin is dict:
        return {type_validator(arguments[0]): type_validator(arguments[1])}
    if dataclasses.is_dataclass(hint):
        schema = validator(typing.cast(type, hint))
        return lambda value: build(typing.cast(type, hint), schema(value))
    return {bool: _boolean, int: _integer, float: _number, str: _text, Path: _path}.get(hint, lambda value: value)


def build(cls: type, values: dict[str, Any]) -> Any:
    """Makes the frozen dataclass from validated values."""
    return cls(**values)


def describe_choices(field: dataclasses.Field) -> str:
    """What a field allows, for help texts: `0 to 1`, `a | b`, or an empty string."""
    if field.metadata.get("choices"):
        return " | ".join(str(choice) for choice in field.metadata["choices"])
    return _range_text(field.metadata.get("minimum"), field.metadata.get("maximum"))


def explain(problem: vol.Invalid, cls: type) -> str:
    """One line for the first thing wrong with values checked against `validator(cls)`: the key, and what is allowed there."""
    if isinstance(problem, vol.MultipleInvalid):
        problem = problem.errors[0]
    key = ".".join(str(part) for part in problem.path)
    if problem.error_message == "extra keys not allowed":
        return f"unknown key {key!r} (allowed here: {', '.join(_allowed(cls, problem.path[:-1]))})"
    return f"{key}: {problem.error_message}" if key else str(problem.error_message)


def _allowed(hint: Any, path: Sequence[Any]) -> list[str]:
    for part in path:
        if dataclasses.is_dataclass(hint):
            hint = typing.get_type_hints(hint).get(str(part), hint)
        elif arguments := typing.get_args(hint):
            hint = arguments[0]
    return [field.name for field in dataclasses.fields(hint)] if dataclasses.is_dataclass(hint) else []


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return value.lower() in ("true", "yes", "on", "1")
    raise vol.Invalid(f"{value!r} is not true or false")


def _switch(value: Any) -> Any:
    """YAML takes a bare `on` or `off` for true or false."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise vol.Invalid(f"{value!r} is not a whole number")
    try:
        return int(value)
    except ValueError:
        raise vol.Invalid(f"{value!r} is not a whole number") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise vol.Invalid(f"{value!r} is not a number")
    try:
        number = float(value)
    except ValueError:
        raise vol.Invalid(f"{value!r} is not a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise vol.Invalid(f"{value!r} is not a finite number")
    return number


def _text(value: Any) -> str:
    if value is None:
        raise vol.Invalid('no value; write "" for empty, and "null" in quotes for the word null')
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise vol.Invalid(f"{value!r} is not text")
    return str(value)


def _path(value: Any) -> Path:
    return Path(_text(value)).expanduser()


def _listed(value: Any) -> list:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    if isinstance(value, list | tuple):
        return list(value)
    raise vol.Invalid(f"{value!r} is not a list")


def _range_text(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""


def _in_range(low: float | None, high: float | None) -> Any:
    def check(value: Any) -> Any:
        if value is None:
            return value
        if (low is not None and value < low) or (high is not None and value > high):
            raise vol.Invalid(f"{value} is out of range (allowed: {_range_text(low, high)})")
        return value

    return check


def _one_of(choices: tuple[Any, ...]) -> Any:
    def check(value: Any) -> Any:
        if value not in choices:
            raise vol.Invalid(f"{value!r} is not allowed (allowed: {', '.join(map(str, choices))})")
        return value

    return check
