"""What the microphone has heard lately, by position in the stream."""

from collections import deque
from typing import Protocol

import numpy as np

from ..shared.audio import RATE_HZ


class Ear(Protocol):
    """Takes every frame, for wake words."""

    def feed(self, position: int, frame: np.ndarray) -> None:
        """The frame that begins at `position`."""

    def forget(self) -> None:
        """What it has not handed on yet, it never will."""


class Hearing:
    """Keeps the last seconds of a stream. Positions are samples since it began."""

    def __init__(self, keep_s: float) -> None:
        self._keep = round(keep_s * RATE_HZ)
        self._frames: deque[np.ndarray] = deque()
        self._first = 0
        self._heard_at = 0.0
        self.position = 0
        """Samples heard so far."""

    def append(self, samples: np.ndarray, heard_at: float) -> None:
        """Adds (n,) int16 mono 16 kHz whose last sample was heard at `heard_at` (loop time)."""
        self._frames.append(samples)
        self.position += len(samples)
        self._heard_at = heard_at
        while self.position - self._first - len(self._frames[0]) >= self._keep:
            self._first += len(self._frames.popleft())

    def between(self, start: int, end: int) -> np.ndarray:
        """The samples from position `start` to `end`; shorter where they are no longer, or not yet, there."""
        wanted, at = [], self.position
        for frame in reversed(self._frames):  # asked for is mostly what was heard last
            if at <= start:
                break
            at -= len(frame)
            if at < end:
                wanted.append(frame[max(0, start - at) : end - at])
        return np.concatenate(wanted[::-1]) if wanted else np.empty(0, dtype=np.int16)

    def clock(self, position: int) -> float:
        """Loop time at which the sample at `position` was heard."""
        return self._heard_at - (self.position - position) / RATE_HZ
