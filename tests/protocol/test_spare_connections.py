"""Connections that are made before they are needed."""

import asyncio
from pathlib import Path

import pytest
from guessing_servers import GuessingAsr, GuessingHandle, GuessingVoice, spoken_to
from virtual_time import virtual
from wyoming.ping import Ping, Pong

from wyoming_servers.satellite.spares import Spares
from wyoming_servers.shared.errors import PeerUnreachableError
from wyoming_servers.shared.server import WyomingServer


@pytest.fixture
async def server(tmp_path: Path):
    """A server on a Unix socket."""
    server = WyomingServer(f"unix://{tmp_path}/handle.sock", [GuessingHandle()])
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def spares():
    """Closed in the end."""
    spares = Spares()
    yield spares
    await spares.close()


async def ready(spares: Spares, server: WyomingServer) -> None:
    """Waits until there is a spare one."""
    spares.warm("handle", server.uri)
    while not spares._ready:
        await asyncio.sleep(0)


async def answers(client) -> bool:
    """Whether the connection is good for anything."""
    await client.send(Ping().event())
    return Pong.is_type((await client.receive(5.0)).type)


async def test_one_that_was_made_ready_is_used(server, spares):
    await ready(spares, server)
    spare = spares._ready["handle", server.uri]
    async with await spares.connect("handle", server.uri) as client:
        assert client is spare and await answers(client)


async def test_without_one_a_new_one_is_made(server, spares):
    async with await spares.connect("handle", server.uri) as client:
        assert await answers(client)


async def test_one_that_the_server_has_hung_up_on_is_not_used(tmp_path, spares):
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    uri = f"unix://{tmp_path}/handle.sock"
    async with await asyncio.start_unix_server(hang_up, f"{tmp_path}/handle.sock"):
        spares.warm("handle", uri)
        async with asyncio.timeout(5):
            while spares._keeping:
                await asyncio.sleep(0)
        assert spares._ready == {}


async def test_a_server_that_is_not_there_is_found_out_by_who_needs_it(tmp_path, spares):
    spares.warm("handle", f"unix://{tmp_path}/nobody.sock")
    await asyncio.sleep(0)
    with pytest.raises(PeerUnreachableError):
        await spares.connect("handle", f"unix://{tmp_path}/nobody.sock")


@virtual
async def test_one_that_nobody_needs_is_given_back(tmp_path: Path):
    server = WyomingServer(f"unix://{tmp_path}/handle.sock", [GuessingHandle()])
    await server.start()
    spares = Spares()
    await ready(spares, server)
    await asyncio.sleep(20)
    assert spares._ready == {}
    await server.stop()


@virtual
async def test_a_turn_makes_its_connections_while_the_user_speaks(tmp_path: Path):
    async with spoken_to(tmp_path, GuessingAsr(), GuessingHandle(), GuessingVoice()) as user:
        await user.says(0.5)  # the servers are found
        await user.stop()
        user.begin(2)
        await user.says(0.5)
        assert {kind for kind, _ in user._directory._spares._ready} == {"asr", "handle", "tts"}
        await user.pauses(0.1)
        user.ends()
        assert (await user.report()).ended == "answered"
