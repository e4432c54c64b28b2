"""Wyoming framing with limits: one event is a JSON line, then optional JSON data, then an optional payload.

The `wyoming` package reads without bounds and lets malformed input end a task; this reader refuses it with a reason.
"""

import asyncio
import functools
import json
import math
import re
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
_FEW_NUMBERS = re.compile(rb'\{(?:"[a-z_]{1,20}": ?\d{1,18}(?:, ?(?="))?){1,8}\}')
_LINE_STARTS = (b"{", b" ", b"\t")


@dataclass(frozen=True)
class Limits:
    """How large the parts of one incoming event may be."""

    header_bytes: int = 64 * 1024
    data_bytes: int = 4 * 1024 * 1024
    payload_bytes: int = 1024 * 1024


DEFAULT_LIMITS = Limits()


async def read_event(reader: asyncio.StreamReader, limits: Limits = DEFAULT_LIMITS) -> Event | None:
    """The next event, or None when the peer hung up (also in the middle of an event).

    The reader's own limit must be at least `limits.header_bytes`.

    Raises: ProtocolError when the bytes are not an event or are past the limits.
    """
    line = await _read_line(reader, limits.header_bytes)
    if line is None:
        return None
    header = _usual_header(line) if len(line) <= _USUAL_BYTES else _header(line)
    if header.data_length > limits.data_bytes:
        raise ProtocolError(f"data of {header.data_length} bytes is over the limit of {limits.data_bytes}")
    if header.payload_length > limits.payload_bytes:
        raise ProtocolError(f"payload of {header.payload_length} bytes is over the limit of {limits.payload_bytes}")
    try:
        body = await reader.readexactly(header.data_length + header.payload_length)
    except (asyncio.IncompleteReadError, OSError):
        return None
    data = _data(body[: header.data_length]) if header.data_length else {}
    if header.data:
        data = json.loads(header.data) | data
    return Event(header.type, data, body[header.data_length :] or None)


def encode_event(event: Event) -> bytes:
    """The bytes of one event: lengths in bytes, data never inline, strict JSON.

    Raises: ValueError when the data holds NaN or an infinity.
    """
    data = _ENCODER.encode(event.data).encode() if event.data else b""
    payload = event.payload or b""
    return b"".join((_header_bytes(event.type, len(data), len(payload)), data, payload))


@functools.lru_cache(maxsize=256)
def _header_bytes(event_type: str, data_length: int, payload_length: int) -> bytes:
    """Of a stream of audio, all are alike."""
    header: dict[str, Any] = {"type": event_type, "version": wyoming_version.__version__}
    header |= {"data_length": data_length} if data_length else {}
    header |= {"payload_length": payload_length} if payload_length else {}
    return _ENCODER.encode(header).encode() + b"\n"


async def write_event(writer: asyncio.StreamWriter, event: Event) -> None:
    """Writes one event in one piece and waits while the peer is slow to read."""
    writer.write(encode_event(event))
    await writer.drain()


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


_usual_header = functools.lru_cache(maxsize=256)(_header)
"""The same for lines that come again and again, as those of audio do."""


def _data(text: bytes) -> dict[str, Any]:
    """What every chunk of audio carries needs no look at each of its numbers."""
    return _DECODE_PLAIN(text.decode(), 0)[0] if _FEW_NUMBERS.fullmatch(text) else _parse_object(text, "data")


async def _read_line(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    try:
        first = await reader.readexactly(1)
        if first not in _LINE_STARTS:
            raise ProtocolError("not a Wyoming event")  # a browser or a TLS client would wait for ever
        return first + await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, OSError):
        return None
    except asyncio.LimitOverrunError:
        raise ProtocolError(f"header is over the limit of {limit} bytes") from None


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
_DECODE_PLAIN = json.JSONDecoder().scan_once
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_bounded_integer, parse_float=_finite)


def _length(header: dict[str, Any], key: str) -> int:
    value = header.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ProtocolError(f"{key!r} must be a whole number, at least 0")
    return value
