"""Speech as other machines send it: raw PCM or WAV, cut anywhere, to blocks."""

import struct
from collections.abc import Callable

from ..shared.errors import EngineError
from .engine import AudioBlock

_RIFF_BYTES = 12
_CHUNK_BYTES = 8
_HEADER_BYTES = 64 * 1024  # more than this before the sound is no header
_ENDLESS = 0x7FFF0000  # what streams write for a length they do not know: 0xFFFFFFFF, 0x7FFFFFFF, or less by the header
_PCM, _EXTENSIBLE = 1, 0xFFFE
_RATES_HZ = (4_000, 192_000)


class Received:
    """One answer. A WAV header is noticed whatever was asked for; several servers send WAV for everything."""

    def __init__(self, rate_hz: int, broken: Callable[[str], EngineError]) -> None:
        """rate_hz: of raw PCM, 16 bits mono; broken: makes the error for bytes that are not speech."""
        self._rate_hz = rate_hz
        self._broken = broken
        self._pending = bytearray()
        self._in_header = True
        self._left: int | None = None
        self._convert: Callable[[bytes], bytes] | None = None
        self.seconds = 0.0
        """Of speech, so far."""

    @property
    def ended(self) -> bool:
        """True when a WAV file's length is reached; what follows is no sound."""
        return self._left == 0

    def add(self, data: bytes) -> AudioBlock | None:
        """Takes the next bytes; gives what whole samples they complete.

        Raises: EngineError when they are a WAV file that cannot be played.
        """
        self._pending += data
        if self._in_header and not self._header():
            return None
        size = len(self._pending) if self._left is None else min(len(self._pending), self._left)
        if self._convert is None:
            size -= size % 2
        pcm = bytes(self._pending[:size])
        del self._pending[:size]
        if self._left is not None:
            self._left -= size
            if self.ended:
                self._pending.clear()
        if self._convert is not None:
            pcm = self._convert(pcm)
        self.seconds += len(pcm) / 2 / self._rate_hz
        return AudioBlock(pcm, self._rate_hz) if pcm else None

    def _header(self) -> bool:
        """True once it is known where the sound begins; the header is gone from `_pending` then."""
        if not b"RIFF".startswith(self._pending[:4]):
            self._in_header = False
            return True
        position, layout = _RIFF_BYTES, None
        while len(self._pending) >= position + _CHUNK_BYTES:
            name, size = struct.unpack_from("<4sI", self._pending, position)
            position += _CHUNK_BYTES
            if name == b"data":
                if layout is None:
                    raise self._broken("sends a WAV file that does not say its format")
                self._begin(layout, size)
                del self._pending[:position]
                self._in_header = False
                return True
            if name == b"fmt ":
                if len(self._pending) < position + min(size, 40):
                    break
                layout = bytes(self._pending[position : position + size])
            position += size + size % 2
        if len(self._pending) > _HEADER_BYTES:
            raise self._broken("sends a WAV file without sound")
        return False

    def _begin(self, layout: bytes, size: int) -> None:
        if len(layout) < 16:
            raise self._broken("sends a WAV file that does not say its format")
        kind, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", layout)
        if kind == _EXTENSIBLE and len(layout) >= 26:
            kind = struct.unpack_from("<H", layout, 24)[0]
        if kind != _PCM or bits not in (8, 16, 24, 32) or not 1 <= channels <= 8 or not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
            raise self._broken(f"sends WAV of a kind that cannot be played: format {kind}, {rate_hz} Hz, {bits} bits, {channels} channels")
        self._rate_hz = rate_hz
        self._left = None if size == 0 or size >= _ENDLESS else size
        if (bits, channels) != (16, 1):
            from ..shared.audio import AudioFormat, Converter

            converter = Converter(AudioFormat(rate_hz, bits // 8, channels), rate_hz)
            self._convert = lambda data: converter.convert(data).astype("<i2").tobytes()
