"""Home Assistant as Earshot has it: found through the settings, asked for its names, kept in step, and told what to do."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import paths
from .devices import Devices, Entity, EntityState, Room
from .errors import HouseError, SettingsError
from .home_assistant_names import Known, Registries, exposed_ids, known_from, read_copy, write_copy
from .home_assistant_socket import Access, HomeAssistantSocket, connected
from .home_assistant_states import States
from .only_telling import check_change
from .settings import Settings
from .tasks import TaskOwner

_LOGGER = logging.getLogger(__name__)
_SUPERVISOR = "http://supervisor/core"
_CHANGES = ("area_registry_updated", "floor_registry_updated", "device_registry_updated", "entity_registry_updated")
_SETTLE_S = 0.5
"""Registries change in bursts: a device that is set up brings ten entities."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_REFUSED_PAUSE_S = 300.0
"""After a token that was not accepted: Home Assistant bans addresses that try often."""
_COMMAND_S = 10.0
"""A service is done when the device has answered; some are slow."""


def access(settings: Settings, environment: Mapping[str, str] | None = None) -> Access | None:
    """Where Home Assistant is by the settings, else by the Supervisor, which gives its add-ons $SUPERVISOR_TOKEN; None where neither says.

    environment: this process's unless given. Raises: SettingsError.
    """
    section = settings.home_assistant
    environment = os.environ if environment is None else environment
    url = section.url.rstrip("/")
    if not url:
        token = environment.get("SUPERVISOR_TOKEN", "")
        return Access(_SUPERVISOR, "/websocket", token, "", section.answer_s, trusted=True) if token else None
    if not url.startswith(("http://", "https://")):
        raise SettingsError(
            f"home_assistant.url: {section.url!r} must begin with http:// or https://, for example http://homeassistant.local:8123"
        )
    token = section.token or _token_in(section.token_file)
    if not token:
        raise SettingsError(
            "home_assistant.token: there is a url but no token; make one on your profile page in Home Assistant, under Security, and set "
            "token or token_file"
        )
    found = Access(url, "/api/websocket", token, section.ca_file, section.answer_s)
    if found.host.lower() in {host.lower() for host in settings.network.egress_hosts}:
        return Access(url, "/api/websocket", token, section.ca_file, section.answer_s, trusted=True)
    return found


class HomeAssistant(Devices):
    """Keeps a connection for as long as it runs. Names and devices are the last known ones while there is none."""

    def __init__(self, place: Access, copy: Path, refresh_s: float, changed: Callable[[], None]) -> None:
        """copy: file that keeps the names; read here, blocking. changed: called on the loop when names have changed."""
        self._access = place
        self._copy = copy
        self._refresh_s = refresh_s
        self._changed = changed
        self._owner = TaskOwner()
        self._link: HomeAssistantSocket | None = None
        self._problem = "offline"
        self._complaint = ""
        self._stale = asyncio.Event()
        self._settled = asyncio.Event()
        self._states = States(self._stale.set)
        self.known: Known = read_copy(copy, place.url)
        """Names and devices as they are known now."""

    def start(self) -> None:
        """Begins to connect."""
        self._owner.start(self._keep(), "connection to Home Assistant")

    async def stop(self) -> None:
        """Hangs up."""
        await self._owner.close()

    @property
    def problem(self) -> str:
        """Why there is no connection now."""
        return self._problem

    async def settled(self) -> None:
        """Waits for the end of the first attempt to connect."""
        await self._settled.wait()

    def entities(self) -> Sequence[Entity]:
        """All that are exposed."""
        return self.known.entities

    def rooms(self) -> Sequence[Room]:
        """All areas."""
        return self.known.rooms

    def floors(self) -> Sequence[Room]:
        """All floors."""
        return self.known.floors

    def state(self, entity_id: str) -> EntityState | None:
        """How a device is."""
        return self._states.of(entity_id)

    async def call(self, service: str, entity_ids: Sequence[str], data: Mapping[str, Any] | None = None) -> None:
        """Tells devices to do something.

        Raises: HouseError.
        """
        check_change(f"call {service}")
        exposed = {entity.id for entity in self.known.entities}
        if hidden := [id for id in entity_ids if id not in exposed]:
            raise HouseError(f"{hidden[0]} is not exposed to Assist in Home Assistant", "refused")
        if self._link is None:
            raise HouseError(f"there is no connection to Home Assistant at {self._access.url}", self._problem or "offline")
        domain, _, name = service.partition(".")
        told = {"domain": domain, "service": name, "service_data": dict(data or {}), "target": {"entity_id": list(entity_ids)}}
        await self._link.ask("call_service", timeout_s=_COMMAND_S, **told)

    async def wait(self, entity_ids: Sequence[str], done: Callable[[str, EntityState], bool], timeout_s: float) -> Sequence[str]:
        """Waits for devices."""
        return await self._states.wait(entity_ids, done, timeout_s)

    async def _keep(self) -> None:
        """Connects, and connects again."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with connected(self._access) as link:
                    await self._live(link)
            except HouseError as err:
                if self._problem == "":
                    pause_s = _FIRST_PAUSE_S  # it had worked
                self._problem = err.reason if err.reason != "refused" else "address"
                self._complain(err)
            finally:
                self._settled.set()
                self._link = None
                self._states.forget()
            await asyncio.sleep(_REFUSED_PAUSE_S if self._problem in ("token", "rights") else pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _live(self, link: HomeAssistantSocket) -> None:
        """Keeps in step until the connection ends.

        Raises: HouseError.
        """
        for kind in _CHANGES:
            await link.subscribe("subscribe_events", lambda _event: self._stale.set(), event_type=kind)
        followed: list[str] = []
        subscription = 0
        while True:
            self._stale.clear()
            exposed = exposed_ids(await link.ask("homeassistant/expose_entity/list"))
            if exposed != followed or self._link is None:
                if subscription:
                    await link.unsubscribe(subscription)
                self._states.forget()
                subscription, followed = 0, exposed
                if exposed:  # no ids would mean all devices
                    subscription = await link.subscribe("subscribe_entities", self._states.take, entity_ids=exposed)
                    await self._states.first(link.ended)
                    self._stale.clear()
            await self._take_over(await self._read(link, exposed))
            if self._link is None:
                self._link, self._problem, self._complaint = link, "", ""
                self._settled.set()
                known = self.known
                _LOGGER.info(
                    "Home Assistant at %s: %d devices in %d rooms are exposed", self._access.url, len(known.entities), len(known.rooms)
                )
            await self._until_stale(link)

    async def _read(self, link: HomeAssistantSocket, exposed: Sequence[str]) -> Known:
        entries = await link.ask("config/entity_registry/get_entries", entity_ids=list(exposed)) if exposed else {}
        read = Registries(
            await link.ask("config/area_registry/list"),
            await link.ask("config/floor_registry/list"),
            await link.ask("config/device_registry/list"),
            entries,
            exposed,
            self._states.attributes(),
            self.known.entities,
        )
        return known_from(read)

    async def _take_over(self, known: Known) -> None:
        if known == self.known:
            return
        self.known = known
        self._changed()
        try:
            await asyncio.to_thread(write_copy, self._copy, self._access.url, known)
        except OSError as err:
            _LOGGER.warning("the names of Home Assistant cannot be kept for the next start: %s: %s", self._copy, err.strerror)

    async def _until_stale(self, link: HomeAssistantSocket) -> None:
        stale = asyncio.ensure_future(self._stale.wait())
        try:
            await asyncio.wait([stale, link.ended], timeout=self._refresh_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stale.cancel()
        if link.ended.done():
            raise link.ended.result()
        if self._stale.is_set():
            await asyncio.sleep(_SETTLE_S)

    def _complain(self, err: HouseError) -> None:
        """Once for each cause: a house server may be off for days."""
        if str(err) != self._complaint:
            self._complaint = str(err)
            log = _LOGGER.info if err.reason == "offline" else _LOGGER.warning
            log("%s%s", err, "; the names last known stay in use" if self.known.entities else "")


def copy_file() -> Path:
    """Where the last known names are kept."""
    return paths.state_dir() / "home_assistant.json"


def _token_in(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "it is not text"
        raise SettingsError(f"home_assistant.token_file: {file!r} cannot be read: {reason}") from None
