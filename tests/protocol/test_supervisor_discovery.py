"""Point G 85 of the contract: the Supervisor is told once, only when `describe` is answered, and again when it was away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from running import free_port
from stand_in_supervisor import TOKEN, Supervisor
from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_servers.addon.supervisor import Discovery
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.service import Peer, Service, Session
from wyoming_servers.shared.tasks import cancel

pytestmark = pytest.mark.contract(85)
ANNOUNCED = "tcp://0a1b2c3d-earshot:10300"
MESSAGE = {"service": "wyoming", "config": {"uri": ANNOUNCED}}


class Recogniser(Service):
    """Offers something, and is never asked for it."""

    kind = "asr"
    events = frozenset({"transcribe"})

    def programs(self) -> list[AsrProgram]:
        about = {"attribution": Attribution("", ""), "installed": True, "description": None, "version": None}
        return [AsrProgram(name="made", models=[AsrModel(name="made", languages=["en"], **about)], **about)]

    def session(self, peer: Peer) -> Session:
        raise NotImplementedError


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    made = Supervisor()
    await made.start()
    yield made
    await made.stop()


@asynccontextmanager
async def announcing(supervisor: Supervisor, uri: str, token: str = TOKEN) -> AsyncIterator[None]:
    task = asyncio.create_task(Discovery(uri, ANNOUNCED, supervisor.uri, token, ping_s=0.02).run(), name="announce")
    try:
        yield
    finally:
        await cancel(task)


@asynccontextmanager
async def server(uri: str = "tcp://127.0.0.1:0") -> AsyncIterator[str]:
    made = WyomingServer(uri, [Recogniser()])
    await made.start()
    try:
        yield made.uri
    finally:
        await made.stop()


async def test_g85_nothing_is_announced_before_describe_is_answered(supervisor: Supervisor):
    uri, connected = f"tcp://127.0.0.1:{free_port()}", asyncio.Event()

    def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        writer.close()

    port = int(uri.rpartition(":")[2])
    async with await asyncio.start_server(silent, "127.0.0.1", port), announcing(supervisor, uri):
        async with asyncio.timeout(8):
            for _ in range(3):
                connected.clear()
                await connected.wait()
        assert supervisor.posts == []


async def test_g85_it_is_announced_once_describe_is_answered(supervisor: Supervisor):
    uri = f"tcp://127.0.0.1:{free_port()}"
    async with announcing(supervisor, uri), server(uri):
        await supervisor.until(lambda: supervisor.posts)
    assert supervisor.posts == [MESSAGE]


async def test_g85_it_is_announced_only_once(supervisor: Supervisor):
    async with server() as uri, announcing(supervisor, uri):
        await supervisor.until(lambda: supervisor.pings >= 10)
    assert supervisor.posts == [MESSAGE]


@pytest.mark.parametrize("error", [400, 500, 502, 503])
async def test_g85_a_supervisor_that_is_not_ready_is_asked_again(supervisor: Supervisor, error: int):
    supervisor.ready, supervisor.error = False, error
    async with server() as uri, announcing(supervisor, uri):
        await supervisor.until(lambda: supervisor.refused)
        supervisor.ready = True
        await supervisor.until(lambda: supervisor.posts)
    assert supervisor.posts == [MESSAGE]


async def test_g85_a_supervisor_that_comes_later_is_told(supervisor: Supervisor, caplog: pytest.LogCaptureFixture):
    await supervisor.stop()
    async with server() as uri, announcing(supervisor, uri):
        async with asyncio.timeout(8):
            while "cannot be announced" not in caplog.text:
                await asyncio.sleep(0.01)
        await supervisor.start()
        await supervisor.until(lambda: supervisor.posts)


async def test_g85_a_supervisor_that_was_restarted_is_told_again(supervisor: Supervisor):
    async with server() as uri, announcing(supervisor, uri):
        await supervisor.until(lambda: supervisor.pings)
        supervisor.ready = False
        await supervisor.until(lambda: supervisor.refused)
        supervisor.ready = True
        await supervisor.until(lambda: len(supervisor.posts) == 2)
    assert supervisor.posts == [MESSAGE, MESSAGE]


async def test_g85_a_refusal_is_said_once(supervisor: Supervisor, caplog: pytest.LogCaptureFixture):
    async with server() as uri, announcing(supervisor, uri, token="wrong"):
        async with asyncio.timeout(8):
            while "answered 401" not in caplog.text:
                await asyncio.sleep(0.01)
    assert caplog.text.count("cannot be announced") == 1
    assert "wrong" not in caplog.text
