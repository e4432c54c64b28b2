"""One Wyoming listener for one or more services: opens the port, caps connections, caches `info`, ends in order."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wyoming.info import Info

from .connection import Connection, ConnectionLimits
from .errors import AssistantError
from .listening import SocketFile, listening_socket
from .protocol import encode_event
from .service import Service
from .tasks import TaskOwner, cancel
from .uri import split_uri, tcp_uri

_LOGGER = logging.getLogger(__name__)
_REFUSALS = 32  # as many are told at a time that there is no room


@dataclass(frozen=True)
class ServerLimits:
    """What one listener admits."""

    connections: int = 128
    """At the same time, all peers together."""
    connections_per_host: int = 64
    drain_s: float = 1.0
    """At the end, requests under way have this long to finish."""
    connection: ConnectionLimits = field(default_factory=ConnectionLimits)


class WyomingServer:
    """Listens on one URI (`tcp://HOST:PORT`, port 0 for any free one; `unix:///PATH`) and serves its services there."""

    def __init__(
        self,
        uri: str,
        services: Sequence[Service],
        limits: ServerLimits | None = None,
        instead: Callable[[Service, AssistantError], Service] | None = None,
    ) -> None:
        """instead: makes what serves in the place of a service that can never work; without it nothing is served then."""
        self.uri = uri
        self._instead = instead
        self._services = list(services)
        self._limits = limits or ServerLimits()
        self._listener: asyncio.Server | None = None
        self._connections: dict[asyncio.Task, Connection] = {}
        self._by_host: Counter[str] = Counter()
        self._owner = TaskOwner()
        self._refusals: set[asyncio.Task] = set()
        self._warned_full = False
        self._socket_file: SocketFile | None = None
        self._info: tuple[tuple[int, ...] | None, bytes] = (None, b"")

    async def start(self) -> None:
        """Opens the port, then begins to load. Afterwards `uri` names the real port. When it fails, everything is freed again.

        Raises: OSError when the address is in use or not this machine's; AssistantError when a service can never work.
        """
        prepared = await asyncio.gather(*(service.prepare() for service in self._services), return_exceptions=True)
        for number, failed in enumerate(prepared):
            if self._instead and isinstance(failed, AssistantError):
                self._services[number] = self._instead(self._services[number], failed)
            elif isinstance(failed, BaseException):
                raise failed
        try:
            await self._listen()
            for service in self._services:
                await service.start()
        except BaseException:
            await self.stop()
            raise
        assert self._listener is not None
        await self._listener.start_serving()

    async def stop(self) -> None:
        """Stops accepting, lets requests finish for `drain_s`, tells the rest that the server stops, frees the services."""
        if self._listener:
            self._listener.close()
        if self._socket_file:
            self._socket_file.remove()
        for connection in self._connections.values():
            connection.finish()
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=self._limits.drain_s)
        await cancel(*self._connections)
        await self._owner.close()
        for service in self._services:
            await service.stop()

    def describe(self) -> bytes:
        """The encoded `info`, rebuilt only when a service has changed."""
        revisions = tuple(service.revision for service in self._services)
        if self._info[0] != revisions:
            info = Info()
            for service in self._services:
                service.describe(info)
            self._info = (revisions, encode_event(info.event()))
        return self._info[1]

    async def _listen(self) -> None:
        """Binds the address; clients wait until `start_serving`."""
        bound = await listening_socket(self.uri)
        self._socket_file = SocketFile(bound)
        limit = self._limits.connection.framing.header_bytes
        if bound.family == socket.AF_UNIX:
            self._listener = await asyncio.start_unix_server(self._accept, sock=bound, limit=limit, start_serving=False)
        else:
            self._listener = await asyncio.start_server(self._accept, sock=bound, limit=limit, start_serving=False)
            self.uri = tcp_uri(split_uri(self.uri)[1], bound.getsockname()[1])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._services, self.describe, (reader, writer), self._limits.connection)
        host = connection.host
        if len(self._connections) >= self._limits.connections or self._by_host[host] >= self._limits.connections_per_host:
            self._refuse(connection, writer)
            return
        self._warned_full = False
        self._by_host[host] += 1
        task = self._owner.start(connection.serve(), f"connection {connection.peer.name}")
        self._connections[task] = connection

        def forget(_: asyncio.Task) -> None:
            del self._connections[task]
            self._by_host[host] -= 1
            if not self._by_host[host]:
                del self._by_host[host]

        task.add_done_callback(forget)

    def _refuse(self, connection: Connection, writer: asyncio.StreamWriter) -> None:
        """Says busy, but not to everybody in a flood; one warning until there is room again."""
        if not self._warned_full:
            self._warned_full = True
            _LOGGER.warning("%s: too many connections, refusing %s", self.uri, connection.host)
        if len(self._refusals) >= _REFUSALS:
            writer.transport.abort()
            return
        task = self._owner.start(connection.refuse(), f"refuse {connection.peer.name}")
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)
