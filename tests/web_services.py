"""Services of the web for tests of tools: real HTTP servers on the loopback that answer in recorded shapes, and misbehave on demand.

    with serving(WebService()) as service:
        service.reply("/v1/forecast", {"current": {"temperature_2m": 8.4}})
        async with running(tmp_path, options={"weather": {"uri": service.uri}}) as uri: ...

Faults for the next requests, one each: `service.fault(status(503), GARBAGE, TRUNCATED, hang_up, service.stuck, service.held)`;
offline: `service.stop()`, and `service.start()` at the same address.
"""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from fake_web import FakeWeb, Handler, content, cut, endless, hang_up, serving, status

from wyoming_servers.handle.http import Web
from wyoming_servers.shared.settings import NetworkSection
from wyoming_servers.shared.tool import Clock, Http

__all__ = [
    "EMPTY",
    "ENDLESS",
    "FAULTS",
    "GARBAGE",
    "NOT_JSON",
    "TRUNCATED",
    "WRONG_SHAPE",
    "Asked",
    "WebService",
    "hang_up",
    "proxying",
    "redirect",
    "serving",
    "status",
    "tool_http",
]

GARBAGE = content(bytes(range(256)) * 4, "application/json")
NOT_JSON = content(b"<html><body>Please sign in to this hotel's network</body></html>", "text/html")
WRONG_SHAPE = content(b'["what", null, {"is": 1.5}]', "application/json")
EMPTY = content(b"", "application/json")
TRUNCATED = cut(b'{"current": {"temperature_2m": 8.', "application/json")
ENDLESS = endless(b"x" * 65536, "application/json")
FAULTS = (status(500), status(429), status(404), GARBAGE, NOT_JSON, WRONG_SHAPE, EMPTY, TRUNCATED, hang_up)
"""What a tool must survive; `ENDLESS` and being `stuck` besides, offline too."""

_HELD_S = 30.0  # no test waits so long; one that fails lets go all the same


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    """Decoded."""
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """What was posted."""
        return json.loads(self.body)


class WebService(FakeWeb):
    """One service. What no `reply` stands for is answered with 404."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        """Every request, oldest first, also those that met a fault."""
        self.released = threading.Event()
        self._replies: dict[str, Any] = {}
        self._faults: deque[Handler] = deque()
        self.app.router.add_route("*", "/{path:.*}", self._answer)

    def reply(self, path: str, body: Any, code: int = 200, **headers: str) -> None:
        """From now on `path` is answered with `body`: JSON, a str, bytes, or a function of the Asked that returns one of these."""
        self._replies[path] = (body, code, headers)

    def fault(self, *handlers: Handler) -> None:
        """The next requests are answered by these, one each; then all is well again."""
        self._faults.extend(handlers)

    def well(self) -> None:
        """No faults from now on."""
        self._faults.clear()

    async def held(self, request: web.Request) -> web.StreamResponse:
        """A fault that is only late: answers as usual once the test calls `release`."""
        self.reached.set()
        await asyncio.to_thread(self.released.wait, _HELD_S)
        return self._reply(self.asked[-1])

    def release(self) -> None:
        """Lets go of those who are held."""
        self.released.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.method, request.path, dict(request.query), headers, await request.read())
        self.asked.append(asked)
        return await self._faults.popleft()(request) if self._faults else self._reply(asked)

    def _reply(self, asked: Asked) -> web.StreamResponse:
        if asked.path not in self._replies:
            return web.json_response({"error": "not found"}, status=404)
        body, code, headers = self._replies[asked.path]
        if callable(body):
            body = body(asked)
        if isinstance(body, bytes):
            return web.Response(body=body, status=code, headers=headers)
        if isinstance(body, str):
            return web.Response(text=body, status=code, headers=headers)
        return web.json_response(body, status=code, headers=headers)


def redirect(to: str, code: int = 302) -> Handler:
    """Sends the client elsewhere."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": to})

    return answer


@contextmanager
def proxying(answers: Callable[[Asked], Any]) -> Iterator[WebService]:
    """A proxy that answers for every host of the internet: with it as `network.proxy`, a test can ask hosts outside the house."""

    class Proxy(WebService):
        async def _answer(self, request: web.Request) -> web.StreamResponse:
            self.reply(request.path, answers)
            return await super()._answer(request)

    with serving(Proxy()) as proxy:
        yield proxy


@asynccontextmanager
async def tool_http(
    folder: Path,
    clock: Clock,
    tool: str = "probe",
    lookup: Callable[[str], Sequence[str]] | None = None,
    **network: Any,
) -> AsyncIterator[Http]:
    """A tool's way out, with ledger and cache in `folder`. lookup: of host names. network: settings."""
    way_out = Web(NetworkSection(**network), folder / "egress.db", folder / "web.db", clock.now, lookup)
    try:
        yield way_out.http(tool)
    finally:
        await way_out.close()
