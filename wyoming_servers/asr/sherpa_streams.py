"""Utterances on a recogniser of sherpa-onnx: heard while they are spoken, or as a whole."""

import math
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..shared.audio import RATE_HZ
from .engine import AsrStream, Transcription
from .sherpa_bias import Vocabulary
from .sherpa_families import Family
from .speech_filter import SpeechFilter

_TAIL_SAMPLES = RATE_HZ * 3 // 10  # beside the last step: some models say a word only after it
_LEAD_SAMPLES = RATE_HZ // 10
_LEAST_SAMPLES = RATE_HZ * 3 // 2  # Moonshine hears nothing in less, and zipformers fail in much less
_LANGUAGE = re.compile(r"(?:<\|)?([a-z]{2,3})(?:\|>)?")  # as Whisper and SenseVoice write it
_MARKS = re.compile(r"<[^<>\s]*>|\[(?:BLANK_AUDIO|blank_audio)\]")


@dataclass(frozen=True)
class Hearing:
    """A loaded model, shared by its streams."""

    recogniser: Any
    family: Family
    vocabulary: Vocabulary | None
    """Its tokens, when it can prefer words."""
    chunk_samples: int
    """What a streaming model takes in one step; 0 for one that hears utterances as a whole."""
    speech: float
    """Probability above which a frame counts as speech."""
    trust: float
    """Confidence a transcript needs."""
    lower: bool
    """True when its text is to be in small letters."""
    prompted: bool
    """True when it is told the language."""

    def stream(self, language: str, bias: str) -> Any:
        """The library's stream for one utterance."""
        stream = self.recogniser.create_stream(bias) if bias else self.recogniser.create_stream()
        if self.prompted:
            stream.set_option("language", language)
        return stream

    def written(self, text: str) -> str:
        """As it is shown: single spaces, no marks of the model, letters as the owner wants them."""
        text = " ".join(_MARKS.sub(" ", text).split())
        return text.lower() if self.lower else text

    def transcription(self, text: str, log_probabilities: Sequence[float], language: str) -> Transcription:
        """The end of an utterance. Empty when it is not sure enough."""
        text = self.written(text)
        confidence = math.exp(min(0.0, sum(log_probabilities) / len(log_probabilities))) if log_probabilities else None
        if confidence is not None and confidence < self.trust:
            text = ""
        return Transcription(text, confidence, language)


class LiveStream(AsrStream):
    """One utterance, decoded while it is spoken. Silence and noise before and after speech cost nothing and give nothing."""

    def __init__(self, hearing: Hearing, language: str, bias: str) -> None:
        self._hearing = hearing
        self._language = language
        self._filter = SpeechFilter(hearing.speech)
        self._stream = hearing.stream(language, bias)
        self._cancelled = threading.Event()
        self._hypothesis = ""

    def feed(self, samples: np.ndarray) -> str | None:
        """Takes (n,) int16 mono 16 kHz. Returns the words so far when they have changed."""
        if not self._decode(self._filter.feed(samples)):
            return None
        text = self._hearing.written(self._hearing.recogniser.get_result_all(self._stream).text)
        if text == self._hypothesis:
            return None
        self._hypothesis = text
        return text

    def finish(self) -> Transcription:
        """The transcript of all that was fed."""
        last = self._filter.finish()
        if not self._filter.heard:
            return Transcription("", None, self._language)
        # A step that is not full is never decoded: silence fills it up, and what the model holds back comes out.
        self._decode(np.concatenate((last, np.zeros(self._hearing.chunk_samples + _TAIL_SAMPLES, np.int16))))
        self._stream.input_finished()
        self._decode(last[:0])
        result = self._hearing.recogniser.get_result_all(self._stream)
        return self._hearing.transcription(result.text, result.ys_probs, self._language)

    def cancel(self) -> None:
        """Ends a long `feed` after the step it is in."""
        self._cancelled.set()

    def _decode(self, samples: np.ndarray) -> bool:
        """True when something was decoded."""
        recogniser, decoded = self._hearing.recogniser, False
        if len(samples):
            self._stream.accept_waveform(RATE_HZ, _floats(samples))
        while not self._cancelled.is_set() and recogniser.is_ready(self._stream):
            recogniser.decode_stream(self._stream)
            decoded = True
        return decoded


class WholeStream(AsrStream):
    """One utterance, recognised when it has ended; of what was fed only speech is kept."""

    def __init__(self, hearing: Hearing, language: str, bias: str) -> None:
        self._hearing = hearing
        self._language = language
        self._bias = bias
        self._filter = SpeechFilter(hearing.speech)
        self._kept: list[np.ndarray] = []
        self._cancelled = threading.Event()

    def feed(self, samples: np.ndarray) -> str | None:
        """Takes (n,) int16 mono 16 kHz. There are no hypotheses."""
        if len(kept := self._filter.feed(samples)):
            self._kept.append(kept)
        return None

    def finish(self) -> Transcription:
        """The transcript of all that was fed."""
        self._kept.append(self._filter.finish())
        if not self._filter.heard:
            return Transcription("", None, self._language)
        texts, log_probabilities = [], []
        for piece in cut(np.concatenate(self._kept), self._filter.gaps, round(self._hearing.family.longest_s * RATE_HZ)):
            if self._cancelled.is_set():
                break
            stream = self._hearing.stream(self._language, self._bias)
            short = max(0, _LEAST_SAMPLES - len(piece) - _LEAD_SAMPLES)
            stream.accept_waveform(RATE_HZ, _floats(np.pad(piece, (_LEAD_SAMPLES, max(_TAIL_SAMPLES, short)))))
            self._hearing.recogniser.decode_stream(stream)
            result = stream.result
            texts.append(result.text)
            log_probabilities += result.ys_log_probs
            language = _LANGUAGE.fullmatch(result.lang)
            self._language = language[1] if language else self._language
        return self._hearing.transcription(" ".join(texts), log_probabilities, self._language)

    def cancel(self) -> None:
        """Ends a long `finish` after the piece it is in."""
        self._cancelled.set()


def cut(samples: np.ndarray, gaps: Sequence[int], longest: int) -> list[np.ndarray]:
    """The samples in pieces of `longest` at most, cut at gaps where there are any."""
    pieces, begin = [], 0
    while len(samples) - begin > longest:
        fitting = [gap for gap in gaps if begin < gap <= begin + longest]
        end = fitting[-1] if fitting else begin + longest
        pieces.append(samples[begin:end])
        begin = end
    return [*pieces, samples[begin:]]


def _floats(samples: np.ndarray) -> np.ndarray:
    """(n,) int16 to floats in -1..1."""
    return samples.astype(np.float32) / 32768.0
