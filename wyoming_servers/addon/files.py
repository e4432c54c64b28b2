"""The parts of an add-on's folder that follow from our settings: options and schema of its config.yaml, the English texts of its form."""

import typing
from pathlib import Path
from typing import Any

import yaml

from ..shared.defaults import default_of
from .options import GROUPS, OPTIONS, AddonOption, Engines, image_engines, setting_field

MARK = "# From here on made by script/addons from Earshot's settings.\n"
PORT_TEXTS = {
    "earshot": {
        "10300/tcp": "Wyoming (all four services), for satellites and servers outside of this machine; Home Assistant needs no port"
    },
    "earshot_satellite": {"10700/tcp": "Wyoming satellite, for another Home Assistant; this one needs no port"},
}
"""Add-on → port → what it is for."""


def made(folder: Path, addon: str, engines: Engines) -> dict[Path, str]:
    """Path → text of the files that follow from the settings, in an add-on's folder. What stands in config.yaml above the mark stays."""
    config = folder / "config.yaml"
    by_hand = config.read_text(encoding="utf-8").partition(MARK)[0]
    return {
        config: f"{by_hand}{MARK}{options_and_schema(addon, engines)}",
        folder / "translations" / "en.yaml": english(addon),
    }


def options_and_schema(addon: str, engines: Engines) -> str:
    """The `options:` and `schema:` of config.yaml."""
    options: dict[str, Any] = {}
    schema: dict[str, Any] = {}
    for option in OPTIONS[addon]:
        kind, default = schema_of(option, engines)
        group, _, key = option.name.rpartition(".")
        into = schema.setdefault(group, {}) if group else schema
        into[key] = [kind[1:-1]] if kind.startswith("[") else kind
        defaults = options.setdefault(group, {}) if group else options
        if not kind.rstrip("]").endswith("?"):
            defaults[key] = default
        elif kind.startswith("["):
            defaults[key] = []
    return _yaml({"options": options, "schema": schema})


def english(addon: str) -> str:
    """translations/en.yaml: what each option and port is called and does."""
    configuration: dict[str, Any] = {}
    for option in OPTIONS[addon]:
        group, _, key = option.name.rpartition(".")
        entry = {"name": option.title, "description": _sentence(text_of(option))}
        if not group:
            configuration[key] = entry
            continue
        title, text = GROUPS[group]
        whole = configuration.setdefault(group, {"name": title, "description": _sentence(text), "fields": {}})
        whole["fields"][key] = entry
    return _yaml({"configuration": configuration, "network": PORT_TEXTS[addon]})


def schema_of(option: AddonOption, engines: Engines) -> tuple[str, Any]:
    """Home Assistant's type of an option (`[…]` for a list), and its default."""
    if not option.setting:
        return option.schema, False if option.schema == "bool" else None
    field, hint = setting_field(option.setting)
    default = default_of(field)
    if option.schema == "engine":
        return f"list({'|'.join(['auto', *image_engines(engines)[option.name.partition('.')[0]]])})", default
    if option.schema:
        return option.schema, default
    low, high, choices = (field.metadata.get(key) for key in ("minimum", "maximum", "choices"))
    if choices:
        return f"list({'|'.join(choices)})", default
    if not field.repr:
        return "password?", default
    if typing.get_origin(hint) is tuple:
        return "[str?]", []
    if hint in (int, float) and (low is not None or high is not None):
        return f"{hint.__name__}({'' if low is None else low},{'' if high is None else high})", default
    return {bool: "bool", int: "int", float: "float", str: "str?"}[hint], default


def text_of(option: AddonOption) -> str:
    """What an option does."""
    return option.text or setting_field(option.setting)[0].metadata["doc"]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _yaml(values: Any) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=10_000)
