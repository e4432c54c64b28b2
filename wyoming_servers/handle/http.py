"""The way out of the house for tools: bounded, kept, written into the egress ledger. aiohttp is imported when it is first used."""

import asyncio
import contextlib
import hashlib
import importlib
import json as json_text
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from .. import __version__
from ..shared.errors import HttpError
from ..shared.gate import Gate, kept_inside
from ..shared.ledger import Ledger
from ..shared.ledger_gate import LedgerGate
from ..shared.only_telling import check_change
from ..shared.protocol import printable
from ..shared.reach import Lookup, Reach
from ..shared.settings import NetworkSection
from ..shared.tool import Departure, Fetched, Http
from .web_cache import WebCache

_LOGGER = logging.getLogger(__name__)
_AGENT = f"Earshot/{__version__} (a voice assistant at home)"
_MOST_REDIRECTS = 3
_BACK_OFF_S = 0.25
_CONNECTING = 0.6
"""The part of the time that finding the host and connecting to it may take, so that a second attempt has some left."""
_AGAIN = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_CONNECTIONS = 8
_OWN_HEADERS = frozenset({"user-agent", "host", "cookie", "content-length", "accept-encoding"})


@dataclass(frozen=True)
class _Asked:
    """One request of a tool's."""

    tool: str
    method: str
    url: str
    why: str
    headers: Mapping[str, str]
    timeout_s: float
    most_bytes: int
    body: bytes | None = None
    enough: Callable[[bytearray], bool] | None = None
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = [self.tool, self.url, *(f"{name.lower()}: {self.headers[name]}" for name in sorted(self.headers))]
        object.__setattr__(self, "key", hashlib.sha256("\n".join(parts).encode()).hexdigest())


class Web:
    """One per server; `http` gives a tool its own face of it."""

    def __init__(self, network: NetworkSection, ledger: Path, cache: Path, now: Callable[[], float], lookup: Lookup | None = None) -> None:
        """ledger, cache: files. now: wall clock. lookup: of host names; the system's unless given."""
        self.network = network
        self._ledger = Ledger(ledger, now)
        self._cache = WebCache(cache, now)
        self._reach = Reach(network, lookup)
        self._direct = Reach(replace(network, proxy=""), lookup)
        self._proxy = network.proxy or None
        self._aiohttp: Any = None
        self._session: Any = None
        self._opening = asyncio.Lock()

    def http(self, tool: str) -> Http:
        """What a tool of this name asks through."""
        return _ToolHttp(self, tool)

    def gate(self, tool: str, why: str) -> Gate:
        """For a client that has a connection of its own, past the proxy."""
        return LedgerGate(self._direct, self._ledger, tool, why)

    async def departures(self, since: float) -> Sequence[Departure]:
        """What was sent since then, oldest first."""
        return await self._ledger.departures(since)

    async def close(self) -> None:
        """Hangs up, and closes the files."""
        if self._session is not None:
            await self._session.close()
        await self._ledger.close()
        await self._cache.close()

    async def get(self, asked: _Asked, keep_s: float, stale_s: float, check: Callable[[Fetched], object] | None = None) -> Fetched:
        """An answer: kept, new, or old, in this order. check: raises HttpError for a new one that is of no use.

        Raises: HttpError.
        """
        kept = await self._cache.get(asked.key) if max(keep_s, stale_s) > 0 else None
        if kept and 0 <= kept.age_s < keep_s:
            return kept
        try:
            fetched = await self.send(asked)
            if check:
                check(fetched)
        except HttpError as err:
            if kept and kept.age_s <= stale_s and (not err.status or err.status in _AGAIN):
                _LOGGER.info("tool %s goes on with what is %.0f s old: %s", asked.tool, kept.age_s, err)
                return replace(kept, age_s=max(kept.age_s, 1.0))
            raise
        if max(keep_s, stale_s) > 0:
            self._cache.put(asked.key, fetched, max(keep_s, stale_s))
        return fetched

    async def send(self, asked: _Asked) -> Fetched:
        """Asks; a GET that meets trouble is tried a second time.

        Raises: HttpError.
        """
        first: HttpError | None = None
        try:
            async with asyncio.timeout(asked.timeout_s):
                try:
                    return await self._follow(asked)
                except HttpError as err:
                    if asked.method != "GET" or not err.retryable:
                        raise
                    first = err
                await asyncio.sleep(_BACK_OFF_S)
                return await self._follow(asked)
        except TimeoutError:
            raise first or HttpError(f"{_shown(asked.url)} did not answer within {asked.timeout_s:g} s") from None

    async def _follow(self, asked: _Asked) -> Fetched:
        was_local = True
        for _ in range(_MOST_REDIRECTS + 1):
            answer, target, local = await self._once(asked, from_outside=not was_local)
            if answer is not None:
                return answer
            before, after = urlsplit(asked.url), urlsplit(target)
            if before.scheme == "https" and after.scheme != "https":
                raise _permanent(f"{_shown(asked.url)} redirects from https to {_shown(target)}")
            elsewhere = before.netloc.lower() != after.netloc.lower()
            asked = replace(asked, url=_checked(target), headers={} if elsewhere else asked.headers)
            was_local = was_local and local
        raise _permanent(f"{_shown(asked.url)} redirects more than {_MOST_REDIRECTS} times")

    async def _once(self, asked: _Asked, from_outside: bool) -> tuple[Fetched | None, str, bool]:
        """One request: an answer, or where it redirects to; and whether it stayed in the house."""
        host = urlsplit(asked.url).hostname or ""
        try:
            async with asyncio.timeout(asked.timeout_s * _CONNECTING):
                place = await self._reach.find(host)
        except TimeoutError:
            raise HttpError(f"the address of {host} was not found in time", offline=True) from None
        if from_outside and place.local:
            raise _permanent(f"a service outside the house redirects to {host}, which is in it")
        session = await self._open()
        headers = self._headers(asked)
        size = _head_bytes([(asked.method, urlsplit(asked.url).path), *headers.items()]) + len(asked.body or b"")
        row = await self._ledger.begin(asked.tool, asked.method, host, asked.why, local=place.local, sent_bytes=size)
        traffic = _Traffic(size)
        try:
            answer, target = await self._exchange(session, asked, headers, None if place.local else self._proxy, traffic)
        except HttpError as err:
            traffic.problem = str(err)
            raise
        except asyncio.CancelledError:
            traffic.problem = "given up"
            raise
        finally:
            sent = 0 if traffic.unreached else traffic.sent_bytes
            self._ledger.end(row, sent_bytes=sent, received_bytes=traffic.received_bytes, status=traffic.status, problem=traffic.problem)
        return answer, target, place.local

    async def _exchange(
        self, session: Any, asked: _Asked, headers: Mapping[str, str], proxy: str | None, traffic: "_Traffic"
    ) -> tuple[Fetched | None, str]:
        where = _shown(asked.url)
        limits = self._aiohttp.ClientTimeout(total=None, connect=asked.timeout_s * _CONNECTING)
        with self._explained(where, traffic):
            async with session.request(
                asked.method, asked.url, headers=headers, data=asked.body, allow_redirects=False, proxy=proxy, timeout=limits
            ) as response:
                traffic.status = response.status
                traffic.received_bytes = _head_bytes(response.raw_headers)
                if response.status in _REDIRECTS and asked.method == "GET":
                    return None, urljoin(asked.url, response.headers.get("Location", ""))
                if not 200 <= response.status < 300:
                    error = HttpError(f"{where} answered {response.status} {printable(response.reason or '')}".rstrip(), response.status)
                    error.retryable = response.status in _AGAIN
                    raise error
                body = bytearray()
                async for piece in response.content.iter_any():
                    body += piece
                    traffic.received_bytes += len(piece)
                    if asked.enough and asked.enough(body):
                        response.close()
                        break
                    if len(body) > asked.most_bytes:
                        raise _permanent(f"{where} sends more than {asked.most_bytes} bytes")
                return Fetched(asked.url, response.status, bytes(body)), ""

    @contextlib.contextmanager
    def _explained(self, where: str, traffic: "_Traffic") -> Iterator[None]:
        """The library's errors as ours."""
        http = self._aiohttp
        try:
            yield
        except http.ClientConnectorCertificateError as err:
            traffic.unreached = True
            raise _permanent(f"{where}: its certificate is not trusted: {printable(str(err.certificate_error))}") from err
        except (http.ClientConnectorError, http.ConnectionTimeoutError) as err:
            traffic.unreached = True
            reason = err.strerror if isinstance(err, OSError) else ""
            raise HttpError(f"{where} cannot be reached: {printable(reason or 'no connection in time')}", offline=True) from err
        except (http.InvalidURL, http.TooManyRedirects) as err:
            raise _permanent(f"{where} is not an address that can be asked") from err
        except (http.ClientError, OSError, ValueError) as err:
            raise HttpError(f"{where} hung up or answered with what is not HTTP: {printable(str(err) or type(err).__name__)}") from err

    def _headers(self, asked: _Asked) -> dict[str, str]:
        given = {name: value for name, value in asked.headers.items() if name.lower() not in _OWN_HEADERS}
        kind = {"Content-Type": "application/json"} if asked.body is not None else {}
        return {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate", **kind, **given}

    async def _open(self) -> Any:
        async with self._opening:
            if self._session is None:
                self._aiohttp = http = await asyncio.to_thread(importlib.import_module, "aiohttp")
                self._session = http.ClientSession(
                    connector=http.TCPConnector(resolver=self._reach, use_dns_cache=False, limit=_MOST_CONNECTIONS),
                    cookie_jar=http.DummyCookieJar(),
                    trust_env=False,
                )
        return self._session


@dataclass
class _Traffic:
    """What one request came to."""

    sent_bytes: int
    received_bytes: int = 0
    status: int = 0
    problem: str = ""
    unreached: bool = False
    """There was no connection: nothing was sent."""


class _ToolHttp(Http):
    """One tool's."""

    def __init__(self, web: Web, tool: str) -> None:
        self._web = web
        self._tool = tool

    def allows(self, url: str) -> bool:
        """See Http."""
        return not kept_inside(url, self._web.network)

    async def get(
        self,
        url: str,
        *,
        why: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        keep_s: float = 0.0,
        stale_s: float = 0.0,
        most_bytes: int = 4 * 1024 * 1024,
        enough: Callable[[bytearray], bool] | None = None,
        check: Callable[[Fetched], object] | None = None,
    ) -> Fetched:
        """Asks a web service."""
        asked = _Asked(self._tool, "GET", _checked(url, params), why, headers or {}, timeout_s, most_bytes, enough=enough)
        return await self._web.get(asked, keep_s, stale_s, check)

    async def post(
        self,
        url: str,
        *,
        why: str,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        most_bytes: int = 4 * 1024 * 1024,
    ) -> Fetched:
        """Sends JSON to a web service."""
        check_change("post to a web service")
        body = json_text.dumps(json).encode()
        return await self._web.send(_Asked(self._tool, "POST", _checked(url), why, headers or {}, timeout_s, most_bytes, body))

    async def departures(self, since: float) -> Sequence[Departure]:
        """What left through any tool."""
        return await self._web.departures(since)


def _checked(url: str, params: Mapping[str, str] | None = None) -> str:
    """An address of the web, with its parameters, without a fragment.

    Raises: HttpError.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _permanent(f"{printable(url[:200])!r} is not an http or https address")
    query = "&".join(text for text in (parts.query, urlencode(params or {})) if text)
    return urlunsplit(parts._replace(query=query, fragment=""))


def _shown(url: str) -> str:
    """An address for the log: without the query, which says where the house is, and without a password."""
    parts = urlsplit(url)
    return printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200])


def _permanent(text: str) -> HttpError:
    error = HttpError(text)
    error.retryable = False
    return error


def _head_bytes(fields: Iterable[tuple[str, str] | tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in fields)
