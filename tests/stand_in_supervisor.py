"""Home Assistant's Supervisor as an add-on sees it: discovery, ping, and the proxy to Home Assistant; it can be away, or not ready."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from aiohttp import web

TOKEN = "0123456789abcdef"


class Supervisor:
    """One on a fixed free port of the loopback, on this loop."""

    def __init__(self) -> None:
        self.uri = ""
        self.posts: list[dict[str, Any]] = []
        """Every discovery message that was accepted."""
        self.refused = 0
        """How often it answered that it is not ready."""
        self.pings = 0
        self.ready = True
        """False answers every request with `error`, as while it starts."""
        self.error = 400
        self.changed = asyncio.Condition()
        self._uuids: dict[str, str] = {}
        self._port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens, after the first time at the same address."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.uri = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Goes away."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def until(self, reached: Any, timeout_s: float = 8.0) -> None:
        """Waits until `reached()` is true; looked at after every request."""
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(reached)

    async def _answer(self, request: web.Request) -> web.Response:
        response = await self._respond(request)
        async with self.changed:
            self.changed.notify_all()
        return response

    async def _respond(self, request: web.Request) -> web.Response:
        if not self.ready:
            self.refused += 1
            return _failed(self.error, "System is not ready with state: setup")
        if request.path == "/supervisor/ping":
            self.pings += 1
            return _done({})
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _failed(401, "Unauthorized")
        if (request.method, request.path) != ("POST", "/discovery"):
            return _failed(403, "Forbidden")
        message = await request.json()
        if set(message) != {"service", "config"} or message["service"] != "wyoming":
            return _failed(403, "Add-ons must list services they provide via discovery in their config!")
        self.posts.append(message)
        return _done({"uuid": self._uuids.setdefault(json.dumps(message["config"]), uuid4().hex)})


def _done(data: dict[str, Any]) -> web.Response:
    return web.json_response({"result": "ok", "data": data})


def _failed(status: int, text: str) -> web.Response:
    return web.json_response({"result": "error", "message": text}, status=status)
