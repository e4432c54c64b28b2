"""The part of an utterance in which somebody speaks, cut out while it comes in."""

from collections import deque

import numpy as np

from ..shared.audio import Framer
from .speech_gate import SpeechGate

LEAD_OUT_FRAMES = 8  # of 32 ms: words fade out
_LEAD_IN_FRAMES = 8  # Silero is late for soft beginnings
_CERTAIN_FRAMES = 3  # 96 ms: a short "yes" has eight, a click has one


class SpeechRuns:
    """One utterance. Silence and noise are left out, before, after and between the words, all but a quarter of a second at each end.

    The result is the same however the audio is cut.
    """

    def __init__(self, threshold: float) -> None:
        """threshold: probability above which 32 ms count as speech."""
        self._gate = SpeechGate(threshold)
        self._framer = Framer()
        self._runs: list[list[np.ndarray]] = []
        self._lead_in: deque[np.ndarray] = deque(maxlen=_LEAD_IN_FRAMES)
        self._gap = True
        self.speech_frames = 0
        """Frames of 32 ms in which somebody spoke."""
        self.silent_frames = 0
        """Frames since then."""

    @property
    def speaks(self) -> bool:
        """Whether it is certain that somebody has spoken."""
        return self.speech_frames >= _CERTAIN_FRAMES

    def feed(self, samples: np.ndarray) -> None:
        """Takes (n,) int16 mono 16 kHz."""
        for frame in self._framer.feed(samples):
            self._take(frame)

    def flush(self) -> None:
        """There is no more audio: takes what is left of it."""
        for frame in self._framer.pad():
            self._take(frame)

    def runs(self) -> list[np.ndarray]:
        """Pieces of (n,) int16, each with the silence that belongs to it; between them was more silence than that."""
        return [np.concatenate(run) for run in self._runs]

    def _take(self, frame: np.ndarray) -> None:
        if self._gate.speaks(frame):
            if self._gap:
                self._runs.append([])
            self._runs[-1] += [*self._lead_in, frame]
            self._lead_in.clear()
            self._gap = False
            self.speech_frames += 1
            self.silent_frames = 0
            return
        self.silent_frames += 1
        if self.speech_frames and self.silent_frames <= LEAD_OUT_FRAMES:
            self._runs[-1].append(frame)
        else:
            self._gap = self._gap or len(self._lead_in) == _LEAD_IN_FRAMES
            self._lead_in.append(frame)


def windows(runs: list[np.ndarray], most_samples: int) -> list[np.ndarray]:
    """The pieces joined to as few windows of at most `most_samples` as keeping every piece whole allows; longer ones are cut."""
    pieces = [run[start : start + most_samples] for run in runs for start in range(0, len(run), most_samples)]
    joined: list[list[np.ndarray]] = []
    for piece in pieces:
        if joined and sum(map(len, joined[-1])) + len(piece) <= most_samples:
            joined[-1].append(piece)
        else:
            joined.append([piece])
    return [np.concatenate(window) for window in joined]
