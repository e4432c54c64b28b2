"""What a broker is told of a satellite, what it may ask for, and how it may fail. The broker is a real one."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mqtt_broker import PATIENCE_S, listening, mqtt_broker
from running import free_port

from wyoming_servers.satellite.events import Events
from wyoming_servers.satellite.loudness import Loudness
from wyoming_servers.satellite.mqtt import Broker
from wyoming_servers.satellite.mute import Mute
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.settings import MqttSection
from wyoming_servers.shared.tasks import cancel

pytest.importorskip("amqtt", reason="amqtt, the broker for tests, is not installed: pip install 'earshot-voice[test]'")
BASE = "earshot/Living-Room"


class Told:
    """A satellite's events and switches, with a broker that is told of them."""

    def __init__(self, folder: Path, section: MqttSection) -> None:
        self.events = Events()
        self.mute = Mute("x", False, folder)
        self.volume = Loudness("x", 1.0, lambda volume: None, folder)
        self.volume.told = lambda state: self.events.tell("volume", percent=state["percent"], silenced=state["muted"])
        self.mute.tell = self._muted
        self.broker = Broker(section, "Living/Room", self.events, self.mute.change, self.volume.change)
        self.events.add(self.broker.take)

    async def _muted(self, muted: bool) -> None:
        self.events.tell("muted" if muted else "unmuted")


@asynccontextmanager
async def told(folder: Path, port: int, **section: str) -> AsyncIterator[Told]:
    satellite = Told(folder, MqttSection(host="127.0.0.1", port=port, **section))
    running = asyncio.create_task(satellite.broker.run(), name="broker")
    try:
        yield satellite
    finally:
        await cancel(running)


async def test_events_are_published_and_the_state_is_retained(tmp_path: Path) -> None:
    async with mqtt_broker() as port, told(tmp_path, port) as satellite:
        async with listening(port) as heard:
            await heard.until(f"{BASE}/state", "idle")
            satellite.events.tell("detected", wake_word="hey_jarvis", target="local")
            satellite.events.be("listening")
            await heard.until(f"{BASE}/state", "listening")
            published = [json.loads(payload) for topic, payload in heard.messages if topic == f"{BASE}/event"]
        assert [(each["event"], each["satellite"]) for each in published] == [("detected", "Living/Room"), ("listening", "Living/Room")]
        async with listening(port) as later:
            for topic, payload in (("state", "listening"), ("microphone", "on"), ("volume", "100")):
                await later.until(f"{BASE}/{topic}", payload)


async def test_what_was_said_is_not_published(tmp_path: Path) -> None:
    async with mqtt_broker() as port, told(tmp_path, port) as satellite, listening(port) as heard:
        satellite.events.tell("turn", transcript="my secret", answer="", ended="answered")
        satellite.events.be("thinking")
        await heard.until(f"{BASE}/state", "thinking")
        assert "secret" not in str(heard.messages)


async def test_the_microphone_and_the_volume_can_be_changed(tmp_path: Path) -> None:
    async with mqtt_broker() as port, told(tmp_path, port) as satellite, listening(port) as heard:
        await heard.until(f"{BASE}/volume", "100")
        await heard.publish(f"{BASE}/set/volume", "40")
        await heard.until(f"{BASE}/volume", "40")
        for wanted, state in (("off", "off"), ("toggle", "on")):
            heard.messages.clear()
            await heard.publish(f"{BASE}/set/microphone", wanted)
            await heard.until(f"{BASE}/microphone", state)
        assert (satellite.mute.muted, satellite.volume.state()["percent"]) == (False, 40)


async def test_a_retained_command_is_not_obeyed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with mqtt_broker() as port, listening(port) as heard:
        await heard.publish(f"{BASE}/set/microphone", "off", retain=True)
        async with told(tmp_path, port) as satellite:
            await heard.until(f"{BASE}/state", "idle")
            await heard.publish(f"{BASE}/set/volume", "loud")
            await heard.publish(f"{BASE}/set/volume", "30")
            await heard.until(f"{BASE}/volume", "30")
            assert not satellite.mute.muted
    assert "the broker wants volume to be 'loud'; allowed: microphone on, off or toggle, volume 0 to 100" in caplog.text


async def test_a_satellite_that_ends_is_offline(tmp_path: Path) -> None:
    async with mqtt_broker() as port, listening(port) as heard:
        async with told(tmp_path, port) as satellite:
            await heard.until(f"{BASE}/state", "idle")
            satellite.events.tell("stopped")
            await satellite.broker.finish(5.0)
        await heard.until(f"{BASE}/state", "offline")


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """A port that leads to another one, and what cuts that connection as a power cut does."""
    ends: list[asyncio.StreamWriter] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection("127.0.0.1", port)
        ends.extend((writer, onward))
        await asyncio.gather(carry(reader, onward), carry(there, writer))

    def cut() -> None:
        server.close()
        for end in ends:
            end.transport.abort()

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], cut
    finally:
        cut()


async def test_a_satellite_that_dies_is_offline(tmp_path: Path) -> None:
    async with mqtt_broker() as port, listening(port) as heard, wire_to(port) as (way, cut), told(tmp_path, way):
        await heard.until(f"{BASE}/state", "idle")
        assert (f"{BASE}/state", "offline") not in heard.messages
        cut()
        await heard.until(f"{BASE}/state", "offline")


async def test_events_of_a_broker_s_absence_are_told_when_it_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with told(tmp_path, port) as satellite:
        satellite.events.be("listening")
        async with asyncio.timeout(PATIENCE_S):
            while "cannot be told what happens" not in caplog.text:
                await asyncio.sleep(0.01)
        async with mqtt_broker(port), listening(port) as heard:
            await heard.event("listening")
            assert caplog.text.count("cannot be told what happens") == 1


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"password_file": "/no/such/file"}, "satellite.mqtt.password_file: /no/such/file cannot be read"),
        ({"topic": "a/#"}, "satellite.mqtt.topic: 'a/#' must not be empty, nor hold + or #"),
        ({"tls": True, "ca_file": "/no/such/file"}, "satellite.mqtt.ca_file: /no/such/file cannot be used"),
    ],
)
async def test_what_can_never_work_is_named(tmp_path: Path, section: dict, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        Told(tmp_path, MqttSection(host="x", **section))
    assert said in str(error.value)


async def test_the_password_comes_from_a_file(tmp_path: Path) -> None:
    from pwdlib import PasswordHash

    (tmp_path / "users").write_text(f"kitchen:{PasswordHash.recommended().hash('secret')}\n")
    (tmp_path / "password").write_text("secret\n")
    login = {"username": "kitchen", "password": "secret"}
    section = {"username": "kitchen", "password_file": str(tmp_path / "password")}
    async with mqtt_broker(passwords=tmp_path / "users") as port, listening(port, **login) as heard, told(tmp_path, port, **section):
        await heard.until(f"{BASE}/state", "idle")
