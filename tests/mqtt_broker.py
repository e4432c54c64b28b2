"""A real MQTT broker on the loopback, and a client that hears what is published."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from running import free_port

PATIENCE_S = 8.0


class Heard:
    """What came under a topic, retained or not."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.messages: list[tuple[str, str]] = []
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        """Takes messages until cancelled."""
        async for message in self.client.messages:
            self.messages.append((str(message.topic), bytes(message.payload).decode()))
            self._changed.set()

    async def until(self, topic: str, payload: str) -> None:
        """Waits for a message."""
        async with asyncio.timeout(PATIENCE_S):
            while (topic, payload) not in self.messages:
                self._changed.clear()
                await self._changed.wait()

    async def event(self, name: str) -> None:
        """Waits for a satellite's event."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(topic.endswith("/event") and json.loads(payload)["event"] == name for topic, payload in self.messages):
                self._changed.clear()
                await self._changed.wait()

    async def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publishes a message."""
        await self.client.publish(topic, payload, qos=1, retain=retain)


@asynccontextmanager
async def mqtt_broker(port: int = 0, passwords: Path | None = None) -> AsyncIterator[int]:
    """The port of a broker. passwords: a file of `user:hash` lines; None lets everybody in."""
    from amqtt.broker import Broker

    logging.getLogger("amqtt").setLevel(logging.ERROR)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    port = port or free_port()
    plugins: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": passwords is None}}
    if passwords:
        plugins = {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(passwords)}}
    broker = Broker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins})
    await broker.start()
    try:
        yield port
    finally:
        await broker.shutdown()


@asynccontextmanager
async def listening(port: int, **login: str) -> AsyncIterator[Heard]:
    """Somebody who hears what is published. login: username and password."""
    import aiomqtt

    async with aiomqtt.Client("127.0.0.1", port, **login) as client:
        await client.subscribe("earshot/#", qos=1)
        heard = Heard(client)
        task = asyncio.create_task(heard.listen(), name="listener")
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.wait([task])
