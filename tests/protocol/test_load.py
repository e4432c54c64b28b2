"""How busy a server is: what it says, what stock peers see of it, and what the satellite's directory makes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from scripted import Scripted
from wire import AUDIO_START, AUDIO_STOP, WAIT_S, chunk, event, wire
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info

from wyoming_servers.satellite.directory import Directory, Patience
from wyoming_servers.satellite.known_peer import KnownPeer
from wyoming_servers.satellite.peers import Attempts
from wyoming_servers.shared.asking import Answer, ask
from wyoming_servers.shared.errors import PeerBusyError
from wyoming_servers.shared.occupancy import Occupancy, read
from wyoming_servers.shared.settings import PeersSection

REQUEST = event("transcribe", {"language": "en"}) + AUDIO_START + chunk(bytes(320)) + AUDIO_STOP
SOUND = {"rate": 16000, "width": 2, "channels": 1}
QUICK = Patience(healthy_s=0.1, first_retry_s=0.02, full_s=0.5)
STEADY = Patience(healthy_s=60, full_s=60)


@asynccontextmanager
async def occupied(service: Scripted, uri: str, requests: int) -> AsyncIterator[None]:
    """That many requests are under way at a server."""
    service.engine.gate.clear()
    async with wire(uri) as one, wire(uri) as two, wire(uri) as three:
        for peer in (one, two, three)[:requests]:
            await peer.send(REQUEST)
        async with asyncio.timeout(WAIT_S):
            while service.host.occupancy.working + service.host.occupancy.waiting < requests:
                await asyncio.sleep(0)
        try:
            yield
        finally:
            service.engine.gate.set()


@asynccontextmanager
async def watching(local: str, remote: str, patience: Patience) -> AsyncIterator[Directory]:
    """Both are known and have answered; `local` is the first choice."""
    directory = Directory(PeersSection(), nearby={"asr": local, "tts": remote}, browse=False, patience=patience)
    await directory.start()
    try:
        async with asyncio.timeout(WAIT_S):
            while len(directory.usable("asr")) < 2:
                await asyncio.sleep(0.01)
        yield directory
    finally:
        await directory.stop()


async def test_who_asks_is_told_how_busy_the_server_is(serving):
    service = Scripted(slots=2)
    async with serving(service) as uri, occupied(service, uri, 3):
        assert (await ask([uri])).load == {"asr": Occupancy(working=2, waiting=1, places=2)}


async def test_a_stock_client_gets_info_and_nothing_else(serving):
    async with serving(Scripted()) as uri, AsyncTcpClient("127.0.0.1", int(uri.rpartition(":")[2])) as client:
        await client.write_event(Describe().event())
        await client.write_event(Event("ping"))
        assert [(await client.read_event()).type for _ in range(2)] == ["info", "pong"]


async def test_a_stock_server_that_does_not_tell_is_asked_in_vain():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"type": "info", "data": {"asr": []}}\n')
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        answer_ = await ask([f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"])
    assert (answer_.info, answer_.load) == (Info(), None)


def test_figures_that_make_no_sense_are_left_out():
    sensible = {"working": 1, "waiting": 0, "places": 2}
    told = {"asr": sensible, "tts": {"working": -1, "waiting": 0, "places": 1}, "wake": "much", "handle": {"working": 1}, "x": None}
    assert read(Event("earshot-load", told)) == {"asr": Occupancy(**sensible)}


async def test_a_full_server_comes_behind_one_with_room(serving):
    near, far = Scripted(slots=1), Scripted(slots=1)
    async with serving(near) as one, serving(far) as two, watching(one, two, QUICK) as directory:
        first = directory.usable("asr")[0].uri
        service, other = (near, two) if first == one else (far, one)
        async with occupied(service, first, 1), asyncio.timeout(WAIT_S):
            while (await directory.pick("asr", WAIT_S)).uri != other:
                await asyncio.sleep(0.01)


async def test_when_it_has_had_room_for_a_while_it_is_the_first_choice_again(serving):
    near, far = Scripted(slots=1), Scripted(slots=1)
    async with serving(near) as one, serving(far) as two, watching(one, two, Patience(healthy_s=60, full_s=0.5)) as directory:
        first = directory.usable("asr")[0].uri
        directory.report_failure(first, PeerBusyError("no room"))
        assert (await directory.pick("asr", WAIT_S)).uri != first
        async with asyncio.timeout(WAIT_S):
            while (await directory.pick("asr", WAIT_S)).uri != first:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(("own", "full"), [(0, True), (1, False)])
async def test_our_own_request_does_not_make_a_server_count_as_busy(own, full):
    peer = KnownPeer("one", ("tcp://127.0.0.1:1",), True, STEADY)
    room = peer.rank("asr")
    peer.using["asr"] = own
    peer.answered(Answer("tcp://127.0.0.1:1", Info(), 1.0, {"asr": Occupancy(1, 0, 1)}))
    assert (peer.rank("asr")[:3] > room[:3]) is full


async def test_who_failed_is_the_last_choice_until_it_has_answered_since():
    peer = KnownPeer("one", ("tcp://127.0.0.1:1",), True, Patience(first_back_off_s=0.0))
    well = Answer("tcp://127.0.0.1:1", Info(), 1.0)
    peer.answered(well)
    fine = peer.rank("asr")
    peer.back_off()
    assert peer.rank("asr") > fine
    peer.answered(well)
    assert peer.rank("asr") == fine


@pytest.mark.parametrize("kind", ["wake", "handle"])
async def test_lasting_links_stay_where_they_are_whatever_the_load(kind):
    peer = KnownPeer("one", ("tcp://127.0.0.1:1",), True, STEADY)
    before = peer.rank(kind)
    peer.answered(Answer("tcp://127.0.0.1:1", Info(), 1.0, {kind: Occupancy(5, 5, 1)}))
    assert peer.rank(kind)[:3] == before[:3]


async def test_a_busy_recogniser_is_left_at_once_for_the_next(serving):
    near, far = Scripted(slots=1, waiting=0), Scripted(slots=1, waiting=0)
    async with serving(near) as one, serving(far) as two, watching(one, two, STEADY) as directory:
        first = directory.usable("asr")[0].uri
        service = near if first == one else far
        attempts = Attempts(directory, "asr")
        async with occupied(service, first, 1):
            began = asyncio.get_running_loop().time()
            with pytest.raises(PeerBusyError):
                await one_request(attempts)
            await attempts.failed(PeerBusyError("no room"), may_repeat=False)
            assert await one_request(attempts) == "320 bytes"
            assert asyncio.get_running_loop().time() - began < 1


async def one_request(attempts: Attempts) -> str:
    async with attempts.connection() as client:
        for message in (Transcribe(language="en"), AudioStart(**SOUND), AudioChunk(audio=bytes(320), **SOUND), AudioStop()):
            await client.send(message.event())
        while not Transcript.is_type((told := await client.receive(WAIT_S)).type):
            pass
        return told.data["text"]
