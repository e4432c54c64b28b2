"""The devices of the house as tools see them: who is there, how they are, and what they are told."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_GONE = frozenset({"unavailable", "unknown"})


@dataclass(frozen=True)
class Room:
    """An area of the house."""

    name: str
    aliases: tuple[str, ...] = ()
    floor: str = ""
    """The name of the floor it is on; empty when unknown."""


@dataclass(frozen=True)
class Entity:
    """One thing that may be asked about or controlled: exposed to Home Assistant's Assist."""

    id: str
    """`light.desk_lamp`."""
    name: str
    aliases: tuple[str, ...] = ()
    area: str = ""
    """The name of the room it is in; empty when it is in none."""
    device_class: str = ""
    """`garage`, `motion`, `temperature` …; empty when it has none."""

    @property
    def domain(self) -> str:
        """`light`, `cover`, `lock` …"""
        return self.id.partition(".")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All that people call it, its own name first."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class EntityState:
    """How a device is."""

    value: str
    """In Home Assistant's words: `on`, `closed`, `21.5` …"""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """False when the device does not answer."""
        return self.value not in _GONE


class Devices(ABC):
    """What Home Assistant exposes. Nothing else can be reached."""

    @property
    @abstractmethod
    def problem(self) -> str:
        """Why there is no connection now, as the `reason` of a HouseError; empty while there is one."""

    @abstractmethod
    async def settled(self) -> None:
        """Waits until it is known whether there is a connection: a server that has just started may be asked at once."""

    @abstractmethod
    def entities(self) -> Sequence[Entity]:
        """All that are exposed; the last known ones while there is no connection."""

    @abstractmethod
    def rooms(self) -> Sequence[Room]:
        """All areas."""

    @abstractmethod
    def floors(self) -> Sequence[Room]:
        """All floors."""

    @abstractmethod
    def state(self, entity_id: str) -> EntityState | None:
        """How a device is, from memory; None when that is not known."""

    @abstractmethod
    async def call(self, service: str, entity_ids: Sequence[str], data: Mapping[str, Any] | None = None) -> None:
        """Tells devices to do something, `light.turn_on`, and waits until Home Assistant has passed it on.

        Raises: HouseError; also for an entity that is not exposed.
        """

    @abstractmethod
    async def wait(self, entity_ids: Sequence[str], done: Callable[[str, EntityState], bool], timeout_s: float) -> Sequence[str]:
        """Waits until `done` is true of every device. Returns those of which it is not when the time is over."""
