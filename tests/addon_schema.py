"""What Home Assistant's Supervisor admits in an add-on's folder, as its developer documentation says (August 2026)."""

import re
from typing import Any

import voluptuous as vol

_ELEMENT = re.compile(
    r"(bool|email|url|port|device(\(subsystem=[a-z]+\))?|(str|password)(\(\d*,\d*\))?|int(\(-?\d*,-?\d*\))?|float(\([\d.]*,[\d.]*\))?"
    r"|match\(.+\)|list\([^()]+\))\??"
)
_FOLDERS = ("homeassistant_config", "app_config", "all_app_configs", "local_apps", "ssl", "backup", "share", "media", "data")
_VERSION = vol.All(str, vol.Match(r"^\d+\.\d+\.\d+([-.]?[a-z0-9]+)*$"))
_PORT = r"^\d{1,5}/(tcp|udp)$"


def _element(value: Any) -> Any:
    if not isinstance(value, str) or not _ELEMENT.fullmatch(value):
        raise vol.Invalid(f"{value!r} is no option type")
    return value


_GROUP = {str: vol.Any(_element, [_element])}
SCHEMA = vol.Schema({str: vol.Any(_element, [vol.Any(_element, {str: _element})], _GROUP)})
"""`schema`: options, lists, and groups of them; a group holds no groups."""

CONFIG = vol.Schema(
    {
        vol.Required("name"): vol.All(str, vol.Length(min=1)),
        vol.Required("version"): _VERSION,
        vol.Required("slug"): vol.Match(r"^[-_.A-Za-z0-9]+$"),
        vol.Required("description"): vol.All(str, vol.Length(min=1)),
        vol.Required("arch"): vol.All([vol.In(("amd64", "aarch64"))], vol.Length(min=1), vol.Unique()),
        "url": vol.Url(),
        "image": str,
        "homeassistant": _VERSION,
        "init": bool,
        "startup": vol.In(("initialize", "system", "services", "application", "once")),
        "boot": vol.In(("auto", "manual", "manual_only")),
        "stage": vol.In(("stable", "experimental", "deprecated")),
        "ports": {vol.Match(_PORT): vol.Any(None, vol.All(int, vol.Range(1, 65535)))},
        "watchdog": vol.Match(r"^(https?|tcp)://\[HOST\]:\[PORT:\d+\].*$"),
        "ingress": bool,
        "ingress_port": vol.All(int, vol.Range(0, 65535)),
        "ingress_entry": str,
        "ingress_stream": bool,
        "panel_icon": vol.Match(r"^mdi:[a-z0-9-]+$"),
        "panel_title": str,
        "panel_admin": bool,
        "discovery": [str],
        "services": [vol.Match(r"^(mqtt|mysql):(provide|want|need)$")],
        "homeassistant_api": bool,
        "auth_api": bool,
        "audio": bool,
        "map": [{vol.Required("type"): vol.In(_FOLDERS), "read_only": bool, "path": vol.Match(r"^/.+")}],
        "environment": {vol.Match(r"^\w+$"): str},
        "tmpfs": bool,
        "timeout": vol.All(int, vol.Range(10, 300)),
        "backup": vol.In(("hot", "cold")),
        "backup_pre": str,
        "backup_post": str,
        "backup_exclude": [str],
        "breaking_versions": [_VERSION],
        "options": dict,
        "schema": SCHEMA,
    }
)
"""config.yaml, without the keys that ask for rights Earshot does not need: a new one has to be allowed here first."""

_TEXT = vol.All(str, vol.Length(min=1))
_ENTRY = {vol.Required("name"): _TEXT, vol.Required("description"): _TEXT}
TRANSLATION = vol.Schema(
    {
        vol.Required("configuration"): {str: {**_ENTRY, "fields": {str: _ENTRY}}},
        vol.Required("network"): {vol.Match(_PORT): _TEXT},
    }
)
"""translations/LANGUAGE.yaml."""

REPOSITORY = vol.Schema({vol.Required("name"): _TEXT, "url": vol.Url(), "maintainer": _TEXT})


def names(schema: dict[str, Any]) -> set[str]:
    """`group` and `group.key` of every option."""
    groups = {key: value for key, value in schema.items() if isinstance(value, dict)}
    return set(schema) | {f"{group}.{key}" for group, keys in groups.items() for key in keys}


def chosen(schema: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The options as the Supervisor writes them into options.json.

    Raises: vol.Invalid for one that is missing, unknown or of the wrong type.
    """
    if unknown := set(options) - set(schema):
        raise vol.Invalid(f"unknown: {', '.join(sorted(unknown))}")
    for key, kind in schema.items():
        first = kind[0] if isinstance(kind, list) else kind
        if key not in options and not (isinstance(first, str) and first.endswith("?")):
            raise vol.Invalid(f"missing: {key}")
    return {key: _value(schema[key], value) for key, value in options.items()}


def _value(kind: Any, value: Any) -> Any:
    if isinstance(kind, dict):
        return chosen(kind, value)
    if isinstance(kind, list):
        return [_value(kind[0], item) for item in vol.Schema(list)(value)]
    name, _, bounds = kind.rstrip("?").rstrip(")").partition("(")
    if name == "list":
        return vol.In(bounds.split("|"))(value)
    if name == "bool":
        return vol.Schema(bool)(value)
    if name in ("int", "float"):
        low, _, high = bounds.partition(",")
        return vol.All(vol.Coerce(int if name == "int" else float), vol.Range(float(low or "-inf"), float(high or "inf")))(value)
    return vol.Schema(str)(value)
