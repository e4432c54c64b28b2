"""Which devices are meant. What is not certain is asked or said, never guessed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import NoAnswerError, ToolError
from wyoming_servers.shared.tool import Devices, Entity, Room, ToolContext

from .wording import Wording

_EVERYWHERE = ("_all",)
"""Ends of the answers Home Assistant's templates ask for when a whole house is meant: `light_all`."""


@dataclass(frozen=True)
class Which:
    """A question to the user."""

    text: str
    argument: str
    """What the answer fills."""


class Chooser:
    """Finds devices by what was said."""

    def __init__(self, devices: Devices, wording: Wording, context: ToolContext) -> None:
        self._devices = devices
        self._wording = wording
        self._here = context.area

    def meant(self, args: Any, fits: Callable[[Entity], bool], *, everywhere: bool = False) -> list[Entity] | Which:
        """The devices, or what must be asked first.

        fits: whether a device can do what is wanted. everywhere: without a room the whole house is meant.
        Raises: ToolError, NoAnswerError.
        """
        if args.unknown:
            raise NoAnswerError(self._wording.say("unknown_device", name=args.unknown))
        if args.entities:
            ids = set(args.entities.split(","))
            return [entity for entity in self._devices.entities() if entity.id in ids]
        area = self._place(args.area, self._devices.rooms(), "unknown_area")
        floor = self._place(args.floor, self._devices.floors(), "unknown_floor")
        if args.name:
            return self._named(args, area, floor, fits)
        return self._in_place(args, area, floor, fits, everywhere=everywhere or (args.response or "").endswith(_EVERYWHERE))

    def near(self, entities: Sequence[Entity], args: Any) -> list[Entity] | Which:
        """Those of the room or floor that is said, else of the room that speaks, else the only ones there are.

        Raises: ToolError.
        """
        area = self._place(args.area, self._devices.rooms(), "unknown_area")
        floor = self._place(args.floor, self._devices.floors(), "unknown_floor")
        here = area or ("" if floor else self._own_room())
        found = self._within(entities, here, floor)
        if not found and not floor and self._is_here(area):
            found = list(entities)
        if not found:
            raise ToolError(self._wording.none_of("temperature", area or floor))
        rooms = list(dict.fromkeys(entity.area for entity in found))
        return found if len(rooms) == 1 or floor else Which(self._wording.say("which_room"), "area")

    def _named(self, args: Any, area: str, floor: str, fits: Callable[[Entity], bool]) -> list[Entity] | Which:
        wanted = plain(args.name)
        called = [entity for entity in self._devices.entities() if wanted in map(plain, entity.names)]
        if not called:
            raise NoAnswerError(self._wording.say("unknown_device", name=args.name))
        found = self._within(called, area, floor)
        if not found:
            raise ToolError(self._wording.say("not_there", name=called[0].name, area=area or floor))
        able = [entity for entity in found if fits(entity) and args.domain in (None, "", entity.domain)]
        if not able:
            raise ToolError(self._wording.say("cannot", name=found[0].name))
        near = [entity for entity in able if self._here and plain(entity.area) == plain(self._here)]
        able = near if len(able) > 1 and near else able
        return able if len(able) == 1 else self._ask(able)

    def _ask(self, able: Sequence[Entity]) -> Which:
        """Which of several of one name: by their own names where those differ, else by their rooms."""
        names = list(dict.fromkeys(entity.name for entity in able))
        if len(names) == len(able):
            return Which(self._wording.either("which_name", names), "name")
        areas = list(dict.fromkeys(entity.area for entity in able if entity.area))
        if len(areas) == len(able):
            return Which(self._wording.either("which_area", areas, name=able[0].name), "area")
        raise ToolError(self._wording.say("same_name", name=able[0].name))

    def _in_place(self, args: Any, area: str, floor: str, fits: Callable[[Entity], bool], *, everywhere: bool) -> list[Entity] | Which:
        if not (args.domain or args.device_class):
            raise NoAnswerError(self._wording.say("no_device"))
        kind = [
            entity
            for entity in self._devices.entities()
            if args.domain in (None, "", entity.domain) and args.device_class in (None, "", entity.device_class) and fits(entity)
        ]
        if not (area or floor or everywhere):
            area = self._own_room()
            if not area:
                rooms = list(dict.fromkeys(entity.area for entity in kind if entity.area))
                if len(kind) == 1 or not rooms:
                    return self._some(kind, args, "")
                return Which(self._wording.say("which_room"), "area")
        there = self._within(kind, area, floor)
        if not there and not floor and args.domain == "climate" and self._is_here(area) and len(kind) == 1:
            there = kind  # one thermostat for the whole house
        return self._some(there, args, area or floor)

    def _some(self, found: list[Entity], args: Any, place: str) -> list[Entity]:
        if not found:
            raise ToolError(self._wording.none_of(args.domain, place))
        return found

    def _is_here(self, area: str) -> bool:
        """Whether no other room was named: templates fill in the one that speaks."""
        return not area or bool(self._here) and plain(area) == plain(self._own_room())

    def _own_room(self) -> str:
        """The room that speaks, if Home Assistant knows it."""
        return next((room.name for room in self._devices.rooms() if plain(self._here) in _names(room)), "") if self._here else ""

    def _within(self, entities: Sequence[Entity], area: str, floor: str) -> list[Entity]:
        floors = {plain(room.name): plain(room.floor) for room in self._devices.rooms()}
        return [
            entity
            for entity in entities
            if (not area or plain(entity.area) == plain(area)) and (not floor or floors.get(plain(entity.area)) == plain(floor))
        ]

    def _place(self, said: str | None, places: Sequence[Room], unknown: str) -> str:
        """The name of a room or floor, as Home Assistant has it; empty when none was said."""
        if not said:
            return ""
        for place in places:
            if plain(said) in _names(place):
                return place.name
        raise ToolError(self._wording.say(unknown, area=said))


def plain(name: str) -> str:
    """A name by its letters alone: `Bed-Lamp` and `bed lamp` are one."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in name.casefold()).split())


def _names(room: Room) -> set[str]:
    return {plain(name) for name in (room.name, *room.aliases)}
