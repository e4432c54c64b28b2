"""Home Assistant's registries as names and devices, and the copy of them that outlives a restart."""

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .devices import Entity, Room
from .protocol import printable

_LOGGER = logging.getLogger(__name__)
_ASSISTANT = "conversation"
_MOST_ENTITIES = 2000
_MOST_CHARS = 100
"""A longer name is said by nobody, and slows every sentence."""
_VERSION = 1


@dataclass(frozen=True)
class Known:
    """What is known of the house."""

    entities: tuple[Entity, ...] = ()
    rooms: tuple[Room, ...] = ()
    floors: tuple[Room, ...] = ()


@dataclass(frozen=True)
class Registries:
    """Answers of Home Assistant's, as they came."""

    areas: Any
    floors: Any
    devices: Any
    entities: Any
    """`config/entity_registry/get_entries` of the exposed ones: id → entry, or None for an entity without one."""
    exposed: Sequence[str]
    """Ids of the exposed entities."""
    states: Mapping[str, Mapping[str, Any]]
    """Attributes of those that have a state, by id."""
    before: Sequence[Entity] = ()
    """What was known: while Home Assistant starts, devices have no state yet, and their whole name is in it."""


def exposed_ids(answer: Any) -> list[str]:
    """The entities exposed to Assist, of an answer to `homeassistant/expose_entity/list`."""
    listed = answer.get("exposed_entities") if isinstance(answer, dict) else None
    if not isinstance(listed, dict):
        return []
    found = [id for id, shown in listed.items() if "." in id and isinstance(shown, dict) and shown.get(_ASSISTANT) is True]
    if len(found) > _MOST_ENTITIES:
        _LOGGER.warning("Home Assistant exposes %d devices to Assist; only the first %d are used", len(found), _MOST_ENTITIES)
    return sorted(found)[:_MOST_ENTITIES]


def known_from(read: Registries) -> Known:
    """The names of the house. What is not as it should be is left out."""
    floors = {row["floor_id"]: row for row in _rows(read.floors, "floor_id")}
    areas = {row["area_id"]: row for row in _rows(read.areas, "area_id")}
    rooms_of_devices = {row["id"]: row.get("area_id") for row in _rows(read.devices, "id")}
    entries = read.entities if isinstance(read.entities, dict) else {}
    before = {entity.id: entity.name for entity in read.before}
    entities = []
    for id in read.exposed:
        entry = entries.get(id)
        entry = entry if isinstance(entry, dict) else {}
        attributes = read.states.get(id, {})
        name = _name(attributes.get("friendly_name")) or before.get(id) or _name(entry.get("name")) or _name(entry.get("original_name"))
        if not name or entry.get("disabled_by"):
            continue
        area = areas.get(entry.get("area_id") or rooms_of_devices.get(entry.get("device_id")), {})
        kind = attributes.get("device_class") or entry.get("device_class") or entry.get("original_device_class")
        aliases = tuple(alias for alias in _names(entry.get("aliases")) if alias.casefold() != name.casefold())
        entities.append(Entity(id, name, aliases, _name(area.get("name")), kind if isinstance(kind, str) else ""))
    return Known(
        tuple(entities),
        tuple(
            Room(name, _names(row.get("aliases")), _name(floors.get(row.get("floor_id"), {}).get("name")))
            for row in areas.values()
            if (name := _name(row.get("name")))
        ),
        tuple(Room(name, _names(row.get("aliases"))) for row in floors.values() if (name := _name(row.get("name")))),
    )


def read_copy(path: Path, url: str) -> Known:
    """What was known the last time; nothing when there is no copy, or it is of another Home Assistant. Blocking."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["version"] != _VERSION or content["url"] != url:
            return Known()
        return Known(
            tuple(Entity(**{**row, "aliases": tuple(row["aliases"])}) for row in content["entities"]),
            tuple(Room(**{**row, "aliases": tuple(row["aliases"])}) for row in content["rooms"]),
            tuple(Room(**{**row, "aliases": tuple(row["aliases"])}) for row in content["floors"]),
        )
    except FileNotFoundError:
        return Known()
    except (OSError, ValueError, TypeError, KeyError) as err:
        _LOGGER.warning("the names last known of Home Assistant cannot be read, and are asked for anew: %s: %s", path, err)
        return Known()


def write_copy(path: Path, url: str, known: Known) -> None:
    """Keeps what is known: names, no states, no token. All of it or nothing, readable by the owner only. Blocking.

    Raises: OSError.
    """
    content = {"version": _VERSION, "url": url, **asdict(known)}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")  # the servers of one machine all keep it
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _rows(answer: Any, key: str) -> Iterable[dict[str, Any]]:
    return (row for row in answer if isinstance(row, dict) and isinstance(row.get(key), str)) if isinstance(answer, list) else ()


def _names(given: Any) -> tuple[str, ...]:
    """Aliases; Home Assistant has null among them where the entity's own name stands."""
    found = [_name(value) for value in given] if isinstance(given, list) else []
    return tuple(dict.fromkeys(name for name in found if name))


def _name(given: Any) -> str:
    """A name as it can be said; empty for what is none."""
    if not isinstance(given, str):
        return ""
    name = " ".join(printable(given).split())
    return name if len(name) <= _MOST_CHARS else ""
