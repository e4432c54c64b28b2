"""One request's audio: it waits in order for a place at the engine and is recognised while it comes in."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from ..shared.audio import RATE_HZ
from ..shared.engine_host import EngineHost, Slot
from .engine import AsrEngine, AsrRequest, AsrStream, Transcription

Partial = Callable[[str], Awaitable[None]]


class Utterance:
    """Audio goes in through `add`, which never waits; `run` gives the transcript after `finish`, or once `longest_s` is reached."""

    def __init__(self, host: EngineHost[AsrEngine], request: AsrRequest, longest_s: float, partial: Partial | None = None) -> None:
        """partial: is given every hypothesis while the user speaks."""
        self._host = host
        self._request = request
        self._room = round(longest_s * RATE_HZ)
        self._partial = partial
        self._waiting: list[np.ndarray] = []
        self._changed = asyncio.Event()
        self.finished = asyncio.Event()
        """Set when no more audio is taken."""

    def add(self, samples: np.ndarray) -> None:
        """More audio, (n,) int16 mono 16 kHz; what is past the longest utterance is dropped."""
        samples = samples[: self._room]
        if len(samples) and not self.finished.is_set():
            self._waiting.append(samples)
            self._room -= len(samples)
        if not self._room:
            self.finished.set()
        self._changed.set()

    def finish(self) -> None:
        """There is no more audio."""
        self.finished.set()
        self._changed.set()

    async def run(self) -> Transcription:
        """The transcript.

        Raises: BusyError, EngineError, and what the engine raises.
        """
        opened: list[AsrStream] = []
        async with self._host.slot() as slot:
            try:
                await slot.run(lambda: opened.append(slot.engine.open(self._request)))
                return await self._recognise(slot, opened[0])
            finally:
                slot.run_soon(lambda: [stream.close() for stream in opened])  # also one that was still being opened when we were cancelled

    async def _recognise(self, slot: Slot[AsrEngine], stream: AsrStream) -> Transcription:
        while True:
            self._changed.clear()
            last = self.finished.is_set()
            if self._waiting:
                batch, self._waiting = np.concatenate(self._waiting), []
                hypothesis = await slot.run(stream.feed, batch, cancel=stream.cancel)
                if hypothesis is not None and self._partial:
                    await self._partial(hypothesis)
            elif last:
                return await slot.run(stream.finish, cancel=stream.cancel)
            else:
                await self._changed.wait()
