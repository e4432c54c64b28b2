"""When does the user start, and when has the user finished? Decided in stream time from Silero's probabilities."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from .audio import FRAME_SAMPLES, RATE_HZ, Framer, level_dbfs
from .vad import VoiceDetector

_SPEECH = 0.5  # Silero's own threshold for the beginning of speech
_STILL_SPEECH = 0.35  # and its hysteresis for the continuation
_ONSET_S = 0.09  # three frames: "yes" has eight, a click has one
_CLICK_FRAMES = 2  # after a pause, this many frames in a row show that the user goes on
_BURST_GAP_S = 0.2  # words of one burst are closer than this
_PRE_ROLL_S = 0.5  # before the first frame that was certainly speech there may be a soft beginning
_FADED_DB, _FADED_S = 14.0, 1.0  # nor does a user stay this soft for so long: every second has a stressed syllable
_BACKGROUND_DB = 24.0  # speech this much below the user's own is somebody else's: a television, another room


class Ending(Enum):
    """Why an utterance ended."""

    SILENCE = "silence"
    NO_SPEECH = "no-speech"
    TOO_LONG = "too-long"


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds of audio."""

    silence_s: float = 0.6
    """Silence that ends the utterance."""
    no_speech_s: float = 5.0
    """Without speech, it ends after this long."""
    longest_s: float = 15.0
    """It ends after this long, whatever is heard."""
    speech_s: float = _ONSET_S
    """Speech shorter than this was none."""


class Endpointer:
    """One utterance. Feed it everything from the moment the microphone is open to the user; positions count from there."""

    def __init__(self, limits: Patience, context: np.ndarray | None = None, tail_s: float = 0.0) -> None:
        """context: the audio before the utterance, (n,) int16 mono 16 kHz, for the detector to settle in.
        tail_s: speech that was under way when it began, and ends within this, is the end of the wake word."""
        self._limits = limits
        self._tail_s = tail_s
        self.wait_s = limits.silence_s
        """Silence that ends the utterance; may be changed at any time."""
        self._detector = VoiceDetector()
        before = [] if context is None else self._detector.feed(context[len(context) % FRAME_SAMPLES :])
        self._tail = bool(before) and before[-1] >= _STILL_SPEECH
        self._begin = 0
        self._framer = Framer()
        self._frame = 0
        self._run = 0
        self._burst_start = 0
        self._burst_frames = 0
        self._last_speech = -1
        self._loudest_dbfs = -120.0
        self._last_stressed = 0
        self._started = False
        self.last_pause_s = 0.0
        """How long the user was silent before going on, the last time; 0 when that has not been."""

    @property
    def heard_speech(self) -> bool:
        """True once the user has certainly begun."""
        return self._started

    @property
    def position(self) -> int:
        """Samples judged so far: whole frames of what was fed."""
        return self._frame * FRAME_SAMPLES

    @property
    def begin(self) -> int:
        """Position in samples from where on the audio counts: a little before the speech, after the wake word."""
        return max(self._begin, round(self._burst_start * FRAME_SAMPLES - _PRE_ROLL_S * RATE_HZ))

    @property
    def speech_begin(self) -> int:
        """Position in samples where the speech began; 0 when there was none."""
        return self._burst_start * FRAME_SAMPLES if self._started else 0

    @property
    def speech_end(self) -> int:
        """Position in samples where the speech so far ends; 0 when there was none."""
        return (self._last_speech + 1) * FRAME_SAMPLES if self._started else 0

    @property
    def speaks_for_s(self) -> float:
        """Seconds of speech without a gap up to now."""
        return _seconds(self._run)

    def has_been_silent_for(self, seconds: float) -> bool:
        """Whether the user has been silent so long since the speech so far, to the nearest frame, and no sound breaks it just now."""
        silence_s = _seconds(self._frame - 1 - self._last_speech)
        return self._started and not self._run and silence_s >= seconds - _seconds(1) / 2

    @property
    def ending(self) -> Ending | None:
        """Why the utterance is over; None while it goes on. Not while a sound may be its continuation: the next frame tells."""
        if self.has_been_silent_for(self.wait_s):
            return Ending.SILENCE
        if not self._started and not self._burst_frames and _seconds(self._frame) >= self._limits.no_speech_s:
            return Ending.NO_SPEECH
        if _seconds(self._frame) >= self._limits.longest_s:
            return Ending.TOO_LONG if self._started else Ending.NO_SPEECH
        return None

    def feed(self, samples: np.ndarray) -> Ending | None:
        """Takes (n,) int16 mono 16 kHz, any n; says why the utterance has ended, or None while it goes on."""
        for frame in self._framer.feed(samples):
            self._step(self._is_speech(frame))
            if ending := self.ending:
                return ending
        return None

    def _is_speech(self, frame: np.ndarray) -> bool:
        probability = self._detector.feed(frame)[0]
        if probability < (_STILL_SPEECH if self._run else _SPEECH):
            return False
        level = level_dbfs(frame)
        if self._started and level < self._loudest_dbfs - _BACKGROUND_DB:
            return False
        self._loudest_dbfs = max(self._loudest_dbfs, level)
        if level >= self._loudest_dbfs - _FADED_DB:
            self._last_stressed = self._frame
        elif self._started and _seconds(self._frame - self._last_stressed) > _FADED_S:
            self._last_speech = min(self._last_speech, self._last_stressed)  # a television has talked on since then
            return False
        return True

    def _step(self, speech: bool) -> None:
        if speech:
            self._hear()
        else:
            self._run = 0
        self._frame += 1
        silence_s = _seconds(self._frame - 1 - self._last_speech)
        if not self._started and self._burst_frames and silence_s > self._gap_s:
            self._burst_frames = 0  # too little to be a command
            if self._tail:
                self._tail, self._begin = False, (self._last_speech + 1) * FRAME_SAMPLES

    def _hear(self) -> None:
        self._run += 1
        if not self._burst_frames:
            self._burst_start = self._frame
            self._tail = self._tail and not self._frame
        self._burst_frames += 1
        if self._started and self._frame - self._last_speech > 1:
            if self._run < _CLICK_FRAMES:
                return  # one frame after a pause: it may be a click
            self.last_pause_s = _seconds(self._frame - self._last_speech - self._run)
        self._last_speech = self._frame
        if not self._started:
            self._started = _seconds(self._burst_frames) >= self._needed_s

    @property
    def _needed_s(self) -> float:
        return max(self._limits.speech_s, self._tail_s if self._tail else 0.0)

    @property
    def _gap_s(self) -> float:
        return _BURST_GAP_S if self._limits.speech_s <= _ONSET_S else self._limits.silence_s


def _seconds(frames: int) -> float:
    return frames * FRAME_SAMPLES / RATE_HZ
