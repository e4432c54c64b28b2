"""Where sound comes from: a sound card, a WAV file, or raw PCM on standard input. All give (512,) int16 mono 16 kHz frames."""

import asyncio
import itertools
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np

from ..shared.audio import FRAME_SAMPLES, INSIDE, RATE_HZ, Converter, Framer, read_wav
from .soundcard import OpenStream, PortAudio
from .speakers import SoundError

_LOGGER = logging.getLogger(__name__)
_FRAME_S = FRAME_SAMPLES / RATE_HZ
_FRAME_BYTES = FRAME_SAMPLES * INSIDE.frame_bytes
_PIECES = 4
_PIECE_BYTES = 4096
_SILENT_S = 3.0  # a sound card that gives nothing for this long is gone
_WORTH_TELLING_S = 0.5
_BUFFER_S = 5.0  # outside a turn, more is not kept when nobody fetches it
_BUFFER_IN_TURN_S = 60.0  # in a turn nothing is lost: the longest turn fits


class Microphone(ABC):
    """A source of sound."""

    name: str
    """For messages."""
    ended = False
    """True once it has nothing more to give but silence."""
    latency_s = 0.0
    """From a sound to its frame."""
    lost_s = 0.0
    """Seconds of sound that were dropped because nobody fetched them in time."""

    @abstractmethod
    def frames(self) -> AsyncIterator[np.ndarray]:
        """Frames at the pace of the clock, for ever; close it (contextlib.aclosing). May be called again after an error.

        Raises: SoundError when there is no sound (any more).
        """

    def keep_all(self, keep: bool) -> None:
        """True during a turn: nothing may be dropped."""


class FileMicrophone(Microphone):
    """A WAV file in real time, then silence."""

    def __init__(self, path: Path) -> None:
        """Raises: InvalidRequestError when it is not one. Reads the file."""
        self.name = str(path)
        self._samples = read_wav(path)

    async def frames(self) -> AsyncIterator[np.ndarray]:
        async for number in at_the_clocks_pace():
            frame = self._samples[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES]
            self.ended = len(frame) < FRAME_SAMPLES
            yield np.pad(frame, (0, FRAME_SAMPLES - len(frame)))


class CaptureBuffer:
    """Hands frames from the thread that captures to the event loop."""

    def __init__(self) -> None:
        self._frames: deque[np.ndarray] = deque()
        self._there = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._limit = round(_BUFFER_S / _FRAME_S)
        self.dropped = 0
        """Frames lost so far."""

    def keep_all(self, keep: bool) -> None:
        """True: drop only what is older than a minute."""
        self._limit = round((_BUFFER_IN_TURN_S if keep else _BUFFER_S) / _FRAME_S)

    def put(self, frame: np.ndarray) -> None:
        """Adds a frame, on any thread; drops the oldest when there are too many."""
        self._frames.append(frame)
        while len(self._frames) > self._limit:
            self._frames.popleft()
            self.dropped += 1
        if not self._there.is_set():
            self._loop.call_soon_threadsafe(self._there.set)

    async def get(self) -> np.ndarray:
        """The next frame."""
        while not self._frames:
            self._there.clear()
            if not self._frames:
                await self._there.wait()
        return self._frames.popleft()


class SoundCardMicrophone(Microphone):
    """A microphone; whatever its sound card gives becomes 16 kHz mono."""

    def __init__(self, device: str, portaudio: PortAudio) -> None:
        self.name = device or "the default microphone"
        self._device = device
        self._portaudio = portaudio
        self._buffer = CaptureBuffer()

    def keep_all(self, keep: bool) -> None:
        self._buffer.keep_all(keep)

    async def frames(self) -> AsyncIterator[np.ndarray]:
        framer = _Framer(self._buffer)
        opened = await asyncio.to_thread(self._portaudio.open, "input", self._device, RATE_HZ, framer.callback)
        self.name, self.latency_s = opened.name, float(opened.stream.latency)
        framer.begin(opened)
        try:
            while True:
                try:
                    async with asyncio.timeout(_SILENT_S):
                        frame = await self._buffer.get()
                except TimeoutError:
                    raise SoundError(f"{self.name} gives no sound; is it still plugged in?") from None
                self._note_losses()
                yield frame
        finally:
            await asyncio.shield(asyncio.to_thread(self._portaudio.close, opened))

    def _note_losses(self) -> None:
        lost_s = self._buffer.dropped * _FRAME_S
        if lost_s >= self.lost_s + _WORTH_TELLING_S:
            _LOGGER.warning("%s: %.1f s of sound lost, this machine is too busy", self.name, lost_s - self.lost_s)
            self.lost_s = lost_s


class StandardInputMicrophone(Microphone):
    """Raw 16 kHz mono 16-bit PCM from a pipe or a file, no faster than real time, then silence."""

    name = "standard input"

    def __init__(self, descriptor: int = 0) -> None:
        """descriptor: the open file to read, 0 for standard input."""
        self._descriptor = descriptor

    async def frames(self) -> AsyncIterator[np.ndarray]:
        pieces: asyncio.Queue[bytes] = asyncio.Queue(_PIECES)
        arguments = (self._descriptor, pieces, asyncio.get_running_loop())
        threading.Thread(target=_read, args=arguments, name="standard input", daemon=True).start()
        pcm = b""
        async for _ in at_the_clocks_pace():
            while len(pcm) < _FRAME_BYTES and not self.ended:
                piece = await pieces.get()
                self.ended = not piece
                pcm += piece
            frame, pcm = np.frombuffer(pcm[:_FRAME_BYTES].ljust(_FRAME_BYTES, b"\0"), dtype="<i2"), pcm[_FRAME_BYTES:]
            yield frame


class _Framer:
    """Makes frames of a sound card's blocks; runs on PortAudio's thread."""

    def __init__(self, buffer: CaptureBuffer) -> None:
        self._buffer = buffer
        self._converter: Converter | None = None
        self._framer = Framer()

    def begin(self, opened: OpenStream) -> None:
        """From now on blocks count."""
        self._converter = Converter(opened.source)

    def callback(self, block: np.ndarray, _count: int, _time: Any, _status: Any) -> None:
        """Takes (n, channels) int16."""
        if self._converter is None:
            return
        for frame in self._framer.feed(self._converter.convert(block.tobytes())):
            self._buffer.put(frame)


def _read(descriptor: int, pieces: "asyncio.Queue[bytes]", loop: asyncio.AbstractEventLoop) -> None:
    """Hands on what comes, then an empty piece. Its thread may block for ever; the process does not wait for it."""
    piece = b"begin"
    while piece:
        try:
            piece = os.read(descriptor, _PIECE_BYTES)
        except OSError as err:
            _LOGGER.warning("standard input cannot be read: %s", err.strerror)
            piece = b""
        try:
            asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
        except (RuntimeError, CancelledError):
            return  # the loop has ended


async def at_the_clocks_pace() -> AsyncIterator[int]:
    """0, 1, 2 …, each when a microphone would have given that frame."""
    now = asyncio.get_running_loop().time
    began = now()
    for number in itertools.count():
        if (early_s := began + (number + 1) * _FRAME_S - now()) > 0:
            await asyncio.sleep(early_s)
        yield number
