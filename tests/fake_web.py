"""Real HTTP servers for tests, on a thread of their own: they record what they are sent, and misbehave on demand."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aiohttp import web

TIMEOUT_S = 8.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
W = TypeVar("W", bound="FakeWeb")


class FakeWeb:
    """One server. Its handlers run on its own loop; everything else may be called by a test."""

    def __init__(self) -> None:
        self.app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[self._meddle])
        self.port = _free_port()
        self.seen: list[tuple[str, str]] = []
        """Method and path of every request."""
        self.keys: list[str] = []
        """The Authorization header of every request, empty without."""
        self.peers: set[int] = set()
        """The ports that requests came from: one for each connection."""
        self.left = threading.Event()
        """Set when a client hangs up on a handler that is `stuck`."""
        self.reached = threading.Event()
        """Set when a handler is `stuck`."""
        self.key = ""
        """When set, requests without it are refused."""
        self._next: deque[Handler] = deque()
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake server", daemon=True)
        self._thread.start()

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def misbehave(self, *handlers: Handler) -> None:
        """The next POST or WebSocket requests are answered by these, one each; then all is well again."""
        self._next.extend(handlers)

    def behave(self) -> None:
        """Nothing of what `misbehave` ordered is left."""
        self._next.clear()

    def start(self) -> None:
        """Listens, always at the same address."""
        self._do(self._start())

    def stop(self) -> None:
        """Hangs up on everyone and stops listening."""
        self._do(self._stop())

    def close(self) -> None:
        """Stops, and ends the thread."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_S)
        self._loop.close()

    async def once_reached(self) -> None:
        """Returns when a handler is `stuck`. For a test that has a loop of its own."""
        assert await asyncio.to_thread(self.reached.wait, 2 * TIMEOUT_S), "nobody asked"

    def drop_idle(self) -> None:
        """Closes every connection, as servers do with those that are quiet for a while."""
        self._do(self._drop())

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT_S)

    async def _start(self) -> None:
        self._runner = web.AppRunner(self.app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def _stop(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _drop(self) -> None:
        assert self._runner is not None and self._runner.server is not None
        for connection in list(self._runner.server.connections):
            connection.force_close()
            if connection.transport is not None:
                connection.transport.abort()

    @web.middleware
    async def _meddle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen.append((request.method, request.path))
        self.keys.append(request.headers.get("Authorization", ""))
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername")[1])
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}, status=401)
        if self._next and (request.method == "POST" or "upgrade" in request.headers.get("Connection", "").lower()):
            return await self._next.popleft()(request)
        return await handler(request)

    async def stuck(self, request: web.Request) -> web.StreamResponse:
        """Never answers."""
        await request.read()
        return await self.wait_for_good()

    async def wait_for_good(self) -> Any:
        """Waits until the client hangs up."""
        self.reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


@contextmanager
def serving(server: W) -> Iterator[W]:
    """Runs it."""
    server.start()
    try:
        yield server
    finally:
        server.close()


def status(code: int, body: Any = None, **headers: str) -> Handler:
    """Answers with this status; a text is sent as it is, anything else as JSON."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        if isinstance(body, str):
            return web.Response(status=code, text=body, headers=headers)
        return web.json_response(
            body if body is not None else {"error": {"message": "the server's own words"}}, status=code, headers=headers
        )

    return answer


def content(body: bytes, kind: str) -> Handler:
    """Answers with success and these bytes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(body=body, content_type=kind)

    return answer


def endless(piece: bytes, kind: str) -> Handler:
    """Streams for ever, as fast as the client reads."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        while True:
            await response.write(piece)

    return answer


def cut(body: bytes, kind: str) -> Handler:
    """Sends a part of what it announced, then hangs up."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(len(body) * 2 + 1)})
        await response.prepare(request)
        await response.write(body)
        return await hang_up(request)

    return answer


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Closes the connection without a word more."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
