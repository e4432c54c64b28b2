"""Servers of other makers: their address, the key they want, and what is said of one that fails. Knows no HTTP library."""

import asyncio
import json
import os
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from .engines import EngineContext
from .errors import (
    AssistantError,
    BusyError,
    DeadlineError,
    EngineError,
    EngineUnavailableError,
    PeerError,
    PeerUnreachableError,
    SettingsError,
)
from .gate import host_of
from .protocol import printable
from .recall import ask_or_recall
from .schema import option

if TYPE_CHECKING:
    from .ledger_gate import EngineGate  # brings SQLite

T = TypeVar("T")
LISTING_BYTES = 4 * 1024 * 1024
"""The longest list of models or voices that is read; Speaches sends about 10 kB per model."""
REFUSAL_BYTES = 64 * 1024
"""Of what a server says about its failure, this much is read."""
_MESSAGE_CHARS = 240
_KEY = re.compile(r"[\x21-\x7e]{1,4096}")
_BUSY = (408, 425, 429, 502, 503, 504)
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class RemoteOptions:
    """Settings that every engine behind HTTP or WebSocket has."""

    uri: str = option("", "address of the server, for example http://HOST:8000")
    key: str = option("", "key the server wants, sent as `Authorization: Bearer KEY`", secret=True)
    key_file: str = option("", "file that holds the key, so that it need not stand in the settings")
    ca_file: str = option("", "certificate (PEM) that an https server is known by; empty means those this machine trusts")
    connect_s: float = option(3.0, "seconds to wait for a connection", minimum=0.1, maximum=60)


class RefusedError(EngineError):
    """The server answered with an HTTP status that is not success."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Remote:
    """A server that an engine stands on. Its text is its address and never a secret."""

    setting: str
    """Where the engine's options are: `asr.engines.openai`."""
    base: str
    """Address without a slash at the end."""
    connect_s: float
    ca_file: str = ""
    key: str = field(default="", repr=False)
    address: str = "uri"
    """The setting that holds the address."""
    gate: "EngineGate | None" = field(default=None, repr=False, compare=False)
    """Is asked before each request."""

    @property
    def host(self) -> str:
        """Its name, or address."""
        return host_of(self.base)

    def __str__(self) -> str:
        return self.base

    def url(self, path: str) -> str:
        """The address of one of its resources."""
        return self.base + path

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def tls(self) -> ssl.SSLContext:
        """What an https server is checked with. Reads files, unless the server is a plain http one.

        Raises: SettingsError when the certificate cannot be read.
        """
        if not self.base.startswith("https:"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as err:
            raise SettingsError(f"{self.setting}.ca_file: {self.ca_file!r} is not a certificate that can be read: {err}") from None

    def unreachable(self, error: BaseException | str) -> PeerUnreachableError:
        """It cannot be connected to, or hung up before it answered."""
        reason = error if isinstance(error, str) else _reason(error)
        return PeerUnreachableError(
            f"{self.base} cannot be reached: {reason}; is the server running, and is {self.setting}.{self.address} right?"
        )

    def late(self, timeout_s: float, what: str, key: str) -> DeadlineError:
        """It took too long. key: the setting that gives it more time."""
        return DeadlineError(f"{self.base} gave no {what} within {timeout_s:g} s ({self.setting}.{key})")

    def broken(self, what: str) -> EngineError:
        """It answered, but not as it should."""
        return EngineError(f"{self.base} {self._without_key(what)}")

    def refused(self, status: int, body: bytes = b"", location: str = "") -> AssistantError:
        """It answered with a status that is not success. BusyError when the same may work later."""
        said = self._without_key(message_of(body))
        because = f": {said}" if said else ""
        if 300 <= status < 400:
            return RefusedError(
                f"{self.base} sends elsewhere, to {printable(location)!r}: write the address it means into {self.setting}.{self.address}",
                status,
            )
        if status in (401, 403):
            step = f"check {self.setting}.key" if self.key else f"it wants a key: set {self.setting}.key or {self.setting}.key_file"
            return RefusedError(f"{self.base} refuses access ({status}){because}; {step}", status)
        if status in _BUSY:
            return BusyError(f"{self.base} is busy or not ready ({status}){because}; try again")
        if status == 404:
            return RefusedError(f"{self.base} has nothing there ({status}){because}; is {self.setting}.{self.address} right?", status)
        return RefusedError(f"{self.base} failed ({status}){because}", status)

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "…") if self.key else text


def remote(
    options: RemoteOptions,
    setting: str,
    *,
    path: str = "",
    endpoints: Sequence[str] = (),
    example: str = "http://HOST:8000",
    address: str = "uri",
    context: EngineContext | None = None,
) -> Remote:
    """The server of these options. Reads the key's file. context: has the gate through which it is reached.

    path: what an address without a path means; endpoints: ends that people paste along and that are taken off; address: the setting
    that holds the address.
    Raises: EngineUnavailableError when there is no address; SettingsError when it, or the key, cannot be used.
    """
    if not options.uri.strip():
        raise EngineUnavailableError(f"needs the address of a server: --set {setting}.{address}={example}")
    base = _base(options.uri.strip(), f"{setting}.{address}", path, endpoints, example)
    key = _key(options, setting)
    gate = context.gate(setting) if context else None
    return Remote(setting, base, options.connect_s, options.ca_file, key, address, gate)


def fetch(server: Remote, path: str) -> Any:
    """What a GET of JSON gives. Blocking, for at most `connect_s` and a little; connects directly, whatever proxy the environment names.

    Raises: PeerUnreachableError, DeadlineError, RefusedError, BusyError, EngineError.
    """
    handlers: list[Any] = [urllib.request.ProxyHandler({}), _NoRedirect()]
    if server.base.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=server.tls()))
    request = urllib.request.Request(server.url(path), headers=server.headers() | {"Accept": "application/json"})
    deadline = monotonic() + server.connect_s
    body = bytearray()
    status, sent = 0, True
    head = sum(len(name) + len(value) + 4 for name, value in request.header_items())
    trip = server.gate.let_out("GET", server.host, head + len(path)) if server.gate else None
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=server.connect_s) as answer:
            while piece := answer.read1(64 * 1024):
                body += piece
                if len(body) > LISTING_BYTES:
                    raise server.broken(f"sends an endless answer to {path}")
                if monotonic() > deadline:
                    raise server.late(server.connect_s, f"whole answer to {path}", "connect_s")
            status = answer.status
    except urllib.error.HTTPError as err:
        status = err.code
        raise server.refused(err.code, _rest(err), err.headers.get("Location", "")) from None
    except TimeoutError:
        raise server.late(server.connect_s, f"answer to {path}", "connect_s") from None
    except (OSError, HTTPException) as err:
        sent = not isinstance(err, urllib.error.URLError)
        raise server.unreachable(err) from None
    finally:
        if trip:
            trip.end(len(body), status, "" if status else "no answer", sent=sent)
    return parsed(server, bytes(body), path)


def parsed(server: Remote, body: bytes, path: str) -> Any:
    """The JSON a server sent.

    Raises: EngineError when it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise server.broken(f"answers {path} with something that is not JSON: is {server.setting}.uri right?") from None


def offer(context: EngineContext, server: Remote, ask: Callable[[], T]) -> T | None:
    """What a server offers, now or when it could last be asked; None when it never could. Blocking; says once why it cannot.

    Raises: SettingsError.
    """

    def asked() -> T:
        try:
            return ask()
        except (EngineError, BusyError) as err:  # a list that is refused or garbled: requests may work all the same
            raise PeerError(str(err)) from None

    return ask_or_recall(context, f"{server.setting} at {server}", asked, server.gate)


async def step(work: Awaitable[T], timeout_s: float, late: Callable[[], DeadlineError]) -> T:
    """Waits for one piece of a stream.

    Raises: what `late` gives when it takes too long.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        raise late() from None


def sendable(text: str) -> str:
    """A text that every server can take: halves of characters and control characters become spaces."""
    return _UNSPEAKABLE.sub(" ", text).strip()


def message_of(body: bytes) -> str:
    """What a server says of its failure, on one line: the message in one of the usual JSON forms, or its text. Empty for a web page."""
    text = body[:REFUSAL_BYTES].decode("utf-8", "replace").strip()
    try:
        said = _message(json.loads(text))
    except (ValueError, RecursionError):
        said = "" if text[:1] == "<" else text
    return printable(" ".join(said.split()), _MESSAGE_CHARS)


def _message(said: Any) -> str:
    """Follows `{"error": {"message": …}}`, `{"detail": …}`, `[{"msg": …}]`, `{"error": "…"}` to the words."""
    for _ in range(4):
        if isinstance(said, str):
            return said
        if isinstance(said, list):
            said = said[0] if said else ""
        elif isinstance(said, dict):
            said = next((said[key] for key in ("message", "msg", "detail", "error") if said.get(key)), "")
    return said if isinstance(said, str) else ""


def _base(uri: str, setting: str, path: str, endpoints: Sequence[str], example: str) -> str:
    shown = "it" if "@" in uri else repr(printable(uri))
    try:
        parts = urlsplit(uri)
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
        usable = scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0) and uri.isprintable()
    except ValueError:  # a port that is no number, a bracket that does not close
        usable = False
    if not usable or " " in uri:
        raise SettingsError(f"{setting}: {shown} is not an address of a server; use {example}")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{setting} must not hold a name or password; put the key into {setting.rpartition('.')[0]}.key")
    if parts.query or parts.fragment:
        raise SettingsError(f"{setting}: {shown} must end before the ? or #; use {example}")
    place = parts.path.rstrip("/")
    for endpoint in endpoints:
        place = place.removesuffix(endpoint)
    return f"{scheme}://{parts.netloc}{place or path}"


def _key(options: RemoteOptions, setting: str) -> str:
    key, where = options.key.strip(), "key"
    if not key and options.key_file:
        where = "key_file"
        try:
            with Path(options.key_file).expanduser().open(encoding="utf-8") as file:
                key = file.read(8192).strip()
        except (OSError, UnicodeDecodeError) as err:
            raise SettingsError(f"{setting}.key_file: {options.key_file} cannot be read: {_reason(err)}") from None
        if not key:
            raise SettingsError(f"{setting}.key_file: {options.key_file} is empty")
    if key and not _KEY.fullmatch(key):
        raise SettingsError(f"{setting}.{where} must be one word of plain ASCII characters")
    return key


def _rest(error: urllib.error.HTTPError) -> bytes:
    with error:
        try:
            return error.read(REFUSAL_BYTES)
        except (OSError, HTTPException):
            return b""


def _reason(error: BaseException) -> str:
    """The deepest cause, in words."""
    seen = [error]
    while (inner := getattr(error, "reason", None) or error.__cause__ or error.__context__) is not None:
        if not isinstance(inner, BaseException) or inner in seen:
            break
        seen.append(inner)
        error = inner
    return printable(next((told for err in reversed(seen) if (told := _words(err))), type(error).__name__))


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0)  # asyncio puts the address where the words belong
    return getattr(error, "strerror", None) or str(error)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead out of the house: it is reported, not followed."""

    def redirect_request(self, *_: Any) -> None:
        return None
