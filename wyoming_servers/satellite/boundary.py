"""Where the wake word ends and the command may begin, when both are said in one breath."""

from dataclasses import dataclass

import numpy as np

from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.vad import VoiceDetector

LOOK_BACK_S = 1.4
"""What is longer ago than this before a detection does not matter."""
_TAIL_S = 0.25  # speech that ends so soon after a detection may be the wake word's end
_LONGEST_WORD_S = 1.0  # four wake words in five voices at 150 to 200 words a minute take 0.4 to 1.0 s
_GAP_S = 0.2  # words in one breath are closer than this
_CONTEXT_S = 0.7
_SILENT = 0.35
_LATEST_S = 0.5
_USUAL_DELAY_S = 0.2  # detections come 0 to 0.5 s after the word's end: seven voices and two recordings
_DEEP_DB = 25.0  # below the loudest moment: what is softer is not more of a pause, it may be the p of "stop"
_AWAY_DB_PER_S = 40.0  # with 25 dB, the recogniser understood most of 71 commands in one breath; a fixed delay lost a third more
_STEP = RATE_HZ // 100
_SMOOTH_STEPS = 3


@dataclass(frozen=True)
class Boundary:
    """Between a wake word and its command."""

    early: int
    """How many samples before the detection the command may have begun."""
    tail_s: float
    """Speech that is under way there, and ends within this, was still the wake word."""


def boundary(before: np.ndarray) -> Boundary:
    """Where the command may begin.

    before: the audio up to the detection, (n,) int16 mono 16 kHz, `LOOK_BACK_S` of it.
    Speech that has ended already was the wake word: the command begins after it. Else it begins where the speech is
    softest, which is mostly between two words. A detection may come so late that little is left of the command: what was
    said in this breath is only taken for a wake word while it is no longer than one.
    """
    before = before[-round(LOOK_BACK_S * RATE_HZ) :]
    probabilities = _probabilities(before[-round(_CONTEXT_S * RATE_HZ) :])
    if not probabilities or probabilities[-1] < _SILENT:
        run = next((number for number, probability in enumerate(reversed(probabilities)) if probability >= _SILENT), 0)
        return Boundary(run * FRAME_SAMPLES, _TAIL_S + run * FRAME_SAMPLES / RATE_HZ)
    early = _to_the_softest(before[-round(_LATEST_S * RATE_HZ) :])
    left_s = min(_TAIL_S, _LONGEST_WORD_S - _breath_s(_probabilities(before)))
    return Boundary(early, max(0.0, early / RATE_HZ + left_s))


def _probabilities(samples: np.ndarray) -> list[float]:
    return VoiceDetector().feed(samples[len(samples) % FRAME_SAMPLES :])


def _breath_s(probabilities: list[float]) -> float:
    """How long somebody has spoken without a pause, up to the end."""
    spoken = pause = 0
    for number, probability in enumerate(reversed(probabilities), 1):
        spoken, pause = (number, 0) if probability >= _SILENT else (spoken, pause + 1)
        if pause * FRAME_SAMPLES > _GAP_S * RATE_HZ:
            break
    return spoken * FRAME_SAMPLES / RATE_HZ


def _to_the_softest(samples: np.ndarray) -> int:
    """Samples from the softest moment to the end; among moments that are about as soft, the one nearest to the usual delay."""
    steps = len(samples) // _STEP
    if steps <= _SMOOTH_STEPS:
        return len(samples)
    energy = np.square(samples[-steps * _STEP :].astype(np.float64).reshape(steps, _STEP)).mean(axis=1)
    smooth_db = 10 * np.convolve(np.log10(energy + 1.0), np.ones(_SMOOTH_STEPS) / _SMOOTH_STEPS, "valid")
    ago = steps - np.arange(len(smooth_db)) - _SMOOTH_STEPS // 2 - 1
    softness_db = np.maximum(smooth_db, smooth_db.max() - _DEEP_DB) + _AWAY_DB_PER_S * np.abs(ago * _STEP / RATE_HZ - _USUAL_DELAY_S)
    return int(ago[int(np.argmin(softness_db))]) * _STEP
