"""Keeps back what is no speech: an engine on another machine is sent nothing before somebody speaks."""

from collections import deque

import numpy as np

from ..shared.audio import Framer
from .speech_gate import SpeechGate

_LEAD_IN_FRAMES = 25  # 0.8 s from before it is certain that somebody speaks
_CERTAIN_FRAMES = 3  # of speech; a click or a chair gives one or two, "stop" gives eight


class Onset:
    """One utterance: nothing passes before speech has begun, everything from shortly before it on."""

    def __init__(self, threshold: float) -> None:
        """threshold: probability above which 32 ms count as speech; 0 lets everything pass."""
        self._gate = SpeechGate(threshold)
        self._kept: deque[np.ndarray] = deque(maxlen=_LEAD_IN_FRAMES)
        self._framer = Framer()
        self._speech_frames = 0
        self.heard = threshold <= 0
        """True once speech has begun."""

    def take(self, samples: np.ndarray) -> np.ndarray:
        """Takes (n,) int16 mono 16 kHz; returns what is to be sent now, maybe nothing."""
        if self.heard:
            return samples
        frames = self._framer.feed(samples)
        for at, frame in enumerate(frames, 1):
            self._kept.append(frame)
            self._speech_frames += self._gate.speaks(frame)
            if self._speech_frames >= _CERTAIN_FRAMES:
                self.heard = True
                sound = np.concatenate((*self._kept, *frames[at:], self._framer.flush()))
                self._kept.clear()
                return sound
        return np.empty(0, np.int16)
