"""A server behind plain HTTP or WebSocket, behind a portal: answers are bounded, failures are ours."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from .errors import AssistantError
from .gate import Trip
from .portal import Portal
from .protocol import printable
from .remote import REFUSAL_BYTES, Remote

_LOGGER = logging.getLogger(__name__)
_KEEP_ALIVE_S = 60.0
_CLOSE_S = 2.0
_GOODBYE_S = 0.2
_FRAME_BYTES = 4 * 1024 * 1024


class _Counted:
    """A WebSocket, with how much it has received."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.received_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    async def receive(self) -> Any:
        """The next message."""
        message = await self._socket.receive()
        self.received_bytes += len(message.data) if isinstance(message.data, str | bytes) else 0
        return message


class HttpClient:
    """One per engine. `portal` runs what its methods return."""

    def __init__(self, server: Remote, name: str) -> None:
        """Raises: SettingsError when the certificate cannot be read."""
        import aiohttp

        self.server = server
        self._http = aiohttp
        tls = server.tls()
        self.portal = Portal(name)
        self._session: aiohttp.ClientSession = self.portal.call(self._begin(tls), _CLOSE_S)

    def close(self) -> None:
        """Hangs up and ends the portal."""
        with contextlib.suppress(AssistantError):
            self.portal.call(self._session.close(), _CLOSE_S)
        self.portal.close()

    async def _begin(self, tls: Any) -> Any:
        return self._http.ClientSession(
            connector=self._http.TCPConnector(ssl=tls, keepalive_timeout=_KEEP_ALIVE_S),
            cookie_jar=self._http.DummyCookieJar(),
            headers=self.server.headers(),
            timeout=self._http.ClientTimeout(total=None, sock_connect=self.server.connect_s),
        )

    @asynccontextmanager
    async def open(self, method: str, path: str, timeout_s: float, key: str, form: Callable[[], Any] | None = None) -> AsyncIterator[Any]:
        """Sends a request; entered once the answer's head is there, with an aiohttp.ClientResponse. A server that hung up before it is
        asked a second time, at once: most likely it had closed a connection that was kept open.

        timeout_s: until the head is there; key: the setting it comes from; form: makes the body, once per attempt.
        Raises: PeerUnreachableError, DeadlineError, RefusedError, BusyError, EngineError.
        """

        trips: list[Trip] = []

        async def send() -> Any:
            body = form()() if form else None
            await self._leave(trips, method, path, body.size or 0 if body else 0)
            return await self._session.request(method, self.server.url(path), data=body, allow_redirects=False)

        with self._arrival(trips):
            answer = await self._begun(send, timeout_s, key)
        try:
            if not 200 <= answer.status < 300:
                raise self.server.refused(answer.status, await self._said(answer, timeout_s), answer.headers.get("Location", ""))
            yield answer
        except self._http.ClientError as err:
            raise self.server.broken(f"hung up in the middle of its answer: {printable(str(err) or type(err).__name__)}") from None
        finally:
            for trip in trips[-1:]:
                trip.end(answer.content.total_bytes, answer.status)
            answer.release() if answer.content.at_eof() else answer.close()

    @asynccontextmanager
    async def socket(self, path: str, params: dict[str, str], timeout_s: float, key: str) -> AsyncIterator[Any]:
        """A WebSocket, an aiohttp.ClientWebSocketResponse; closed at the end.

        Raises: as `open`.
        """

        trips: list[Trip] = []

        async def connect() -> Any:
            await self._leave(trips, "GET", path, sum(len(name) + len(value.encode()) + 2 for name, value in params.items()))
            return await self._session.ws_connect(
                self.server.url(path),
                params=params,
                max_msg_size=_FRAME_BYTES,
            )

        try:
            with self._arrival(trips):
                socket = await self._begun(connect, timeout_s, key)
        except self._http.WSServerHandshakeError as err:
            if err.status in (200, 403, 404) and not self.server.key:  # uvicorn refuses an unknown path with 403
                raise self.server.broken(f"has no WebSocket at {path} ({err.status}): is {self.server.setting}.uri right?") from None
            raise self.server.refused(err.status) from None
        counted = _Counted(socket)
        try:
            yield counted
        finally:
            for trip in trips[-1:]:
                trip.end(counted.received_bytes, 101)
            with contextlib.suppress(TimeoutError):  # its own timeout begins anew with every message, and a server may never stop
                async with asyncio.timeout(_GOODBYE_S):
                    await socket.close()

    async def body(self, answer: Any, most_bytes: int, timeout_s: float, key: str) -> bytes:
        """The whole answer.

        Raises: EngineError when it is longer than `most_bytes`; DeadlineError.
        """
        read = bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                async for piece in answer.content.iter_any():
                    read += piece
                    if len(read) > most_bytes:
                        raise self.server.broken(f"sends more than {most_bytes} bytes for one answer")
        except TimeoutError:
            raise self.server.late(timeout_s, "whole answer", key) from None
        return bytes(read)

    async def _leave(self, trips: list[Trip], method: str, path: str, body_bytes: int) -> None:
        """Asks the gate, once per attempt."""
        if self.server.gate:
            head = sum(len(name) + len(value) + 4 for name, value in self.server.headers().items())
            if trip := await self.server.gate.leave(method, self.server.host, head + len(path) + body_bytes):
                trips.append(trip)

    @contextlib.contextmanager
    def _arrival(self, trips: list[Trip]) -> Iterator[None]:
        """Attempts that nothing came of are over; the last one goes on unless it failed as well."""
        try:
            yield
        except BaseException as err:
            unreached = isinstance(err.__context__, self._http.ClientConnectorError | self._http.ConnectionTimeoutError)
            for trip in trips:
                trip.end(0, 0, str(err) or type(err).__name__, sent=not unreached)
            raise
        for trip in trips[:-1]:
            trip.end(0, 0, "hung up before it answered")

    async def _begun(self, begin: Callable[[], Any], timeout_s: float, key: str) -> Any:
        http = self._http
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    return await begin()
                except http.ConnectionTimeoutError:
                    raise self.server.unreachable(f"no connection within {self.server.connect_s:g} s") from None
                except (http.ServerDisconnectedError, http.ClientOSError) as err:
                    _LOGGER.debug("%s: sending again after %r", self.server, err)
                    return await begin()
        except http.WSServerHandshakeError:
            raise
        except http.ClientError as err:
            raise self.server.unreachable(err) from None
        except TimeoutError:
            raise self.server.late(timeout_s, "answer", key) from None

    async def _said(self, answer: Any, timeout_s: float) -> bytes:
        said = bytearray()
        with contextlib.suppress(self._http.ClientError, TimeoutError):
            async with asyncio.timeout(timeout_s):
                async for piece in answer.content.iter_any():
                    said += piece
                    if len(said) >= REFUSAL_BYTES:
                        break
        return bytes(said)
