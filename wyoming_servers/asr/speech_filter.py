"""Lets through what is spoken, while it comes in, with a little of what is around it: recognisers hear words in silence and noise."""

from collections import deque

import numpy as np

from ..shared.audio import Framer
from .speech_gate import SpeechGate

_LEAD_IN_FRAMES = 16  # of 32 ms, from before speech is sure: a word may begin softly
_LEAD_OUT_FRAMES = 19  # 0.6 s; what is in a pause of this length is kept, the rest of a longer one is left out
_LEAST_FRAMES = 3  # of speech within the lead-in; a click has fewer, the shortest "no" has six


class SpeechFilter:
    """One utterance. What it gives depends on the samples only, not on how they are cut into blocks."""

    def __init__(self, threshold: float) -> None:
        """threshold: probability above which a frame counts as speech."""
        self._voice = SpeechGate(threshold)
        self._framer = Framer()
        self._lead_in: deque[tuple[np.ndarray, bool]] = deque(maxlen=_LEAD_IN_FRAMES)
        self._open = False
        self._silent_frames = 0
        self._left_out = False
        self._given = 0
        self.heard = False
        """True once somebody has spoken."""
        self.gaps: list[int] = []
        """Places in the samples given so far where something was left out: good places to cut."""

    def feed(self, samples: np.ndarray) -> np.ndarray:
        """Takes (n,) int16 mono 16 kHz; returns those that can go to the recogniser now, (m,) int16, often none."""
        given: list[np.ndarray] = []
        for frame in self._framer.feed(samples):
            given += self._judge(frame)
        return np.concatenate(given) if given else np.empty(0, dtype=np.int16)

    def finish(self) -> np.ndarray:
        """The last samples, less than a frame; none when nobody spoke at the end."""
        last = self._framer.flush()
        return last if self._open else last[:0]

    def _judge(self, frame: np.ndarray) -> list[np.ndarray]:
        speaking = self._voice.speaks(frame)
        if not self._open:
            self._left_out = self._left_out or len(self._lead_in) == _LEAD_IN_FRAMES
            self._lead_in.append((frame, speaking))
            if sum(spoken for _, spoken in self._lead_in) < _LEAST_FRAMES:
                return []
            return self._begin()
        self._silent_frames = 0 if speaking else self._silent_frames + 1
        self._open = self._silent_frames < _LEAD_OUT_FRAMES
        self._given += len(frame)
        return [frame]

    def _begin(self) -> list[np.ndarray]:
        if self.heard and self._left_out:
            self.gaps.append(self._given)
        self._open, self.heard, self._silent_frames, self._left_out = True, True, 0, False
        given = [frame for frame, _ in self._lead_in]
        self._lead_in.clear()
        self._given += sum(map(len, given))
        return given
