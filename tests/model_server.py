"""A real HTTP server with files of models on it, as good or as bad as a test wants it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Answer = Callable[["ModelServer", web.Request, bytes], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    """Serves `files` by path; `next_answers` by path are used up first, one per request."""

    files: dict[str, bytes] = field(default_factory=dict)
    next_answers: dict[str, list[Answer]] = field(default_factory=dict)
    always: dict[str, Answer] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Lets go of those who were kept waiting."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody is kept waiting."""
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.requests.append(request)
        data = self.files.get(request.path)
        if waiting := self.next_answers.get(request.path):
            return await waiting.pop(0)(self, request, data or b"")
        if special := self.always.get(request.path):
            return await special(self, request, data or b"")
        return web.Response(status=404) if data is None else await rightly(self, request, data)

    def ranges(self, path: str) -> list[str]:
        """What was asked for of a file, request by request; empty for all of it."""
        return [request.headers.get("Range", "") for request in self.requests if request.path == path]


@asynccontextmanager
async def model_server(**files: bytes) -> AsyncIterator[ModelServer]:
    """A server on a free port of the loopback; keyword x is the file /x."""
    server = ModelServer({f"/{name}": data for name, data in files.items()})
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        server.released.set()
        await runner.cleanup()


def etag(data: bytes) -> str:
    """A strong one."""
    return f'"{hashlib.md5(data).hexdigest()}"'


async def rightly(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
    """As RFC 9110 has it."""
    wanted = request.headers.get("Range", "")
    if wanted and request.headers.get("If-Range", etag(data)) == etag(data):
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(data):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        headers = {"ETag": etag(data), "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return web.Response(status=206, body=data[start:], headers=headers)
    return web.Response(body=data, headers={"ETag": etag(data)})


async def without_ranges(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
    """All of it, whatever was asked for."""
    return web.Response(body=data, headers={"ETag": etag(data)})


async def without_length(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
    """Chunked, and nothing to recognise it by."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(data)
    await response.write_eof()
    return response


def sending(body: bytes, **headers: str) -> Answer:
    """These bytes with these headers (`_` for `-`), chunked."""

    async def answer(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={name.replace("_", "-"): value for name, value in headers.items()})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(body)
        await response.write_eof()
        return response

    return answer


def dropping(after_bytes: int, **headers: str) -> Answer:
    """Hangs up in the middle."""

    async def answer(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
        response = await _begun(request, data, after_bytes, headers)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def holding(after_bytes: int) -> Answer:
    """Goes silent in the middle, until it is released; then sends the rest."""

    async def answer(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        response = await _begun(request, data, after_bytes, {})
        server.held.set()
        await server.released.wait()
        await response.write(data[start + after_bytes :])
        return response

    return answer


def status(code: int, **headers: str) -> Answer:
    """An error, or a redirect with `Location`."""

    async def answer(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def announcing(size_bytes: int) -> Answer:
    """Says another Content-Length than what comes, then hangs up."""

    async def answer(server: ModelServer, request: web.Request, data: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"ETag": etag(data), "Content-Length": str(size_bytes)})
        await response.prepare(request)
        await response.write(data[:size_bytes])
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


async def _begun(request: web.Request, data: bytes, some_bytes: int, headers: dict[str, str]) -> web.StreamResponse:
    """The beginning of a right answer, on the wire when this returns."""
    start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    right = {"ETag": etag(data), "Content-Length": str(len(data) - start)}
    if start:
        right["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    response = web.StreamResponse(status=206 if start else 200, headers=right | headers)
    await response.prepare(request)
    await response.write(data[start : start + some_bytes])
    return response
