"""A bounded Wyoming client: every wait has a deadline, an `error` event and a hang-up become exceptions."""

import asyncio
import os
from types import TracebackType
from typing import Self

from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info

from .errors import PeerError, PeerUnreachableError, ProtocolError
from .protocol import DEFAULT_LIMITS, encode_event, printable, read_event
from .uri import split_uri

CONNECT_TIMEOUT_S = 2.0
DESCRIBE_TIMEOUT_S = 2.0
_STALLED_S = 10.0
_CLOSE_S = 0.5


class WyomingClient:
    """One connection to one server. Use as `async with await WyomingClient.connect(uri) as client`."""

    def __init__(self, uri: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.uri = uri
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, uri: str, timeout_s: float = CONNECT_TIMEOUT_S) -> Self:
        """Connects to `tcp://HOST:PORT` or `unix:///PATH`.

        Raises: PeerUnreachableError; SettingsError when the URI is not one.
        """
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
        return cls(uri, *streams)

    async def send(self, event: Event) -> None:
        """Sends one event; waits while the server is slow to read, but not for ever.

        Raises: PeerUnreachableError.
        """
        self._writer.write(encode_event(event))
        try:
            async with asyncio.timeout(_STALLED_S):
                await self._writer.drain()
        except TimeoutError:
            raise PeerUnreachableError(f"{self.uri} has read nothing for {_STALLED_S:g} s") from None
        except OSError as err:
            raise PeerUnreachableError(f"{self.uri} hung up: {err.strerror or err}") from err

    async def receive(self, timeout_s: float | None) -> Event:
        """The next event; None waits for ever (only for links that live long).

        Raises: PeerError for an `error` event; PeerUnreachableError after a hang-up or `timeout_s`. Afterwards only close.
        """
        try:
            async with asyncio.timeout(timeout_s):
                event = await read_event(self._reader)
        except TimeoutError:
            raise PeerUnreachableError(f"{self.uri} said nothing for {timeout_s:g} s") from None
        except (OSError, ProtocolError) as err:
            raise PeerUnreachableError(f"{self.uri}: {err}") from err
        if event is None:
            raise PeerUnreachableError(f"{self.uri} hung up")
        if Error.is_type(event.type):
            text, code = str(event.data.get("text", "")), str(event.data.get("code") or "")
            raise PeerError(f"{self.uri}: {printable(text)}" + (f" ({printable(code, 40)})" if code else ""))
        return event

    async def close(self) -> None:
        """Hangs up; the server cancels what is under way."""
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._writer.wait_closed()
        except OSError:
            pass  # gone is gone
        finally:
            self._writer.transport.abort()  # a server that reads nothing would hold the socket for ever

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()


def _reason(error: OSError) -> str:
    """asyncio puts the address in place of the reason; name look-ups have numbers of their own."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


async def describe(uri: str, timeout_s: float = DESCRIBE_TIMEOUT_S) -> Info:
    """What the server at `uri` offers.

    Raises: PeerError, PeerUnreachableError (also when its `info` cannot be understood).
    """
    try:
        async with asyncio.timeout(timeout_s), await WyomingClient.connect(uri, timeout_s) as client:
            await client.send(Describe().event())
            while not Info.is_type((event := await client.receive(timeout_s)).type):
                pass
    except TimeoutError:
        raise PeerUnreachableError(f"{uri} did not answer within {timeout_s:g} s") from None
    try:
        return Info.from_event(event)
    except (TypeError, KeyError, AttributeError, ValueError) as err:
        raise PeerError(f"{uri} sent an info that cannot be understood: {err!r}") from err
