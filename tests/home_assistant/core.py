"""A real Home Assistant Core: its process, and its owner's way in."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import numpy as np
from kept import Kept, answers, until
from running import free_port

_CONFIGURATION = """\
homeassistant:
  name: Test
  time_zone: Europe/London
  internal_url: http://127.0.0.1:{port}
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
config:
assist_pipeline:
  debug_recording_dir: {folder}/heard
zeroconf:
logger:
  default: warning
  logs:
    homeassistant.components.wyoming: debug
"""
_START_S = 120.0
_LOOK_S = 0.2
_OWNER = {"name": "Ada", "username": "ada", "password": "earshot earshot", "language": "en"}


class Core:
    """A running Home Assistant, in the root folder that script/test-home-assistant made."""

    def __init__(self, folder: Path) -> None:
        """folder: for its configuration and log; below /tmp, which it shares with the tests."""
        self._root = os.environ["EARSHOT_HOME_ASSISTANT"]
        self.url = f"http://127.0.0.1:{free_port()}/"
        self._port = int(self.url.rsplit(":", 1)[1].rstrip("/"))
        (folder / "configuration.yaml").write_text(_CONFIGURATION.format(port=self._port, folder=folder))
        command = ["/opt/home-assistant/bin/hass", "--config", str(folder), "--skip-pip"]
        self.kept = Kept(self._inside(*command), folder / "core.log")
        self.token = ""
        """A long-lived access token of the owner."""

    def _inside(self, *command: str) -> list[str]:
        path = "PATH=/opt/home-assistant/bin:/usr/bin:/bin"
        return ["chroot", self._root, "/usr/bin/env", "-i", "HOME=/root", "LANG=C.UTF-8", path, *command]

    def wait(self) -> None:
        """Until it answers."""
        until(lambda: answers(self._port), _START_S, f"Home Assistant does not answer ({self.kept.log})")

    async def restart(self) -> None:
        """As its owner does, from its own page."""
        old = self.kept.pid
        async with self.client() as client:
            await client.call("homeassistant", "restart")
        until(lambda: self.kept.pid not in (old, None), _START_S, f"Home Assistant does not restart ({self.kept.log})")
        self.wait()

    def stop(self) -> None:
        """Shuts it down."""
        self.kept.stop()

    def decode(self, sound: bytes) -> np.ndarray:
        """A sound file of any kind as (n,) int16 mono 16 kHz."""
        command = self._inside("ffmpeg", "-loglevel", "error", "-i", "-", "-f", "s16le", "-ar", "16000", "-ac", "1", "-")
        return np.frombuffer(subprocess.run(command, input=sound, capture_output=True, check=True, timeout=30).stdout, "<i2")

    async def onboard(self) -> None:
        """Makes the owner's account and a token for us."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
            client_id = {"client_id": self.url}
            reply = await session.post(urljoin(self.url, "api/onboarding/users"), json=_OWNER | client_id, raise_for_status=True)
            code = (await reply.json())["auth_code"]
            form = client_id | {"grant_type": "authorization_code", "code": code}
            reply = await session.post(urljoin(self.url, "auth/token"), data=form, raise_for_status=True)
            self.token = (await reply.json())["access_token"]
        async with self.client() as client, client.socket() as socket:
            self.token = await socket.command("auth/long_lived_access_token", client_name="tests", lifespan=1)

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Client"]:
        """The owner's way in."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(60)) as session:
            yield Client(self, session)


class Client:
    """The REST interface, and the way to the WebSocket."""

    def __init__(self, core: Core, session: aiohttp.ClientSession) -> None:
        self.core = core
        self.http = session

    async def get(self, path: str) -> Any:
        """What is there.

        Raises: aiohttp.ClientResponseError.
        """
        async with self.http.get(urljoin(self.core.url, path), raise_for_status=True) as reply:
            return await reply.json()

    async def ends_turns(self) -> bool:
        """True where a recogniser may end the turn itself: from 2026.10 on."""
        year, month, *_ = (await self.get("api/config"))["version"].split(".")
        return (int(year), int(month)) >= (2026, 10)

    async def post(self, path: str, **body: Any) -> Any:
        """Its answer.

        Raises: aiohttp.ClientResponseError.
        """
        async with self.http.post(urljoin(self.core.url, path), json=body, raise_for_status=True) as reply:
            return await reply.json()

    async def discovered(self, name: str, timeout_s: float = 60) -> str:
        """Waits until Home Assistant offers to add what is called so; returns the number of its flow.

        Raises: TimeoutError.
        """
        async with self.socket() as socket, asyncio.timeout(timeout_s):
            while True:
                for flow in await socket.command("config_entries/flow/progress"):
                    if flow["handler"] == "wyoming" and flow["context"].get("title_placeholders", {}).get("name") == name:
                        return flow["flow_id"]
                await asyncio.sleep(_LOOK_S)

    async def call(self, domain: str, service: str, **data: Any) -> Any:
        """Performs an action, as automations and buttons do; returns when it is done."""
        return await self.post(f"api/services/{domain}/{service}", **data)

    async def state(self, entity: str) -> str:
        """Of an entity; `unavailable` also where there is none (yet)."""
        async with self.http.get(urljoin(self.core.url, f"api/states/{entity}")) as reply:
            return (await reply.json()).get("state", "unavailable")

    async def available(self, entities: Iterable[str], timeout_s: float = 60) -> None:
        """Waits until all of these can be used.

        Raises: TimeoutError.
        """
        async with asyncio.timeout(timeout_s):
            for entity in entities:
                while await self.state(entity) == "unavailable":
                    await asyncio.sleep(_LOOK_S)

    async def add(self, port: int) -> dict[str, Any]:
        """Adds a Wyoming server on this machine through the config flow; returns the flow's last step."""
        flow = await self.post("api/config/config_entries/flow", handler="wyoming", show_advanced_options=False)
        return await self.post(f"api/config/config_entries/flow/{flow['flow_id']}", host="127.0.0.1", port=port)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """A WebSocket of its own, signed in."""
        async with self.http.ws_connect(urljoin(self.core.url, "api/websocket"), max_msg_size=0) as connection:
            socket = Socket(connection)
            await socket.receive()
            await connection.send_json({"type": "auth", "access_token": self.core.token})
            assert (await socket.receive())["type"] == "auth_ok"
            yield socket


class Socket:
    """Commands, one at a time."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self.connection = connection
        self._number = 0

    async def receive(self, timeout_s: float = 60) -> dict[str, Any]:
        """The next message.

        Raises: TimeoutError.
        """
        return await self.connection.receive_json(timeout=timeout_s)

    async def send(self, command: str, **fields: Any) -> int:
        """Sends a command; returns its number."""
        self._number += 1
        await self.connection.send_json({"id": self._number, "type": command, **fields})
        return self._number

    async def command(self, command: str, **fields: Any) -> Any:
        """Sends a command and waits for its result, passing over events of earlier ones.

        Raises: RuntimeError with Home Assistant's own words.
        """
        number = await self.send(command, **fields)
        while True:
            message = await self.receive()
            if message.get("id") == number and message["type"] == "result":
                if not message["success"]:
                    raise RuntimeError(f"{command}: {message['error']}")
                return message["result"]
