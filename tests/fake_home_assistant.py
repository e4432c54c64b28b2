"""A house server that behaves like Home Assistant's WebSocket API, faults included; built on what its 2026.11 does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

TOKEN = "a-long-lived-token"
_BECOMES = {
    "turn_on": "on",
    "turn_off": "off",
    "open_cover": "open",
    "close_cover": "closed",
    "lock": "locked",
    "unlock": "unlocked",
    "media_play": "playing",
    "media_pause": "paused",
    "start": "cleaning",
    "return_to_base": "returning",
}


class FakeHomeAssistant:
    """A house with rooms and devices that a test sets, and that services change."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.admin = True
        self.port = 0
        self.areas: dict[str, dict[str, Any]] = {}
        self.floors: dict[str, dict[str, Any]] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self.exposed: set[str] = set()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Services that were called: name, and data with the target's `entity_id`."""
        self.delay_s = 0.0
        """From a service to the change of state."""
        self.stuck: set[str] = set()
        """Devices that take a service and do not change."""
        self.refuses: set[str] = set()
        """Devices whose services fail."""
        self.becomes = dict(_BECOMES)
        """What devices are after a service."""
        self.silent = False
        """Takes commands and answers nothing."""
        self.greeting: str | None = None
        """Said instead of `auth_required`."""
        self.sign_ins = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._listeners: dict[web.WebSocketResponse, dict[int, dict[str, Any]]] = {}
        self._runner: web.AppRunner | None = None
        self._late: set[asyncio.Task] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def room(self, name: str, floor: str = "", *aliases: str) -> None:
        """Adds an area, and its floor."""
        if floor:
            self.floors.setdefault(floor.lower(), {"floor_id": floor.lower(), "name": floor, "aliases": [], "level": None})
        id = name.lower().replace(" ", "_")
        self.areas[id] = {"area_id": id, "name": name, "aliases": list(aliases), "floor_id": floor.lower() or None}

    def device(
        self, id: str, name: str, state: str = "off", area: str = "", *aliases: str, exposed: bool = True, **attributes: Any
    ) -> None:
        """Adds an entity; its room is its device's, as with most in Home Assistant."""
        self.entries[id] = {
            "entity_id": id,
            "device_id": f"device of {id}",
            "area_id": None,
            "name": None,
            "original_name": name,
            "aliases": [None, *aliases],
            "disabled_by": None,
            "hidden_by": None,
            "device_class": None,
            "original_device_class": attributes.get("device_class"),
            "device_area": area.lower().replace(" ", "_") or None,
        }
        self.states[id] = {"s": state, "a": {"friendly_name": name, **attributes}}
        if exposed:
            self.exposed.add(id)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/api/websocket", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        """As when it is switched off; `start` brings it back on the same port."""
        for task in self._late:
            task.cancel()
        for socket in list(self._sockets):
            await socket.close()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def change(self, id: str, state: str | None = None, **attributes: Any) -> None:
        """A device changes by itself."""
        added: dict[str, Any] = {}
        if state is not None:
            self.states[id]["s"] = added["s"] = state
        if attributes:
            self.states[id]["a"].update(attributes)
            added["a"] = attributes
        await self._tell_states(id, {"c": {id: {"+": added}}})

    async def registry(self, kind: str = "entity") -> None:
        """Tells that a registry has changed."""
        for socket, listeners in list(self._listeners.items()):
            for number, wanted in listeners.items():
                if wanted.get("event_type") == f"{kind}_registry_updated":
                    await _send(socket, {"id": number, "type": "event", "event": {"event_type": wanted["event_type"], "data": {}}})

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        self._listeners[socket] = {}
        try:
            if self.greeting is not None:
                await socket.send_str(self.greeting)
            else:
                await _send(socket, {"type": "auth_required", "ha_version": "2026.11.0"})
            async for message in socket:
                if message.type is WSMsgType.TEXT and not await self._take(socket, json.loads(message.data)):
                    break
        finally:
            self._sockets.discard(socket)
            self._listeners.pop(socket, None)
        return socket

    async def _take(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> bool:
        if message["type"] == "auth":
            self.sign_ins += 1
            if message.get("access_token") != self.token:
                await _send(socket, {"type": "auth_invalid", "message": "Invalid access token or password"})
                return False
            await _send(socket, {"type": "auth_ok", "ha_version": "2026.11.0"})
            return True
        if self.silent:
            return True
        number, kind = message["id"], message["type"]
        if kind == "call_service":
            await self._service(socket, message)
        elif kind == "homeassistant/expose_entity/list" and not self.admin:
            await _refuse(socket, number, "unauthorized", "Unauthorized")
        elif kind == "unsubscribe_events":
            self._listeners[socket].pop(message["subscription"], None)
            await _result(socket, number, None)
        elif kind in ("subscribe_events", "subscribe_entities"):
            self._listeners[socket][number] = message
            await _result(socket, number, None)
            if kind == "subscribe_entities":
                wanted = {id: self.states[id] for id in message["entity_ids"] if id in self.states}
                await _send(socket, {"id": number, "type": "event", "event": {"a": wanted}})
        elif kind in self._answers(message):
            await _result(socket, number, self._answers(message)[kind])
        else:
            await _refuse(socket, number, "unknown_command", "Unknown command.")
        return True

    def _answers(self, message: dict[str, Any]) -> dict[str, Any]:
        devices = [
            {"id": row["device_id"], "area_id": row["device_area"], "name": "", "name_by_user": None} for row in self.entries.values()
        ]
        return {
            "homeassistant/expose_entity/list": {
                "exposed_entities": {id: {"conversation": id in self.exposed, "cloud.alexa": True} for id in self.entries}
            },
            "config/area_registry/list": list(self.areas.values()),
            "config/floor_registry/list": list(self.floors.values()),
            "config/device_registry/list": devices,
            "config/entity_registry/get_entries": {id: self.entries.get(id) for id in message.get("entity_ids", [])},
        }

    async def _service(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        ids = message["target"]["entity_id"]
        self.calls.append((f"{message['domain']}.{message['service']}", {**message["service_data"], "entity_id": ids}))
        if failing := [id for id in ids if id in self.refuses]:
            await _refuse(socket, message["id"], "home_assistant_error", f"{failing[0]} did not answer")
            return
        for id in ids:
            if id not in self.stuck:
                task = asyncio.create_task(self._obey(id, message["service"], message["service_data"]))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
        await _result(socket, message["id"], {"context": {"id": "1"}})

    async def _obey(self, id: str, service: str, data: dict[str, Any]) -> None:
        await asyncio.sleep(self.delay_s)
        attributes = {}
        if "brightness_pct" in data:
            attributes["brightness"] = round(data["brightness_pct"] * 2.55)
        for key in ("temperature", "volume_level", "percentage", "color_temp_kelvin", "is_volume_muted"):
            if key in data:
                attributes[key] = data[key]
        if "position" in data:
            attributes["current_position"] = data["position"]
        state = self.becomes.get(service)
        if service == "toggle":
            state = "off" if self.states[id]["s"] == "on" else "on"
        await self.change(id, state, **attributes)

    async def _tell_states(self, id: str, event: dict[str, Any]) -> None:
        for socket, listeners in list(self._listeners.items()):
            for number, wanted in listeners.items():
                if wanted["type"] == "subscribe_entities" and id in wanted["entity_ids"]:
                    await _send(socket, {"id": number, "type": "event", "event": event})


@asynccontextmanager
async def home_assistant(*, furnished: bool = True) -> AsyncIterator[FakeHomeAssistant]:
    """One that runs; furnished: with the house of the tests."""
    fake = FakeHomeAssistant()
    if furnished:
        furnish(fake)
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()


def furnish(fake: FakeHomeAssistant) -> None:
    """Two floors, four rooms, one device of most kinds."""
    fake.room("Kitchen", "Downstairs")
    fake.room("Living Room", "Downstairs", "lounge")
    fake.room("Bedroom", "Upstairs")
    fake.room("Garage")
    fake.device("light.kitchen_ceiling", "Kitchen Ceiling", "on", "Kitchen", brightness=255)
    fake.device("light.counter", "Counter Lights", "off", "Kitchen", "worktop")
    fake.device("light.bed_lamp", "Bed Lamp", "off", "Bedroom")
    fake.device("light.lounge_reading", "Reading Lamp", "off", "Living Room")
    fake.device("light.bedroom_reading", "Reading Lamp", "on", "Bedroom")
    fake.device("switch.kettle", "Kettle", "off", "Kitchen")
    fake.device("fan.bedroom", "Ceiling Fan", "off", "Bedroom", percentage=0)
    fake.device("cover.garage_door", "Garage Door", "closed", "Garage", device_class="garage", current_position=0)
    fake.device("cover.blind", "Bedroom Blind", "open", "Bedroom", device_class="blind", current_position=100)
    fake.device("lock.front", "Front Door", "locked", "Living Room")
    fake.device("climate.lounge", "Thermostat", "heat", "Living Room", current_temperature=20.5, temperature=21, temperature_unit="°C")
    fake.device("sensor.bedroom", "Bedroom Temperature", "18.5", "Bedroom", device_class="temperature", unit_of_measurement="°C")
    fake.device("binary_sensor.window", "Kitchen Window", "on", "Kitchen", device_class="window")
    fake.device("media_player.radio", "Radio", "playing", "Kitchen", volume_level=0.4)
    fake.device("scene.movie", "Movie Night", "2026-11-01T20:00:00")
    fake.device("script.goodnight", "Goodnight", "off")
    fake.device("vacuum.robo", "Robo", "docked")
    fake.device("light.secret", "Secret Lamp", "off", "Garage", exposed=False)


async def _send(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    if not socket.closed:
        await socket.send_json(message)


async def _result(socket: web.WebSocketResponse, number: int, result: Any) -> None:
    await _send(socket, {"id": number, "type": "result", "success": True, "result": result})


async def _refuse(socket: web.WebSocketResponse, number: int, code: str, message: str) -> None:
    await _send(socket, {"id": number, "type": "result", "success": False, "error": {"code": code, "message": message}})
