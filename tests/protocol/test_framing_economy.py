"""Audio costs little on the wire: one write for each chunk, and what all chunks have in common is worked out once."""

import asyncio

from scripted import Scripted
from wyoming.audio import AudioChunk
from wyoming.event import Event, async_read_event

from wyoming_servers.shared.client import WyomingClient
from wyoming_servers.shared.protocol import EventReader, encode_event
from wyoming_servers.shared.service import Peer


class CountingTransport(asyncio.Transport):
    """Takes everything at once, and keeps each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""


def writer() -> tuple[asyncio.StreamWriter, list[bytes]]:
    transport, reader, loop = CountingTransport(), asyncio.StreamReader(), asyncio.get_running_loop()
    return asyncio.StreamWriter(transport, asyncio.StreamReaderProtocol(reader), reader, loop), transport.writes


def chunk(number: int) -> Event:
    return AudioChunk(rate=16000, width=2, channels=1, audio=bytes([number]) * 1024, timestamp=32 * number).event()


def fed(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def test_the_client_writes_each_chunk_in_one_piece():
    streams, writes = writer()
    client = WyomingClient("tcp://127.0.0.1:1", asyncio.StreamReader(), streams)
    for number in range(3):
        await client.send(chunk(number))
    assert writes == [encode_event(chunk(number)) for number in range(3)]


async def test_a_server_writes_each_chunk_in_one_piece():
    streams, writes = writer()
    peer = Peer(streams, "test")
    for number in range(3):
        await peer.send(chunk(number))
    assert writes == [encode_event(chunk(number)) for number in range(3)]


async def test_the_stock_library_reads_what_is_written_from_memory():
    reader = fed(b"".join(encode_event(chunk(number)) for number in range(5)))
    assert [await async_read_event(reader) for _ in range(5)] == [chunk(number) for number in range(5)]


async def test_events_with_the_same_header_have_their_own_data():
    events = [Event("x", {"a": 1}), Event("x", {"b": 2}), Event("x", {"a": 3})]
    reader = EventReader(fed(b"".join(map(encode_event, events))))
    assert [await reader.read() for _ in events] == events


async def test_what_a_reader_does_to_an_event_is_not_seen_in_the_next():
    line = b'{"type": "x", "data": {"names": ["a"]}}\n'
    reader = EventReader(fed(line + line))
    first = await reader.read()
    first.data["names"].append("b")
    assert (await reader.read()).data == {"names": ["a"]}


async def test_little_is_offered_to_each_read_for_memory_that_is_mapped_and_unmapped_costs_more_than_a_chunk(serving, monkeypatch):
    pieces: list[int] = []
    feed = asyncio.StreamReader.feed_data

    def note(self: asyncio.StreamReader, data: bytes) -> None:
        pieces.append(len(data))
        feed(self, data)

    monkeypatch.setattr(asyncio.StreamReader, "feed_data", note)
    text = "x" * 500_000
    async with serving(Scripted()) as uri, await WyomingClient.connect(uri) as client:
        await client.send(Event("ping", {"text": text}))
        assert (await client.receive(5.0)).data == {"text": text}
    assert sum(pieces) > 2 * len(text)
    assert max(pieces) <= 32 * 1024
