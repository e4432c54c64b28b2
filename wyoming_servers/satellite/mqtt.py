"""A broker in the house that is told what happens at a satellite, and may switch its microphone and set its volume (MQTT)."""

import asyncio
import contextlib
import importlib
import json
import logging
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ..shared.errors import SettingsError
from ..shared.protocol import printable
from ..shared.settings import MqttSection
from .events import Events, SatelliteEvent
from .hooks import as_json

_LOGGER = logging.getLogger(__name__)
_WAITING = 64
_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_ALONE = ("turn",)  # with what was said in the house: not for a broker that others read as well
_ON, _OFF = ("on", "true", "1"), ("off", "false", "0")
Change = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Changes something and tells how it is now."""


class Broker:
    """One satellite's connection, made again whenever it is lost.

    Under TOPIC/SATELLITE: `event` (JSON), and retained `state`, `microphone` (on, off) and `volume` (0 to 100). It listens to
    `set/microphone` (on, off, toggle) and `set/volume` (0 to 100); retained ones are not obeyed.
    """

    def __init__(self, section: MqttSection, satellite: str, events: Events, microphone: Change, volume: Change) -> None:
        """Blocking: loads the library, reads the password and the certificate.

        Raises: SettingsError.
        """
        try:
            self._library = importlib.import_module("aiomqtt")
        except ImportError:
            raise SettingsError("satellite.mqtt.host needs aiomqtt: pip install 'earshot-voice[mqtt]'") from None
        if not section.topic or any(each in section.topic for each in "+#\0"):
            raise SettingsError(f"satellite.mqtt.topic: {printable(section.topic, 40)!r} must not be empty, nor hold + or #")
        self._section = section
        self._satellite = satellite
        self._base = f"{section.topic}/{_level(satellite)}"
        self._events = events
        self._changes = {"microphone": microphone, "volume": volume}
        self._password = _password(section)
        self._tls = _tls(section)
        self._waiting: deque[SatelliteEvent] = deque(maxlen=_WAITING)
        self._there = asyncio.Event()
        self._told = asyncio.Event()
        self._failing = False

    def take(self, event: SatelliteEvent) -> None:
        """See events.Listener. While the broker is away, the newest events are kept."""
        if event.name not in _ALONE:
            self._waiting.append(event)
            self._told.clear()
            self._there.set()

    async def finish(self, timeout_s: float) -> None:
        """Waits until the broker has been told everything, but no longer than this, and not at all when it is not there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if self._failing else timeout_s):
                await self._told.wait()

    async def run(self) -> None:
        """Keeps the connection, until cancelled."""
        aiomqtt, section, pause_s = self._library, self._section, _FIRST_PAUSE_S
        while True:
            client = aiomqtt.Client(
                section.host,
                section.port,
                username=section.username or None,
                password=self._password,
                tls_context=self._tls,
                will=aiomqtt.Will(f"{self._base}/state", "offline", qos=1, retain=True),
                timeout=_TIMEOUT_S,
            )
            try:
                async with client:
                    _LOGGER.info("events go to the broker %s under %s", section.host, self._base)
                    self._failing, pause_s = False, _FIRST_PAUSE_S
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._publish(client), name="events to the broker")
                        group.create_task(self._obey(client), name="commands from the broker")
            except* (aiomqtt.MqttError, OSError, ValueError) as failed:
                self._lost(failed)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _publish(self, client: Any) -> None:
        for name in self._changes:
            await self._publish_state(client, name)
        await self._retain(client, "state", self._events.state)
        told = self._events.state
        while True:
            self._there.clear()
            while self._waiting:
                event = self._waiting[0]
                await client.publish(f"{self._base}/event", json.dumps(as_json(event, self._satellite)), qos=1)
                if self._waiting and self._waiting[0] is event:
                    self._waiting.popleft()  # only now: what the broker has not taken is told when it is back
                if event.name == "stopped":
                    await self._retain(client, "state", "offline")
                elif event.name in ("muted", "unmuted", "volume"):
                    await self._publish_state(client, "volume" if event.name == "volume" else "microphone")
            if self._events.state != told and not self._waiting:
                told = self._events.state
                await self._retain(client, "state", told)
            self._told.set()
            await self._there.wait()

    async def _publish_state(self, client: Any, name: str) -> None:
        state = await self._changes[name]({})
        await self._retain(client, name, ("off" if state["muted"] else "on") if name == "microphone" else str(state["percent"]))

    async def _retain(self, client: Any, name: str, value: str) -> None:
        await client.publish(f"{self._base}/{name}", value, qos=1, retain=True)

    async def _obey(self, client: Any) -> None:
        await client.subscribe(f"{self._base}/set/+", qos=1)
        async for message in client.messages:
            if message.retain:
                continue  # it was meant for another moment
            name = str(message.topic).rpartition("/")[2]
            text = bytes(message.payload or b"")[:64].decode("utf-8", "replace").strip().lower()
            wanted = await self._wanted(name, text)
            if wanted is None:
                _LOGGER.warning(
                    "the broker wants %s to be %r; allowed: microphone on, off or toggle, volume 0 to 100", name, printable(text)
                )
            else:
                await self._changes[name](wanted)

    async def _wanted(self, name: str, text: str) -> Mapping[str, Any] | None:
        if name == "microphone" and text in (*_ON, *_OFF, "toggle"):
            muted = not (await self._changes[name]({}))["muted"] if text == "toggle" else text in _OFF
            return {"muted": muted}
        if name == "volume":
            with contextlib.suppress(ValueError):
                percent = float(text)
                return {"percent": percent} if 0 <= percent <= 100 else None
        return None

    def _lost(self, failed: BaseExceptionGroup) -> None:
        if not self._failing:
            why = printable(str(_first(failed)) or type(_first(failed)).__name__, 200)
            _LOGGER.warning("the broker %s cannot be told what happens: %s; it is tried again until it is there", self._section.host, why)
        self._failing = True


def _first(failed: BaseException) -> BaseException:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed


def _level(name: str) -> str:
    """A name as one level of a topic."""
    return "".join("-" if character in "/+#\0" else character for character in name)


def _password(section: MqttSection) -> str | None:
    if not section.password_file:
        return None
    try:
        return Path(section.password_file).expanduser().read_text("utf-8").strip()
    except (OSError, ValueError) as err:
        raise SettingsError(f"satellite.mqtt.password_file: {section.password_file} cannot be read: {err}") from None


def _tls(section: MqttSection) -> ssl.SSLContext | None:
    if not section.tls:
        return None
    try:
        return ssl.create_default_context(cafile=section.ca_file or None)
    except (OSError, ValueError) as err:
        raise SettingsError(f"satellite.mqtt.ca_file: {section.ca_file} cannot be used: {err}") from None
