"""What audio costs on the wire: one chunk from writer to reader, and a satellite's stream handed on to two servers."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming.audio import AudioChunk
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Artifact, Info

from wyoming_servers.shared.client import WyomingClient
from wyoming_servers.shared.protocol import EventReader, encode_event, read_in_pieces
from wyoming_servers.shared.server import ServerLimits, WyomingServer
from wyoming_servers.shared.service import Peer, Service, Session

_CHUNKS = 4000
_BURST = 16
_PCM = bytes(1024)
_CHUNK_S = 0.032
_Way = tuple[Callable[[int], Awaitable[None]], Callable[[], Awaitable[object]]]
"""To write the chunk with this number, and to read one."""
_LIMITS = ServerLimits(connections=4096, connections_per_host=4096)
_HERE = Path(__file__).parents[1]


@dataclass(frozen=True)
class ChunkCost:
    """Processor time of one chunk of 1024 bytes, in µs, written and read over the loopback."""

    stock_us: float
    ours_us: float
    bare_us: float
    """The same bytes without any framing: sockets and asyncio alone."""


def chunk_cost() -> ChunkCost:
    """All three one after the other."""
    ready = encode_event(_chunk(0))

    def ours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Way:
        client = WyomingClient("", reader, writer)
        read_in_pieces(writer.transport)
        return lambda number: client.send(_chunk(number)), EventReader(reader).read

    def stock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Way:
        return lambda number: async_write_event(_chunk(number), writer), lambda: async_read_event(reader)

    def bare(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Way:
        async def write(_: int) -> None:
            writer.write(ready)
            await writer.drain()

        read_in_pieces(writer.transport)
        return write, lambda: reader.readexactly(len(ready))

    return ChunkCost(*(asyncio.run(_cost_us(way)) for way in (stock, ours, bare)))


def _chunk(number: int) -> Event:
    return AudioChunk(rate=16000, width=2, channels=1, audio=_PCM, timestamp=32 * number).event()


async def _cost_us(way: Callable[[asyncio.StreamReader, asyncio.StreamWriter], _Way]) -> float:
    done = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read = way(reader, writer)[1]
        for _ in range(_CHUNKS):
            await read()
        done.set()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        write = way(reader, writer)[0]
        began = time.process_time()
        for number in range(_CHUNKS):
            await write(number)
            if number % _BURST == _BURST - 1:
                await asyncio.sleep(0)
        await done.wait()
        took_s = time.process_time() - began
        writer.close()
    return took_s / _CHUNKS * 1e6


class _Sink(Service):
    """Takes audio and keeps none."""

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True

    def programs(self) -> Sequence[Artifact]:
        return []

    def session(self, peer: Peer) -> Session:
        return _SinkSession()


class _SinkSession(Session):
    busy = False

    async def handle(self, event: Event) -> None:
        """Nothing is done with it."""


class _Relay(_Sink):
    """Hands each chunk on to two servers, as whoever stands between satellites, wake words and recognisers does."""

    def __init__(self, uris: Sequence[str]) -> None:
        self.uris = uris
        self.chunks = 0

    def describe(self, info: Info) -> None:
        """It offers nothing."""

    def session(self, peer: Peer) -> Session:
        return _RelaySession(self)


class _RelaySession(Session):
    busy = False

    def __init__(self, relay: _Relay) -> None:
        self._relay = relay
        self._clients: list[WyomingClient] = []

    async def handle(self, event: Event) -> None:
        if not self._clients:
            self._clients = [await WyomingClient.connect(uri) for uri in self._relay.uris]
        for client in self._clients:
            await client.send(event)
        self._relay.chunks += 1

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


async def satellites_per_core(satellites: int, seconds: float) -> float:
    """How many streams of 32 ms chunks one core could hand on to two servers each, from the processor time that so many cost."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (_HERE, _HERE.parent)))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "turn.wire",
        str(satellites),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert process.stdin and process.stdout
    try:
        relay = _Relay((await process.stdout.readline()).decode().split())
        server = WyomingServer("tcp://127.0.0.1:0", [relay], _LIMITS)
        await server.start()
        process.stdin.write(f"{server.uri}\n".encode())
        await process.stdout.readline()  # all send
        before, began = relay.chunks, time.process_time()
        await asyncio.sleep(seconds)
        cost_s = (time.process_time() - began) / (relay.chunks - before)
        return _CHUNK_S / cost_s
    finally:
        process.stdin.close()
        await process.wait()
        await server.stop()


async def _send_and_sink(satellites: int) -> None:
    """The other side: two servers that take audio, and the satellites that send it."""
    sinks = [WyomingServer("tcp://127.0.0.1:0", [_Sink()], _LIMITS) for _ in range(2)]
    for sink in sinks:
        await sink.start()
    print(*(sink.uri for sink in sinks), flush=True)
    relay = (await asyncio.to_thread(sys.stdin.readline)).strip()
    clients = [await WyomingClient.connect(relay) for _ in range(satellites)]
    sending = [asyncio.create_task(_stream(client, at / satellites), name="satellite") for at, client in enumerate(clients)]
    await asyncio.sleep(0.5)
    print("sending", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in sending:
        task.cancel()
    for closing in (*clients,):
        await closing.close()
    for sink in sinks:
        await sink.stop()


async def _stream(client: WyomingClient, phase: float) -> None:
    now = asyncio.get_running_loop().time
    began = now() + phase * _CHUNK_S
    number = 0
    while True:
        await asyncio.sleep(max(0.0, began + number * _CHUNK_S - now()))
        await client.send(_chunk(number))
        number += 1


if __name__ == "__main__":
    asyncio.run(_send_and_sink(int(sys.argv[1])))
