"""The names of the house as they are now: the owner's, and with a connection Home Assistant's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from .devices import Devices, Entity, Room
from .home_assistant import HomeAssistant, access, copy_file
from .home_assistant_names import Known
from .house import Area, Device, House
from .settings import Settings


class HouseSource:
    """One per server. `house` is right at any moment, also before `start`."""

    def __init__(self, settings: Settings) -> None:
        """Reads the names last known. Blocking.

        Raises: SettingsError.
        """
        self._own = settings.house
        place = access(settings)
        self._home_assistant = HomeAssistant(place, copy_file(), settings.home_assistant.refresh_s, self._changed) if place else None
        self.house: House = self._merged()
        """All names. Replaced as a whole when they change."""
        self._news = asyncio.Event()

    @property
    def devices(self) -> Devices | None:
        """What can be asked about and controlled; None without a connection in the settings."""
        return self._home_assistant

    def start(self) -> None:
        """Connects, and keeps in step."""
        if self._home_assistant:
            self._home_assistant.start()

    async def stop(self) -> None:
        """Hangs up."""
        if self._home_assistant:
            await self._home_assistant.stop()

    async def changes(self) -> AsyncIterator[House]:
        """The house, whenever its names have changed. For one user."""
        while True:
            await self._news.wait()
            self._news.clear()
            yield self.house

    def _changed(self) -> None:
        before, self.house = self.house, self._merged()
        if self.house != before:
            self._news.set()

    def _merged(self) -> House:
        return merged(self._own, self._home_assistant.known) if self._home_assistant else self._own


def merged(own: House, known: Known) -> House:
    """The owner's names, and Home Assistant's behind them; who is in both is there once, with all aliases."""
    areas = _with_rooms(own.areas, known.rooms)
    floors = _with_rooms(own.floors, known.floors)
    return replace(own, areas=areas, floors=floors, devices=_with_devices(own.devices, known.entities))


def _with_rooms(own: Sequence[Area], rooms: Sequence[Room]) -> tuple[Area, ...]:
    found = {area.name.casefold(): area for area in own}
    for room in rooms:
        before = found.get(room.name.casefold(), Area(room.name))
        found[room.name.casefold()] = replace(before, aliases=tuple(dict.fromkeys((*before.aliases, *room.aliases))))
    return tuple(found.values())


def _with_devices(own: Sequence[Device], entities: Sequence[Entity]) -> tuple[Device, ...]:
    def key(device: Device) -> tuple[str, str, str]:
        return device.name.casefold(), device.domain, device.area.casefold()

    found = {key(device): device for device in own}
    for entity in entities:
        device = Device(entity.name, entity.domain, entity.area, entity.aliases, entity.device_class)
        before = found.get(key(device))
        aliases = tuple(dict.fromkeys((*(before.aliases if before else ()), *entity.aliases)))
        found[key(device)] = replace(device, aliases=aliases)
    return tuple(found.values())
