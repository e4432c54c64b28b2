"""What a stream of speech has just let be heard, and where in it the clause that is being spoken began."""

from collections import deque

import numpy as np

_KEPT_S = 5.0  # no clause is worth hearing longer again
_STEP_S = 0.01
_PAUSE_STEPS = 10  # 0.1 s of quiet in a sentence is a comma or its end; the stops of consonants are shorter
_QUIET = 0.06  # of the loudness of the speech around it
_WORD_S = 1.5  # without a pause it is the softest moment within this, mostly between two words
_LEAST_S = 0.25  # going back by less is not worth it: the pause before it counts


class Played:
    """The last seconds of a stream. Belongs to the player, under its lock."""

    def __init__(self, rate_hz: int) -> None:
        """rate_hz: of the samples."""
        self._rate_hz = rate_hz
        self._pieces: deque[np.ndarray] = deque()
        self._samples = 0

    def add(self, samples: np.ndarray) -> None:
        """These were heard, (n,) int16 mono."""
        self._pieces.append(samples)
        self._samples += len(samples)
        while self._samples - len(self._pieces[0]) > _KEPT_S * self._rate_hz:
            self._samples -= len(self._pieces.popleft())

    def take_clause(self) -> np.ndarray:
        """Takes out what was heard since the beginning of the clause, to be heard again."""
        if not self._pieces:
            return np.empty(0, dtype=np.int16)
        heard = np.concatenate(self._pieces)
        start = _clause_start(heard, round(_STEP_S * self._rate_hz))
        self._pieces, self._samples = deque([heard[:start]]), start
        return heard[start:]


def _clause_start(heard: np.ndarray, step: int) -> int:
    """Index of the first sample after the last pause, or after the softest moment lately when there is none."""
    count = len(heard) // step
    tail = len(heard) - count * step
    if not count:
        return 0
    loudness = np.sqrt(np.mean(heard[tail:].reshape(count, step).astype(np.float64) ** 2, axis=1))
    quiet = loudness <= max(1.0, _QUIET * float(np.percentile(loudness, 95)))
    latest = count - round(_LEAST_S / _STEP_S)
    run = 0
    for index in range(count - 1, -1, -1):
        run = run + 1 if quiet[index] else 0
        if run >= _PAUSE_STEPS and index + run <= max(latest, 0):
            return tail + (index + run) * step
    if len(heard) < _KEPT_S * step / _STEP_S:
        return 0  # all of it is one clause
    recent = loudness[-round(_WORD_S / _STEP_S) :][: -round(_LEAST_S / _STEP_S)]
    return tail + (count - round(_WORD_S / _STEP_S) + int(np.argmin(recent))) * step
