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
        self._taken = False
        self._changed = asyncio.Event()
        self.finished = False
        """True once nothing more comes."""
        self.finished_at = 0.0
        """Loop time when that was."""

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
        self.finished, self.finished_at = True, asyncio.get_running_loop().time()
        self._wake_readers()

    def reopen(self) -> None:
        """More comes, after all."""
        self.finished = False

    def take(self) -> "Take":
        """A reading of it that can be ended before it is finished."""
        again, self._taken = self._taken, True
        return Take(self, again=again)

    async def frames(self) -> AsyncIterator[np.ndarray]:
        """Every frame, at most 512 samples each, from the beginning; waits for more until it is finished."""
        async for frame in self.take().frames():
            yield frame

    def _wake_readers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Take:
    """An utterance from its beginning, to its end or to where `stop` was called."""

    def __init__(self, utterance: Utterance, *, again: bool) -> None:
        self._utterance = utterance
        self.again = again
        """True when its beginning was read before, by another."""
        self._frames: int | None = None
        self._stopped_at = 0.0

    @property
    def finished(self) -> bool:
        """True once nothing more comes."""
        return self._utterance.finished or self._frames is not None

    @property
    def finished_at(self) -> float:
        """Loop time when that was."""
        return self._utterance.finished_at if self._frames is None else self._stopped_at

    def stop(self) -> None:
        """It ends with what is there now."""
        if self._frames is None:
            self._frames, self._stopped_at = len(self._utterance._frames), asyncio.get_running_loop().time()
            self._utterance._wake_readers()

    async def frames(self) -> AsyncIterator[np.ndarray]:
        """Every frame, at most 512 samples each; waits for more until it is finished."""
        utterance, read = self._utterance, 0
        while True:
            changed = utterance._changed
            while read < (len(utterance._frames) if self._frames is None else self._frames):
                yield utterance._frames[read]
                read += 1
            if self.finished:
                return
            await changed.wait()

    async def end(self) -> None:
        """Waits until it is finished."""
        while not self.finished:
            await self._utterance._changed.wait()
