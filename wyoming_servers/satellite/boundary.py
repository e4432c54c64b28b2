"""Where the wake word ends and the command may begin, when both are said in one breath."""

import numpy as np

from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.vad import VoiceDetector

TAIL_S = 0.25
"""Speech that ends within this after a detection was the end of the wake word."""
_CONTEXT_S = 0.7
_SILENT = 0.35
_LATEST_S = 0.5
_USUAL_DELAY_S = 0.2  # detections come 0 to 0.5 s after the word's end: seven voices and two recordings
_DEEP_DB = 25.0  # below the loudest moment: what is softer is not more of a pause, it may be the p of "stop"
_AWAY_DB_PER_S = 40.0  # with 25 dB, the recogniser understood most of 71 commands in one breath; a fixed delay lost a third more
_STEP = RATE_HZ // 100
_SMOOTH_STEPS = 3


def command_start(before: np.ndarray) -> int:
    """How many samples before a detection the command may have begun.

    before: the audio up to the detection, (n,) int16 mono 16 kHz; what is more than 0.7 s ago does not matter.
    Speech that has ended already was the wake word: the command begins after it. Else it begins where the speech is
    softest, which is mostly between two words.
    """
    before = before[-round(_CONTEXT_S * RATE_HZ) :]
    probabilities = VoiceDetector().feed(before[len(before) % FRAME_SAMPLES :])
    silent = [number for number, probability in enumerate(reversed(probabilities)) if probability < _SILENT]
    if not probabilities or silent[:1] == [0]:
        run = next((number for number, probability in enumerate(reversed(probabilities)) if probability >= _SILENT), 0)
        return run * FRAME_SAMPLES
    return _to_the_softest(before[-round(_LATEST_S * RATE_HZ) :])


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
