"""A bounded Wyoming client: every wait has a deadline, an `error` event and a hang-up become exceptions."""

import asyncio
import os
import socket
from types import TracebackType
from typing import Self

from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from . import occupancy
from .errors import BusyError, PeerBusyError, PeerError, PeerUnreachableError, ProtocolError
from .gate import Gate, Trip
from .occupancy import Occupancy
from .protocol import DEFAULT_LIMITS, EventReader, encode_event, is_sent, printable, read_in_pieces
from .uri import split_uri

CONNECT_TIMEOUT_S = 2.0
DESCRIBE_TIMEOUT_S = 2.0
_STALLED_S = 10.0
_CLOSE_S = 0.5


class WyomingClient:
    """One connection to one server. Use as `async with await WyomingClient.connect(uri) as client`."""

    def __init__(self, uri: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trip: Trip | None = None) -> None:
        self.uri = uri
        self._trip = trip
        self._sent_bytes = self._received_bytes = 0
        self._incoming = EventReader(reader)
        self._writer = writer
        self._transport = writer.transport
        read_in_pieces(self._transport)

    @classmethod
    async def connect(
        cls, uri: str, timeout_s: float = CONNECT_TIMEOUT_S, *, lost_s: float | None = None, gate: Gate | None = None
    ) -> Self:
        """Connects to `tcp://HOST:PORT` or `unix:///PATH`.

        lost_s: the connection fails when the other machine has not confirmed by then what was sent (a pulled cable, a machine without
        power; Linux only). A server that only takes its time does not fail by it. None leaves that to TCP: a quarter of an hour.
        gate: is asked before, and told afterwards what was sent and received.

        Raises: PeerUnreachableError; SettingsError when the URI is not one; what the gate raises.
        """
        host = split_uri(uri)[1]
        trip = await gate.leave("WYOMING", host, 1) if gate and host else None
        try:
            return cls(uri, *await cls._streams(uri, timeout_s, lost_s), trip)
        except PeerUnreachableError as err:
            if trip:
                trip.end(0, 0, str(err), sent=False)
            raise

    @classmethod
    async def _streams(cls, uri: str, timeout_s: float, lost_s: float | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        scheme, host, port, path = split_uri(uri)
        limit = DEFAULT_LIMITS.header_bytes
        try:
            async with asyncio.timeout(timeout_s):
                if scheme == "unix":
                    streams = await asyncio.open_unix_connection(path, limit=limit)
                else:
                    streams = await asyncio.open_connection(host, port, limit=limit)
        except TimeoutError:
            raise PeerUnreachableError(f"{uri} did not answer within {timeout_s:g} s") from None
        except OSError as err:
            raise PeerUnreachableError(f"cannot connect to {uri}: {_reason(err)}") from err
        if lost_s is not None and scheme == "tcp":
            _notice_loss(streams[1].get_extra_info("socket"), lost_s)
        return streams

    async def send(self, event: Event) -> None:
        """Sends one event; waits while the server is slow to read, but not for ever.

        Raises: PeerUnreachableError.
        """
        encoded = encode_event(event)
        self._sent_bytes += len(encoded)
        self._transport.write(encoded)
        if is_sent(self._transport):
            return
        try:
            async with asyncio.timeout(_STALLED_S):
                await self._writer.drain()
        except TimeoutError:
            raise PeerUnreachableError(f"{self.uri} has read nothing for {_STALLED_S:g} s") from None
        except OSError as err:
            raise PeerUnreachableError(f"{self.uri} hung up: {err.strerror or err}") from err

    async def reassure(self, every_s: float) -> None:
        """Sends a `ping` every so often, for ever: a connection over which nothing else goes notices its loss by it.

        Raises: PeerUnreachableError.
        """
        while True:
            await asyncio.sleep(every_s)
            await self.send(Ping().event())

    async def receive(self, timeout_s: float | None) -> Event:
        """The next event; None waits for ever (only for links that live long).

        Raises: PeerError for an `error` event, PeerBusyError when it says that there is no room; PeerUnreachableError after a hang-up
        or `timeout_s`. Afterwards only close.
        """
        try:
            async with asyncio.timeout(timeout_s):
                event = await self._incoming.read()
        except TimeoutError:
            raise PeerUnreachableError(f"{self.uri} said nothing for {timeout_s:g} s") from None
        except (OSError, ProtocolError) as err:
            raise PeerUnreachableError(f"{self.uri}: {err}") from err
        if event is None:
            raise PeerUnreachableError(f"{self.uri} hung up")
        if self._trip:
            self._received_bytes += len(encode_event(event))
        if Error.is_type(event.type):
            text, code = str(event.data.get("text", "")), str(event.data.get("code") or "")
            kind = PeerBusyError if code == BusyError.code else PeerError
            raise kind(f"{self.uri}: {printable(text)}" + (f" ({printable(code, 40)})" if code else ""))
        return event

    async def close(self) -> None:
        """Hangs up; the server cancels what is under way."""
        if self._trip:
            self._trip.end(self._received_bytes, 0, further_bytes=self._sent_bytes - 1)
            self._trip = None
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._writer.wait_closed()
        except OSError:
            pass  # gone is gone
        finally:
            self._transport.abort()  # a server that reads nothing would hold the socket for ever

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()


def _reason(error: OSError) -> str:
    """asyncio puts the address in place of the reason; name look-ups have numbers of their own."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def _notice_loss(connected: socket.socket, lost_s: float) -> None:
    """Silence is probed after 1 s, the least there is; what was sent counts from the first retransmission."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(lost_s * 1000))
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)


async def describe(uri: str, timeout_s: float = DESCRIBE_TIMEOUT_S, gate: Gate | None = None) -> Info:
    """What the server at `uri` offers. gate: is asked before.

    Raises: PeerError, PeerUnreachableError (also when its `info` cannot be understood).
    """
    return (await _describe(uri, timeout_s, Describe().event(), gate))[0]


async def describe_with_load(uri: str, timeout_s: float = DESCRIBE_TIMEOUT_S) -> tuple[Info, dict[str, Occupancy] | None]:
    """What the server at `uri` offers, and how busy it is; None when it does not tell, as only ours do.

    Raises: as `describe`.
    """
    return await _describe(uri, timeout_s, Event(Describe().event().type, {occupancy.ASK: True}))


async def _describe(uri: str, timeout_s: float, question: Event, gate: Gate | None = None) -> tuple[Info, dict[str, Occupancy] | None]:
    load = None
    try:
        async with asyncio.timeout(timeout_s), await WyomingClient.connect(uri, timeout_s, gate=gate) as client:
            await client.send(question)
            while not Info.is_type((event := await client.receive(timeout_s)).type):
                if event.type == occupancy.EVENT:
                    load = occupancy.read(event)
    except TimeoutError:
        raise PeerUnreachableError(f"{uri} did not answer within {timeout_s:g} s") from None
    try:
        return Info.from_event(event), load
    except (TypeError, KeyError, AttributeError, ValueError) as err:
        raise PeerError(f"{uri} sent an info that cannot be understood: {err!r}") from err
