"""Points A 18 and 19 of the contract: idle peers, peers that do not read, and more peers than there is room for."""

import asyncio
import logging

import pytest
from scripted import Scripted
from wire import AUDIO_START, AUDIO_STOP, WAIT_S, chunk, event, wire

from wyoming_servers.shared.connection import ConnectionLimits
from wyoming_servers.shared.server import ServerLimits

BEGIN = event("transcribe", {"language": "en"}) + AUDIO_START
REQUEST = BEGIN + chunk(bytes(320)) + AUDIO_STOP
DESCRIBE = event("describe")
PING = event("ping", {"text": "well"})


@pytest.fixture
async def scripted() -> Scripted:
    return Scripted(slots=1, waiting=1)


@pytest.fixture
async def uri(serving, scripted):
    async with serving(scripted) as address:
        yield address


async def until(event_: asyncio.Event) -> None:
    async with asyncio.timeout(WAIT_S):
        await event_.wait()


async def test_a18_a_connection_that_asks_nothing_is_closed(serving, scripted):
    async with serving(scripted, limits=_patience(idle_s=0.05)) as uri, wire(uri) as peer:
        assert await peer.rest() == []


async def test_a18_an_answered_connection_that_asks_nothing_more_is_closed(serving, scripted):
    async with serving(scripted, limits=_patience(idle_s=0.1)) as uri, wire(uri) as peer:
        await peer.send(REQUEST)
        assert [message.type for message in await peer.rest()] == ["transcript"]


async def test_a18_a_request_that_is_never_finished_is_given_up_with_a_reason(serving, scripted):
    async with serving(scripted, limits=_patience(idle_s=60, request_idle_s=0.05)) as uri, wire(uri) as peer:
        await peer.send(BEGIN)
        assert [message.data["code"] for message in await peer.rest()] == ["deadline-exceeded"]
    assert scripted.open_sessions == 0


async def test_a18_a_peer_that_waits_for_its_answer_is_not_idle(serving, scripted):
    scripted.engine.gate.clear()
    async with serving(scripted, limits=_patience(idle_s=0.05, request_idle_s=0.05)) as uri, wire(uri) as peer:
        await peer.send(REQUEST)
        await until(scripted.working)
        await asyncio.sleep(0.2)  # four times its patience; nothing happens that could be waited for
        scripted.engine.gate.set()
        assert (await peer.receive()).type == "transcript"


async def test_a18_a_peer_that_never_reads_is_given_up(serving, scripted):
    async with serving(scripted, limits=_patience(stalled_s=0.1)) as uri, wire(uri) as peer:
        peer.writer.transport.pause_reading()
        scripted.languages = ["x" * 100_000]
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                while True:
                    peer.writer.write(DESCRIBE)
                    await peer.writer.drain()
                    await asyncio.sleep(0)


@pytest.mark.parametrize("limits", [ServerLimits(connections=3), ServerLimits(connections_per_host=3)], ids=["in all", "per host"])
async def test_a19_connections_past_the_cap_are_told_so_until_there_is_room(serving, scripted, limits):
    async with serving(scripted, limits=limits) as uri, wire(uri) as one, wire(uri) as two, wire(uri) as three:
        for peer in (one, two, three):
            await peer.send(PING)
            await peer.receive()
        async with wire(uri) as fourth:
            await fourth.send(DESCRIBE)
            (refusal,) = await fourth.rest()
        assert (refusal.type, refusal.data["code"]) == ("error", "busy")
        one.half_close()
        assert await one.rest() == []
        async with wire(uri) as fifth:
            await fifth.send(REQUEST)
            assert (await fifth.receive()).type == "transcript"


async def test_a19_a_flood_of_refused_connections_leaves_those_that_are_served_alone(serving, scripted, caplog):
    async with serving(scripted, limits=ServerLimits(connections=1)) as uri, wire(uri) as first:
        await first.send(PING)
        await first.receive()
        refused = [wire(uri) for _ in range(80)]
        await asyncio.gather(*(peer.__aenter__() for peer in refused))
        await first.send(REQUEST)
        assert (await first.receive()).type == "transcript"
        await asyncio.gather(*(peer.__aexit__(None, None, None) for peer in refused))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_a19_requests_past_the_queue_are_refused_as_busy(scripted, uri):
    scripted.engine.gate.clear()
    async with wire(uri) as one, wire(uri) as two, wire(uri) as three:
        for peer in (one, two):
            await peer.send(REQUEST)
            await until(scripted.working)
            scripted.working.clear()
        await three.send(REQUEST)
        (refusal,) = await three.rest()
        assert refusal.data["code"] == "busy"
        scripted.engine.gate.set()
        assert [(await peer.receive()).type for peer in (one, two)] == ["transcript", "transcript"]


def _patience(**values: float) -> ServerLimits:
    return ServerLimits(connection=ConnectionLimits(**values))
