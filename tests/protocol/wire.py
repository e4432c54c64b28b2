"""A hand-written Wyoming peer for tests: sends exactly the given bytes, reads with a parser of its own."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

WAIT_S = 15.0
"""A busy machine takes its time; nobody waits so long for what comes."""


@dataclass
class Message:
    """One event as it came over the wire."""

    type: str
    data: dict[str, Any]
    payload: bytes
    header: dict[str, Any] = field(repr=False)


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *messages: bytes | str | dict) -> None:
        """Dicts and texts become a line; bytes go as they are."""
        for message in messages:
            if isinstance(message, dict):
                message = json.dumps(message)
            if isinstance(message, str):
                message = message.encode() + b"\n"
            self.writer.write(message)
        async with asyncio.timeout(WAIT_S):
            await self.writer.drain()

    def half_close(self) -> None:
        """No more will be sent; what comes is still read."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Vanishes without a goodbye."""
        self.writer.transport.abort()

    async def receive(self) -> Message | None:
        """The next event; None at the end of the stream."""
        async with asyncio.timeout(WAIT_S):
            line = await self.reader.readline()
            if not line:
                return None
            assert line.endswith(b"\n"), f"a header without an end: {line!r}"
            header = json.loads(line, parse_constant=_not_json)
            data = dict(header.get("data", {}))
            if length := header.get("data_length", 0):
                data |= json.loads(await self.reader.readexactly(length), parse_constant=_not_json)
            payload = await self.reader.readexactly(header.get("payload_length", 0))
        return Message(header["type"], data, payload, header)

    async def receive_type(self, kind: str) -> Message:
        """The next event of this type; others before it are skipped."""
        while (message := await self.receive()) is not None:
            if message.type == kind:
                return message
        raise AssertionError(f"the server hung up before it sent {kind!r}")

    async def rest(self) -> list[Message]:
        """Everything up to the end of the stream, which must come."""
        messages = []
        with contextlib.suppress(ConnectionResetError):
            while (message := await self.receive()) is not None:
                messages.append(message)
        return messages


@contextlib.asynccontextmanager
async def wire(uri: str) -> AsyncIterator[Wire]:
    """A raw connection to `tcp://HOST:PORT` or `unix:///PATH`."""
    if uri.startswith("unix://"):
        streams = await asyncio.open_unix_connection(uri.removeprefix("unix://"))
    else:
        host, _, port = uri.removeprefix("tcp://").rpartition(":")
        streams = await asyncio.open_connection(host.strip("[]"), int(port))
    peer = Wire(*streams)
    try:
        yield peer
    finally:
        peer.writer.close()
        with contextlib.suppress(OSError):
            await peer.writer.wait_closed()


def event(kind: str, data: dict[str, Any] | None = None, payload: bytes = b"") -> bytes:
    """An event as the stock library writes it: data in its own block."""
    header: dict[str, Any] = {"type": kind}
    block = json.dumps(data, ensure_ascii=False).encode() if data else b""
    if block:
        header["data_length"] = len(block)
    if payload:
        header["payload_length"] = len(payload)
    return json.dumps(header).encode() + b"\n" + block + payload


def chunk(pcm: bytes) -> bytes:
    """An audio-chunk of 16 kHz mono."""
    return event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, pcm)


AUDIO_START = event("audio-start", {"rate": 16000, "width": 2, "channels": 1})
AUDIO_STOP = event("audio-stop")


def _not_json(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")
