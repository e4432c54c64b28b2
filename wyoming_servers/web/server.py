"""The status page over HTTP, also behind Home Assistant's ingress."""

import dataclasses
import logging
import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from ..shared.errors import PortInUseError, SettingsError
from ..shared.listening import listening_socket
from ..shared.uri import tcp_uri
from .page import render
from .status import Status, StatusSource

_LOGGER = logging.getLogger(__name__)
_STOP_S = 1.0
_INGRESS_PATH = re.compile(r"(/[A-Za-z0-9_.~-]+)*")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class StatusPage:
    """Serves `/` (HTML) and `/status.json`. Only reads: there is nothing to be changed here."""

    def __init__(self, uri: str, source: StatusSource, admit: Sequence[str] = ()) -> None:
        """uri: http://HOST:PORT, port 0 for any free one. admit: addresses of the only clients; empty admits every one that names
        this machine by an address, as localhost or by its own name, so that no web site can read the page through a browser.

        Raises: SettingsError when the URI or an address is none.
        """
        self.uri = uri
        self._host, self._port = _split(uri)
        try:
            self._admit = frozenset(ip_address(address) for address in admit)
        except ValueError as err:
            raise SettingsError(f"web.admit: {err}") from None
        self._names = frozenset({"localhost", socket.gethostname().lower(), f"{socket.gethostname().partition('.')[0].lower()}.local"})
        self._source = source
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Opens the port. Afterwards `uri` names the real one.

        Raises: PortInUseError.
        """
        try:
            bound = await listening_socket(tcp_uri(self._host, self._port))
        except OSError as err:
            raise PortInUseError(
                f"cannot show the status page at {self.uri}: {err.strerror or err}; give another address: web.uri"
            ) from None
        app = web.Application(middlewares=[self._guard])
        app.add_routes([web.get("/", self._page), web.get("/status.json", self._json)])
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_STOP_S)
        await self._runner.setup()
        await web.SockSite(self._runner, bound).start()
        self.uri = tcp_uri(self._host, bound.getsockname()[1]).replace("tcp:", "http:", 1)
        _LOGGER.info("status page at %s", self.uri)

    async def stop(self) -> None:
        """Closes the port and ends what is under way."""
        if self._runner:
            await self._runner.cleanup()
        await self._source.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not self._admitted(request):
            return web.Response(status=403, text="This page is not shown to this client.\n", headers=_HEADERS)
        try:
            response = await handler(request)
        except web.HTTPException as err:
            err.headers.update(_HEADERS)
            raise
        response.headers.update(_HEADERS)
        return response

    def _admitted(self, request: web.Request) -> bool:
        if self._admit:
            remote = request.remote or ""
            return _is_address(remote) and _plain(ip_address(remote)) in self._admit
        return self._names_us(request.host)

    def _names_us(self, host: str) -> bool:
        """Whether a Host header is an address or one of this machine's names: a web site that has its own name point here is neither."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or _is_address(name)

    async def _page(self, request: web.Request) -> web.Response:
        base = request.headers.get("X-Ingress-Path", "") if self._admit else ""
        base = base if _INGRESS_PATH.fullmatch(base) else ""
        return web.Response(text=render(await self._source.status(), base), content_type="text/html")

    async def _json(self, request: web.Request) -> web.Response:
        return web.json_response(_as_json(await self._source.status()))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 client of a socket for both families, as IPv4."""
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def _as_json(status: Status) -> dict[str, Any]:
    return {"well": status.well, **dataclasses.asdict(status)}


def _split(uri: str) -> tuple[str, int]:
    try:
        parts = urlsplit(uri)
        if parts.scheme == "http" and parts.hostname and parts.port is not None and parts.path in ("", "/"):
            return parts.hostname, parts.port
    except ValueError:
        pass  # a port that is no number, a bracket that does not close
    raise SettingsError(f"web.uri: {uri!r} is not an address of a status page; use http://HOST:PORT, for example http://127.0.0.1:10800")
