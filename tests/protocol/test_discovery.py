"""Point 84 of the contract: announcements and finding, over real multicast DNS, on the loopback only."""

import asyncio
import logging
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from scripted import Scripted
from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from wyoming_servers.shared.announcer import Announcer
from wyoming_servers.shared.asking import ask
from wyoming_servers.shared.discovery import Browser, Sighting, find
from wyoming_servers.shared.identity import machine_id
from wyoming_servers.shared.multicast import SERVICE_TYPE

pytestmark = pytest.mark.contract(84)
LOOPBACK = ["127.0.0.1"]
WAIT_S = 8.0


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch) -> None:
    """The machine's id is the test's own, so that tests that run at the same time do not meet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    state = tmp_path / "earshot"
    state.mkdir()
    (state / "machine-id").write_text(os.urandom(4).hex())


class Watch:
    """A Browser that remembers."""

    def __init__(self) -> None:
        self.sightings: dict[str, Sighting] = {}
        self._changed = asyncio.Event()
        self.browser = Browser(self._seen, self._gone, on=LOOPBACK)

    def _seen(self, sighting: Sighting) -> None:
        self.sightings[sighting.name] = sighting
        self._changed.set()

    def _gone(self, name: str) -> None:
        del self.sightings[name]
        self._changed.set()

    async def until(self, condition) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition(self.sightings):
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    watching = Watch()
    await watching.browser.start()
    yield watching
    await watching.browser.stop()


@asynccontextmanager
async def announced(uri: str, kinds: list[str] | None = None, name: str | None = None) -> AsyncIterator[str]:
    """The instance name of an announced server."""
    announcer = Announcer(uri, kinds or ["asr"], name, on=LOOPBACK, poll_s=0.2)
    await announcer.start()
    try:
        async with asyncio.timeout(WAIT_S):
            registered = await announcer.announced()
        yield registered
    finally:
        await announcer.stop()


async def on_the_network(name: str) -> ServiceInfo:
    """What a stock client of multicast DNS learns about a server."""
    radio = AsyncZeroconf(interfaces=LOOPBACK)
    try:
        info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
        assert await info.async_request(radio.zeroconf, 3000)
        return info
    finally:
        await radio.async_close()


async def test_84_find_lists_who_answers_and_who_does_not(serving):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf_uri = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        async with serving(Scripted()) as uri, announced(uri, name="well"), announced(deaf_uri, name="deaf"):
            found = {server.name: server for server in await find(2.5, on=LOOPBACK)}
    assert (found["well"].uri, found["well"].info.asr[0].name) == (uri, "scripted")
    assert found["well"].round_trip_ms > 0
    assert (found["deaf"].uri, found["deaf"].info, found["deaf"].round_trip_ms) == (deaf_uri, None, None)


async def test_84_an_any_address_is_announced_as_real_addresses():
    async with announced("tcp://[::]:10300") as name:
        info = await on_the_network(name)
    addresses = info.parsed_addresses()
    assert addresses
    assert not {"0.0.0.0", "::"} & set(addresses)
    for address in addresses:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))  # fails when it is not this machine's


async def test_84_ipv6_is_announced_and_reached(serving, watch):
    async with serving(Scripted(), uri="tcp://[::1]:0") as uri, announced(uri) as name:
        await watch.until(lambda seen: name in seen)
        assert watch.sightings[name].uris == (uri,)
        assert (await ask(watch.sightings[name].uris)).info.asr


async def test_84_a_name_that_another_machine_has_is_changed(watch):
    async with (
        announced("tcp://127.0.0.1:10300", name="Küche.asr") as first,
        announced("tcp://127.0.0.1:10301", name="Küche.asr"),
    ):
        assert first == "Küche-asr"
        names = ("Küche-asr", "Küche-asr-2")
        await watch.until(lambda seen: {seen[name].uris[0][-5:] for name in names if name in seen} == {"10300", "10301"})


async def test_84_a_stock_server_without_properties_is_found(watch):
    radio = AsyncZeroconf(interfaces=LOOPBACK)
    info = AsyncServiceInfo(SERVICE_TYPE, f"stock.{SERVICE_TYPE}", parsed_addresses=["127.0.0.1"], port=4711)
    try:
        await (await radio.async_register_service(info, cooperating_responders=True))
        await watch.until(lambda seen: "stock" in seen)
        assert watch.sightings["stock"].uris == ("tcp://127.0.0.1:4711",)
    finally:
        await radio.async_close()


async def test_84_a_server_that_moves_is_followed(watch):
    radio = AsyncZeroconf(interfaces=LOOPBACK)

    def at(address: str, port: int) -> AsyncServiceInfo:
        return AsyncServiceInfo(SERVICE_TYPE, f"mover.{SERVICE_TYPE}", parsed_addresses=[address], port=port, server="mover.local.")

    try:
        await (await radio.async_register_service(at("127.0.0.1", 4711), cooperating_responders=True))
        await watch.until(lambda seen: "mover" in seen)
        await (await radio.async_update_service(at("127.0.0.2", 4712)))
        await watch.until(lambda seen: seen["mover"].uris[0] == "tcp://127.0.0.2:4712")
    finally:
        await radio.async_close()


async def test_84_where_multicast_is_impossible_there_is_one_warning_and_no_fault(caplog):
    announcer = Announcer("tcp://127.0.0.1:10300", ["asr"], on=["203.0.113.7"], poll_s=0.01)
    await announcer.start()
    async with asyncio.timeout(WAIT_S):
        while "multicast DNS does not work here" not in caplog.text:
            await asyncio.sleep(0)
    await announcer.stop()
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING and "wyoming_servers" in record.name]
    assert len(warnings) == 1


async def test_84_two_processes_find_each_other_and_notice_when_one_ends(tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "serve", "handle", "--uri", "tcp://127.0.0.1:0", stderr=asyncio.subprocess.DEVNULL
    )
    watching = Watch()
    await watching.browser.start()
    try:
        await watching.until(lambda seen: any(name.startswith(f"earshot-handle-{machine_id()}") for name in seen))
        process.terminate()
        await watching.until(lambda seen: not any(machine_id() in name for name in seen))
        assert await process.wait() == 0
    finally:
        await watching.browser.stop()
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_84_addresses_that_come_and_go_are_followed(tmp_path):
    """In a network of its own: nothing at first, then addresses, then others."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("needs the programs unshare and ip")
    if subprocess.run(["unshare", "--net", "ip", "link"], capture_output=True).returncode:
        pytest.skip("making a network namespace needs root")
    script = Path(__file__).with_name("moving_addresses.py")
    done = subprocess.run(["unshare", "--net", sys.executable, script], capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines() == [
        "no network: 2 warnings",
        "interface: tcp://10.99.0.1:10300 tcp://[fd99::1]:10300",
        "moved: tcp://10.99.0.2:10300 tcp://[fd99::1]:10300",
        "withdrawn",
    ], done.stderr
