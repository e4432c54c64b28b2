"""The text of config/assistant.yaml: every setting, its default, what it does and what it allows, made from the dataclasses."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

import yaml

from .engines import EngineSpec
from .schema import describe_choices
from .settings import Settings

_HEADER = """\
# Earshot's settings: every key with its default. To change one, write it into ~/.config/earshot/assistant.yaml
# (only what differs), set it as EARSHOT__SECTION__KEY in the environment, or give it as --set section.key=value;
# the later wins. `earshot config validate` checks all of them. Made by `earshot config defaults`.
"""


def render(engines: Mapping[str, tuple[EngineSpec, ...]]) -> str:
    """The commented defaults as YAML; `engines` by kind adds each engine's options."""
    lines = [_HEADER]
    for field in dataclasses.fields(Settings):
        lines += _field(Settings, field, 0)
        if field.name in engines:
            lines.append("  engines:")
            for spec in engines[field.name]:
                lines += [f"    {spec.name}:  # {spec.summary}"]
                options = spec.load_class().Options
                lines += [line for option in dataclasses.fields(options) for line in _field(options, option, 6)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _field(cls: type, field: dataclasses.Field, indent: int) -> list[str]:
    space = " " * indent
    default = default_of(field)
    hint = typing.get_type_hints(cls)[field.name]
    allowed = describe_choices(field)
    comment = f"{space}# {field.metadata.get('doc', '')}" + (f" ({allowed})" if allowed else "")
    if dataclasses.is_dataclass(hint):
        lines = [comment, f"{space}{field.name}:"]
        for inner in dataclasses.fields(hint):
            if inner.name != "engines":
                lines += _field(typing.cast(type, hint), inner, indent + 2)
        return lines
    return [comment, f"{space}{field.name}: {as_yaml(default)}"]


def default_of(field: dataclasses.Field) -> Any:
    """The default of an option."""
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def as_yaml(value: Any) -> str:
    """A value on one line, as YAML writes it."""
    if isinstance(value, tuple):
        value = list(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return text.removesuffix("...").strip()
