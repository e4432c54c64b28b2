"""Wyoming framing with limits: one event is a JSON line, then optional JSON data, then an optional payload.

The `wyoming` package reads without bounds and lets malformed input end a task; this reader refuses it with a reason.
"""

import asyncio
import functools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wyoming import version as wyoming_version
from wyoming.event import Event

from .errors import ProtocolError

_HEADER_KEYS = {"type": str, "data": dict}
_LENGTH_KEYS = ("data_length", "payload_length")
_MAX_TYPE_CHARS = 100
_MAX_INTEGER_DIGITS = 18  # fits 64 bits; Python's own limit is 4300 digits and slow
_MAX_DEPTH = 32  # no Wyoming event nests deeper than six; parsers and printers recurse
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half a character can be escaped, but not written as UTF-8
_USUAL_BYTES = 160
_READ_BYTES = 32 * 1024
_LAST_NUMBER = re.compile(rb" ?(0|[1-9]\d{0,17})\}")
_WHOLE = frozenset({int})
_LINE_STARTS = (b"{", b" ", b"\t")


@dataclass(frozen=True)
class Limits:
    """How large the parts of one incoming event may be."""

    header_bytes: int = 64 * 1024
    data_bytes: int = 4 * 1024 * 1024
    payload_bytes: int = 1024 * 1024


DEFAULT_LIMITS = Limits()


class EventReader:
    """Reads the events of one peer, as many as came at once without waiting in between.

    A reading that was cancelled loses nothing: the next one begins where it began.
    """

    def __init__(self, reader: asyncio.StreamReader, limits: Limits = DEFAULT_LIMITS) -> None:
        self._reader = reader
        self._limits = limits
        self._here = b""
        """What came and was not given out yet, from `_at` on."""
        self._at = 0
        self._line = b""
        self._header = _Header("", b"", 0, 0)
        """Of the last event, for mostly the next one has the same."""

    async def read(self) -> Event | None:
        """The next event, or None when the peer hung up (also in the middle of an event).

        Raises: ProtocolError when the bytes are not an event or are past the limits.
        """
        try:
            if not self._here:
                self._here = await self._reader.read(_READ_BYTES)
            begin = self._here.find(b"\n", self._at) + 1 or await self._line_end()
            if not begin:
                return None
            line = self._here[self._at : begin]
            if line != self._line:
                self._line, self._header = line, self._checked(line)
            header = self._header
            middle = begin + header.data_length
            end = middle + header.payload_length
            if end > len(self._here):
                self._here += await self._reader.readexactly(end - len(self._here))
        except (asyncio.IncompleteReadError, OSError):
            return None
        here = self._here
        data = _data(here[begin:middle]) if header.data_length else {}
        if header.data:
            data = json.loads(header.data) | data
        self._here, self._at = (here, end) if end < len(here) else (b"", 0)
        return Event(header.type, data, here[middle:end] or None)

    async def _line_end(self) -> int:
        """Position behind the line that begins at `_at`, waited for; 0 when the peer hangs up before."""
        self._here, self._at = self._here[self._at :], 0
        while True:
            if self._here:
                _check_start(self._here)
            if (known := len(self._here)) > self._limits.header_bytes:
                raise ProtocolError(f"header is over the limit of {self._limits.header_bytes} bytes")
            if not (more := await self._reader.read(_READ_BYTES)):
                return 0
            self._here += more
            if end := self._here.find(b"\n", known) + 1:
                return end

    def _checked(self, line: bytes) -> "_Header":
        limits = self._limits
        if len(line) > limits.header_bytes:
            raise ProtocolError(f"header is over the limit of {limits.header_bytes} bytes")
        header = _header(line)
        if header.data_length > limits.data_bytes:
            raise ProtocolError(f"data of {header.data_length} bytes is over the limit of {limits.data_bytes}")
        if header.payload_length > limits.payload_bytes:
            raise ProtocolError(f"payload of {header.payload_length} bytes is over the limit of {limits.payload_bytes}")
        return header


def encode_event(event: Event) -> bytes:
    """The bytes of one event: lengths in bytes, data never inline, strict JSON.

    Raises: ValueError when the data holds NaN or an infinity.
    """
    data = _text(event.data) if event.data else b""
    payload = event.payload or b""
    return b"".join((_header_bytes(event.type, len(data), len(payload)), data, payload))


def _text(data: Mapping[str, Any]) -> bytes:
    """What every chunk of audio carries are whole numbers."""
    values = tuple(data.values())
    return _pattern(tuple(data)) % values if _WHOLE.issuperset(map(type, values)) else _ENCODER.encode(data).encode()


@functools.lru_cache(maxsize=256)
def _pattern(names: tuple[str, ...]) -> bytes:
    """Of an object with whole numbers by these names."""
    return f"{{{','.join(_ENCODER.encode(name).replace('%', '%%') + ':%d' for name in names)}}}".encode()


@functools.lru_cache(maxsize=256)
def _header_bytes(event_type: str, data_length: int, payload_length: int) -> bytes:
    """Of a stream of audio, all are alike."""
    header: dict[str, Any] = {"type": event_type, "version": wyoming_version.__version__}
    header |= {"data_length": data_length} if data_length else {}
    header |= {"payload_length": payload_length} if payload_length else {}
    return _ENCODER.encode(header).encode() + b"\n"


def read_in_pieces(transport: asyncio.BaseTransport) -> None:
    """Makes reading cheap where little comes at a time.

    asyncio offers 256 KiB to each read, which the C library maps for it and unmaps again: 7 of the 20 µs that a chunk of audio cost.
    """
    transport.max_size = _READ_BYTES  # of asyncio's transports for sockets; others have no such limit


def is_sent(transport: asyncio.WriteTransport) -> bool:
    """True when the system has taken all that was written: nobody has to wait, and nobody has hung up yet."""
    return not (transport.get_write_buffer_size() or transport.is_closing())


def printable(text: str, limit: int = 200) -> str:
    """A peer's text made safe for a log line or an error: printable characters only, cut at `limit`."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: limit + 1])
    return clean if len(clean) <= limit else clean[:limit] + "…"


@dataclass(frozen=True)
class _Header:
    type: str
    data: bytes
    """What stands in the line itself, as JSON; empty for nothing."""
    data_length: int
    payload_length: int


def _header(line: bytes) -> _Header:
    _check_start(line)
    header = _parse_object(line, "header")
    for key, kind in _HEADER_KEYS.items():
        if key in header and not isinstance(header[key], kind):
            raise ProtocolError(f"header field {key!r} must be {'text' if kind is str else 'an object'}")
    if "type" not in header:
        raise ProtocolError("header has no 'type'")
    if not 0 < len(header["type"]) <= _MAX_TYPE_CHARS:
        raise ProtocolError(f"'type' must have 1 to {_MAX_TYPE_CHARS} characters")
    inline = header.get("data")
    return _Header(header["type"], json.dumps(inline).encode() if inline else b"", *(_length(header, key) for key in _LENGTH_KEYS))


def _data(text: bytes) -> dict[str, Any]:
    """Chunks of audio differ in their last number only."""
    before, _, last = text.rpartition(b":")
    number = _LAST_NUMBER.fullmatch(last)
    if number and len(before) <= _USUAL_BYTES and (alike := _alike(before)):
        common, name = alike
        return common | {name: int(number[1])}
    return _parse_object(text, "data")


@functools.lru_cache(maxsize=256)
def _alike(before: bytes) -> tuple[dict[str, Any], str] | None:
    """What data that begins like this has in common, and the name of the number it ends with; None when it has to be read anew."""
    one, other = (_parse_object(before + end, "data") for end in (b":0}", b":1}"))
    if any(isinstance(value, dict | list) for value in one.values()):
        return None  # whoever is given it may change it
    return one, next(name for name in one if one[name] != other[name])


def _check_start(line: bytes) -> None:
    """A browser or a TLS client would wait for ever for the end of what it takes for something else."""
    if line[:1] not in _LINE_STARTS:
        raise ProtocolError("not a Wyoming event")


def _parse_object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = _DECODER.decode(text.decode())
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        if text.count(b"[") + text.count(b"{") > _MAX_DEPTH and _too_deep(value):
            raise ValueError("nested too deeply")
    except (ValueError, RecursionError):  # also of the decoder and the encoder of UTF-8
        raise ProtocolError(f"{what} is not valid JSON") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"{what} is not a JSON object")
    return value


def _too_deep(value: Any) -> bool:
    """Looks level by level, for a function that calls itself would meet its own limit."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        nodes = [node for node in level if isinstance(node, dict | list)]
        if not nodes:
            return False
        level = [child for node in nodes for child in (node.values() if isinstance(node, dict) else node)]
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("number is too large")
    return value


def _bounded_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_INTEGER_DIGITS:
        raise ValueError("integer is too long")
    return int(digits)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_bounded_integer, parse_float=_finite)


def _length(header: dict[str, Any], key: str) -> int:
    value = header.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ProtocolError(f"{key!r} must be a whole number, at least 0")
    return value
