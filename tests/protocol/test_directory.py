"""The satellite's directory of servers, with real servers that come, go, fail and move."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from scripted import Scripted
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from wyoming_servers import services
from wyoming_servers.satellite.directory import Directory, Patience, PeerRef
from wyoming_servers.shared.announcer import Announcer
from wyoming_servers.shared.errors import PeerError, PeerUnreachableError
from wyoming_servers.shared.multicast import SERVICE_TYPE
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import PeersSection, validate

LOOPBACK = ["127.0.0.1"]
WAIT_S = 8.0
QUICK = Patience(healthy_s=0.1, first_retry_s=0.02, first_back_off_s=0.3)
PATIENT = Patience(healthy_s=60, first_retry_s=0.02, first_back_off_s=60)
FAULT = PeerError("it failed")


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch) -> None:
    """The machine's id is the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


class Changes:
    """What `on_change` was told."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str | None]] = []
        self._more = asyncio.Event()

    def __call__(self, kind: str, peer: PeerRef | None) -> None:
        self.all.append((kind, peer and peer.uri))
        self._more.set()

    async def until(self, kind: str, uri: str | None) -> None:
        async with asyncio.timeout(WAIT_S):
            while (kind, uri) not in self.all:
                self._more.clear()
                await self._more.wait()

    async def until_last(self, kind: str, uri: str | None) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.all[-1:] != [(kind, uri)]:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def watching(peers: PeersSection | None = None, **options) -> AsyncIterator[Directory]:
    directory = Directory(peers or PeersSection(), **{"browse": False, "patience": QUICK, **options})
    await directory.start()
    try:
        yield directory
    finally:
        await directory.stop()


async def test_the_given_server_is_used(serving):
    async with serving(Scripted()) as uri, watching(PeersSection(asr=uri)) as directory:
        peer = await directory.pick("asr", WAIT_S)
        assert (peer.uri, peer.info.asr[0].name) == (uri, "scripted")


async def test_a_given_server_is_the_only_one_for_its_kind(serving):
    async with serving(Scripted()) as other, watching(PeersSection(asr="tcp://127.0.0.1:9"), nearby={"tts": other}) as directory:
        with pytest.raises(PeerUnreachableError, match=r"tcp://127\.0\.0\.1:9.*satellite\.peers\.asr"):
            await directory.pick("asr", 0.2)


async def test_a_given_server_that_offers_something_else_is_named(serving):
    async with serving(Scripted()) as uri, watching(PeersSection(tts=uri)) as directory:
        with pytest.raises(PeerUnreachableError, match=f"{uri} answers but offers no tts"):
            await directory.pick("tts", 0.2)


async def test_without_any_server_the_error_says_what_to_do():
    async with watching() as directory:
        with pytest.raises(PeerUnreachableError, match=r"no asr server: none is given and mDNS is switched off.*`earshot serve asr`"):
            await directory.pick("asr", 0.01)


async def test_one_server_counts_for_each_kind_it_offers(serving):
    tts = services.create("tts", validate({}))
    async with serving(Scripted(), tts) as uri, watching(nearby={"wake": uri}) as directory:
        assert (await directory.pick("asr", WAIT_S)).uri == (await directory.pick("tts", WAIT_S)).uri == uri
        assert directory.available("wake") is None


async def test_pick_waits_for_a_server_that_starts(serving, unused_uri):
    async with watching(nearby={"asr": unused_uri}) as directory:
        picking = asyncio.create_task(directory.pick("asr", WAIT_S))
        async with serving(Scripted(), uri=unused_uri):
            assert (await picking).uri == unused_uri


async def test_a_failure_moves_on_to_the_next_server_at_once(serving):
    async with (
        serving(Scripted()) as one,
        serving(Scripted()) as two,
        watching(nearby={"asr": one, "tts": two}, patience=PATIENT) as directory,
    ):
        await both_known(directory, one, two)
        first = (await directory.pick("asr", WAIT_S)).uri
        directory.report_failure(first, FAULT)
        assert {first, (await directory.pick("asr", WAIT_S)).uri} == {one, two}


async def test_the_one_that_failed_longest_ago_comes_before_the_one_that_failed_last(serving):
    async with (
        serving(Scripted()) as one,
        serving(Scripted()) as two,
        watching(nearby={"asr": one, "tts": two}, patience=PATIENT) as directory,
    ):
        await both_known(directory, one, two)
        for failing in (one, two):
            directory.report_failure(failing, FAULT)
        assert (await directory.pick("asr", WAIT_S)).uri == one


async def test_the_only_server_is_used_although_it_failed(serving):
    async with serving(Scripted()) as uri, watching(PeersSection(asr=uri), patience=PATIENT) as directory:
        await directory.pick("asr", WAIT_S)
        directory.report_failure(uri, FAULT)
        assert (await directory.pick("asr", WAIT_S)).uri == uri


async def test_after_its_back_off_a_server_is_the_first_choice_again(serving):
    changes = Changes()
    async with (
        serving(Scripted()) as one,
        serving(Scripted()) as two,
        watching(nearby={"asr": one, "tts": two}, on_change=changes) as directory,
    ):
        await both_known(directory, one, two)
        first = (await directory.pick("asr", WAIT_S)).uri
        directory.report_failure(first, FAULT)
        changes.all.clear()
        await changes.until("asr", first)
        assert (await directory.pick("asr", WAIT_S)).uri == first


async def test_a_server_that_dies_is_noticed_and_used_again_when_it_is_back(unused_uri):
    changes = Changes()
    server = WyomingServer(unused_uri, [Scripted()])
    await server.start()
    async with watching(PeersSection(asr=unused_uri), on_change=changes) as directory:
        await directory.pick("asr", WAIT_S)
        await server.stop()
        await changes.until("asr", None)
        assert directory.available("asr") is None
        again = WyomingServer(unused_uri, [Scripted()])
        await again.start()
        try:
            assert (await directory.pick("asr", WAIT_S)).uri == unused_uri
        finally:
            await again.stop()
    assert changes.all == [("asr", unused_uri), ("asr", None), ("asr", unused_uri)]


async def test_a_server_that_is_silent_is_replaced(serving):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        async with serving(Scripted()) as well, watching(nearby={"asr": uri, "tts": well}, patience=Patience(describe_s=0.1)) as directory:
            assert (await directory.pick("asr", WAIT_S)).uri == well


async def test_a_server_found_by_mdns_is_used_and_followed_to_its_new_address(serving):
    radio = AsyncZeroconf(interfaces=LOOPBACK)

    def at(uri: str) -> AsyncServiceInfo:
        port = int(uri.rpartition(":")[2])
        return AsyncServiceInfo(SERVICE_TYPE, f"mover.{SERVICE_TYPE}", parsed_addresses=["127.0.0.1"], port=port, server="mover.local.")

    changes = Changes()
    async with watching(browse=True, on=LOOPBACK, on_change=changes) as directory, serving(Scripted()) as old, serving(Scripted()) as new:
        try:
            await (await radio.async_register_service(at(old), cooperating_responders=True))
            assert (await directory.pick("asr", WAIT_S)).uri == old
            await (await radio.async_update_service(at(new)))
            await changes.until("asr", new)
            peer = await directory.pick("asr", WAIT_S)
            assert (peer.uri, peer.name) == (new, "mover")
        finally:
            await radio.async_close()


async def test_a_withdrawn_server_is_left_at_once_for_another(serving):
    changes = Changes()
    async with (
        serving(Scripted()) as leaving,
        serving(Scripted()) as staying,
        watching(nearby={"asr": staying}, browse=True, on=LOOPBACK, on_change=changes, patience=PATIENT) as directory,
    ):
        async with announced(leaving):
            await both_known(directory, leaving, staying)
            directory.report_failure(staying, FAULT)
            assert (await directory.pick("asr", WAIT_S)).uri == leaving
        await changes.until_last("asr", staying)


async def test_a_withdrawn_server_that_answers_a_little_longer_is_dropped_soon_after(serving):
    changes = Changes()
    async with watching(browse=True, on=LOOPBACK, on_change=changes, patience=PATIENT) as directory:
        async with serving(Scripted()) as uri:
            async with announced(uri):
                await directory.pick("asr", WAIT_S)
            assert (await directory.pick("asr", WAIT_S)).uri == uri
        await changes.until_last("asr", None)


@pytest.fixture
def unused_uri(unused_tcp_port: int) -> str:
    """An address where nobody listens."""
    return f"tcp://127.0.0.1:{unused_tcp_port}"


@asynccontextmanager
async def announced(uri: str) -> AsyncIterator[None]:
    announcer = Announcer(uri, ["asr"], "recogniser", on=LOOPBACK)
    await announcer.start()
    try:
        async with asyncio.timeout(WAIT_S):
            await announcer.announced()
        yield
    finally:
        await announcer.stop()


async def both_known(directory: Directory, one: str, two: str) -> None:
    """Both have answered."""
    async with asyncio.timeout(WAIT_S):
        while {one, two} != {peer.uri for peer in directory.usable("asr")}:
            await asyncio.sleep(0.01)
