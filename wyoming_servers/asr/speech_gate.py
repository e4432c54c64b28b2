"""Which frames are speech, at a fraction of what asking Silero about every frame costs (5 % of real time)."""

import numpy as np

from ..shared.audio import level_dbfs
from ..shared.vad import VoiceDetector

_SILENCE_DBFS = -65.0  # quieter than any speech a microphone picks up
_SURE_FRAMES = 12  # so many frames of speech, and every second frame tells enough


class SpeechGate:
    """One utterance's detector."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._voice = VoiceDetector()
        self._speech_frames = 0
        self._skipped = False
        self._speaking = False

    def speaks(self, frame: np.ndarray) -> bool:
        """Whether the next frame, (512,) int16 at 16 kHz, is speech."""
        if level_dbfs(frame) < _SILENCE_DBFS:
            return False
        if self._speech_frames >= _SURE_FRAMES and not self._skipped:
            self._skipped = True
        else:
            self._skipped = False
            self._speaking = self._voice.feed(frame)[0] > self._threshold
        self._speech_frames += self._speaking
        return self._speaking
