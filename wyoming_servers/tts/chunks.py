"""Blocks of any size and rate to the chunks of one answer: one rate, small at first, pauses between the pieces."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from .engine import AudioBlock

WIDTH_BYTES = 2
_FIRST_CHUNK_MS = 20
_CHUNK_BYTES = 4096  # 2048 samples
_AUDIO = "wyoming_servers.shared.audio"  # with numpy, 25 MB: only an answer that changes its rate needs it


class Cutter:
    """For one answer: `begin` each piece, `add` its blocks, then `end` it."""

    def __init__(self) -> None:
        self.rate_hz = 0
        """That of the answer, once the first block has come; blocks of another are converted."""
        self._pending = bytearray()
        self._pause_ms = 0
        self._size_bytes = 0
        self._source_hz = 0
        self._converter: Any = None

    def begin(self, pause_ms: int) -> None:
        """A new piece, with silence before it once it makes a sound."""
        self._pause_ms = pause_ms
        self._pending.clear()
        self._size_bytes = self._source_hz = 0
        self._converter = None

    async def add(self, block: AudioBlock) -> AsyncIterator[bytes]:
        """The chunks that are complete with this block."""
        self.rate_hz = self.rate_hz or block.rate_hz
        if not self._size_bytes:
            self._size_bytes = bytes_of(_FIRST_CHUNK_MS, self.rate_hz)
            self._pending += bytes(bytes_of(self._pause_ms, self.rate_hz))
        if block.rate_hz != self._source_hz:
            await self._change_rate(block.rate_hz)
        self._pending += self._converter.convert(block.pcm).tobytes() if self._converter else block.pcm
        for chunk in self._whole_chunks():
            yield chunk

    def end(self) -> Iterator[bytes]:
        """The rest of the piece; whole samples."""
        self._flush_converter()
        yield from self._whole_chunks()
        whole = len(self._pending) - len(self._pending) % WIDTH_BYTES
        if whole:
            yield bytes(self._pending[:whole])
        self._pending.clear()

    def _whole_chunks(self) -> Iterator[bytes]:
        while self._size_bytes and len(self._pending) >= self._size_bytes:
            chunk = bytes(self._pending[: self._size_bytes])
            del self._pending[: self._size_bytes]
            self._size_bytes = min(self._size_bytes * 2, _CHUNK_BYTES)
            yield chunk

    async def _change_rate(self, rate_hz: int) -> None:
        self._flush_converter()
        self._source_hz, self._converter = rate_hz, None
        if rate_hz != self.rate_hz:
            audio = await asyncio.to_thread(importlib.import_module, _AUDIO)
            self._converter = audio.Converter(audio.AudioFormat(rate_hz, WIDTH_BYTES, 1), self.rate_hz)

    def _flush_converter(self) -> None:
        if self._converter is not None:
            self._pending += self._converter.flush().tobytes()
            self._converter = None


def bytes_of(duration_ms: int, rate_hz: int) -> int:
    """Of mono 16-bit sound."""
    return rate_hz * duration_ms // 1000 * WIDTH_BYTES
