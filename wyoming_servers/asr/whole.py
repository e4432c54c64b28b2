"""Utterances that are recognised as a whole by another machine: kept while they are spoken, sent when they end, if anybody spoke."""

import io
import wave
from collections.abc import Callable

import numpy as np

from ..shared.audio import RATE_HZ, Framer
from ..shared.portal import Call
from .engine import AsrStream, Transcription
from .speech_gate import SpeechGate

_SPEECH_FRAMES = 3  # 96 ms: a short "yes" has eight, a click has one
_MARGIN_FRAMES = 16  # 0.5 s around the speech is sent too: Silero is late for soft beginnings, and words fade out


class WholeStream(AsrStream):
    """One utterance. Silence and noise are never sent, neither alone nor around the speech: recognisers make words of them."""

    def __init__(self, begin: Callable[[bytes], Call[Transcription]], language: str, speech: float, wait_s: float) -> None:
        """begin: takes a WAV file of 16 kHz mono and starts to recognise it; speech: probability from which a frame is speech;
        wait_s: for the transcript, past the deadlines that `begin` has of its own."""
        self._begin = begin
        self._language = language
        self._wait_s = wait_s
        self._voice = SpeechGate(speech)
        self._framer = Framer()
        self._frames: list[np.ndarray] = []
        self._first = self._last = self._speech_frames = 0
        self._call: Call[Transcription] | None = None
        self._given_up = False

    def feed(self, samples: np.ndarray) -> None:
        """Takes (n,) int16 mono 16 kHz; there is no hypothesis before the end."""
        for frame in self._framer.feed(samples):
            self._take(frame)

    def finish(self) -> Transcription:
        """The transcript; empty, and nothing is sent, when nobody spoke.

        Raises: what the recogniser on the other machine, or the way there, fails with.
        """
        for frame in self._framer.pad():
            self._take(frame)
        if self._speech_frames < _SPEECH_FRAMES:
            return Transcription("", None, self._language)
        spoken = self._frames[max(0, self._first - _MARGIN_FRAMES) : self._last + _MARGIN_FRAMES + 1]
        self._call = self._begin(wav(np.concatenate(spoken)))
        if self._given_up:
            self._call.cancel()
        return self._call.wait(self._wait_s)

    def cancel(self) -> None:
        """Gives a request that is under way up."""
        self._given_up = True
        if self._call is not None:
            self._call.cancel()

    def close(self) -> None:
        """Gives the request up, and forgets the audio."""
        self.cancel()
        self._frames.clear()

    def _take(self, frame: np.ndarray) -> None:
        if self._voice.speaks(frame):
            if not self._speech_frames:
                self._first = len(self._frames)
            self._last = len(self._frames)
            self._speech_frames += 1
        self._frames.append(frame)


def wav(samples: np.ndarray) -> bytes:
    """(n,) int16 mono 16 kHz as a WAV file, in memory."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.astype("<i2", copy=False).tobytes())
    return file.getvalue()
