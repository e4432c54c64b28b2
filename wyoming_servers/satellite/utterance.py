"""The audio of one turn, kept until the turn is over."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from ..shared.audio import FRAME_SAMPLES


class Utterance:
    """Grows while the user speaks; can be read from its beginning any number of times, also while it grows."""

    def __init__(self) -> None:
        self._frames: list[np.ndarray] = []
        self._samples = 0
        self._changed = asyncio.Event()
        self.finished = False
        """True once nothing more comes."""

    def __len__(self) -> int:
        return self._samples

    def append(self, samples: np.ndarray) -> None:
        """Adds (n,) int16 mono 16 kHz, any n."""
        for start in range(0, len(samples), FRAME_SAMPLES):
            self._frames.append(samples[start : start + FRAME_SAMPLES])
        self._samples += len(samples)
        self._wake_readers()

    def finish(self) -> None:
        """Ends it; readers get what is left and stop."""
        self.finished = True
        self._wake_readers()

    async def frames(self) -> AsyncIterator[np.ndarray]:
        """Every frame, at most 512 samples each, from the beginning; waits for more until it is finished."""
        read = 0
        while True:
            changed = self._changed
            while read < len(self._frames):
                yield self._frames[read]
                read += 1
            if self.finished:
                return
            await changed.wait()

    async def end(self) -> None:
        """Waits until it is finished."""
        while not self.finished:
            await self._changed.wait()

    def _wake_readers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
