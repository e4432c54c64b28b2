"""Utterances on their way to a Riva server: streamed, or as a whole."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from ..shared.riva import Answers, RivaLink, Unary
from .engine import AsrStream, Transcription
from .onset import Onset
from .riva_models import RivaAsrOptions

_LONGEST_S = 600.0  # the longest utterance the settings allow


@dataclass(frozen=True)
class Recogniser:
    """What all streams of one engine share."""

    options: RivaAsrOptions
    link: RivaLink
    stub: Any
    """riva_asr_pb2_grpc.RivaSpeechRecognitionStub."""
    messages: Any
    """The module riva_asr_pb2."""


class RivaStream(AsrStream):
    """One utterance, recognised while it is spoken."""

    def __init__(self, engine: Recogniser, config: Any, language: str) -> None:
        self._engine = engine
        self._config = config
        self._heard = _Heard(language, engine.options.stability)
        self._onset = Onset(engine.options.speech)
        self._sound: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # holds one utterance at most: the server bounds it
        self._answers: Answers | None = None
        self._hypothesis = ""
        self._given_up = threading.Event()

    def feed(self, samples: np.ndarray) -> str | None:
        """Takes (n,) int16 mono 16 kHz. Never waits; returns the hypothesis when the server has sent another one.

        Raises: PeerUnreachableError, BusyError, EngineError.
        """
        sound = self._onset.take(samples)
        if len(sound):
            self._sound.put(sound.astype("<i2").tobytes())
            if self._answers is None:
                self._begin()
        if self._answers is None:
            return None
        for answer in self._answers.ready():
            self._heard.take(answer)
        if self._heard.hypothesis == self._hypothesis:
            return None
        self._hypothesis = self._heard.hypothesis
        return self._hypothesis

    def finish(self) -> Transcription:
        """The transcript; empty when nobody spoke.

        Raises: DeadlineError, PeerUnreachableError, BusyError, EngineError.
        """
        if self._answers is None:
            return self._heard.transcription()
        self._sound.put(None)
        deadline = monotonic() + self._engine.options.timeout_s
        while (answer := self._answers.next(deadline - monotonic(), "transcript")) is not None:
            self._heard.take(answer)
        return self._heard.transcription()

    def cancel(self) -> None:
        """Ends the call, and with it a `finish` that waits."""
        self._given_up.set()
        if self._answers is not None:
            self._answers.cancel()

    def close(self) -> None:
        """Ends the call if it is still under way."""
        self.cancel()
        self._sound.put(None)

    def _begin(self) -> None:
        engine = self._engine
        self._answers = engine.link.stream(engine.stub.StreamingRecognize, self._requests(), _LONGEST_S + engine.options.timeout_s)
        if self._given_up.is_set():
            self._answers.cancel()

    def _requests(self) -> Iterator[Any]:
        """On gRPC's thread."""
        messages = self._engine.messages
        settings = messages.StreamingRecognitionConfig(config=self._config, interim_results=True)
        yield messages.StreamingRecognizeRequest(streaming_config=settings)
        while (pcm := self._sound.get()) is not None:
            yield messages.StreamingRecognizeRequest(audio_content=pcm)


class RivaUtterance(AsrStream):
    """One utterance, recognised as a whole: for models that cannot stream."""

    def __init__(self, engine: Recogniser, config: Any, language: str) -> None:
        self._engine = engine
        self._config = config
        self._heard = _Heard(language, 0.0)
        self._onset = Onset(engine.options.speech)
        self._pcm = bytearray()
        self._call: Unary | None = None
        self._given_up = threading.Event()

    def feed(self, samples: np.ndarray) -> None:
        """Keeps (n,) int16 mono 16 kHz for the end."""
        self._pcm += self._onset.take(samples).astype("<i2").tobytes()

    def finish(self) -> Transcription:
        """The transcript; empty when nobody spoke.

        Raises: DeadlineError, PeerUnreachableError, BusyError, EngineError.
        """
        if self._pcm:
            engine = self._engine
            request = engine.messages.RecognizeRequest(config=self._config, audio=bytes(self._pcm))
            self._call = engine.link.call(engine.stub.Recognize, request, engine.options.timeout_s)
            if self._given_up.is_set():
                self._call.cancel()
            self._heard.take(self._call.wait())
        return self._heard.transcription()

    def cancel(self) -> None:
        """Ends a `finish` that waits."""
        self._given_up.set()
        if self._call is not None:
            self._call.cancel()

    def close(self) -> None:
        """Forgets the audio."""
        self.cancel()
        self._pcm.clear()


class _Heard:
    """What the server has said of one utterance: sentences that are final, and what it believes of the one that is being spoken."""

    def __init__(self, language: str, stability: float) -> None:
        self._language = language
        self._stability = stability
        self._final: list[Any] = []
        self._interim = ""

    @property
    def hypothesis(self) -> str:
        return " ".join([alternative.transcript.strip() for alternative in self._final] + self._interim.split())

    def take(self, answer: Any) -> None:
        """One response, streamed or not; it may hold a stable and an unstable part of one sentence."""
        interim = []
        for result in answer.results:
            if not result.alternatives:
                continue
            best = result.alternatives[0]
            if getattr(result, "is_final", True):
                if best.transcript.strip():
                    self._final.append(best)
            elif not result.stability or result.stability >= self._stability:  # 0 means that the model does not tell
                interim.append(best.transcript)
        if answer.results:
            self._interim = " ".join(interim)

    def transcription(self) -> Transcription:
        text = " ".join(" ".join(alternative.transcript for alternative in self._final).split())
        spoken = next((tag for alternative in self._final for tag in alternative.language_code), self._language)
        return Transcription(text, self._confidence() if text else None, spoken)

    def _confidence(self) -> float | None:
        """The sentences' own, by length; None when one of them is no probability: some models give none, or a score."""
        if not all(0 < alternative.confidence <= 1 for alternative in self._final):
            return None
        words = [len(alternative.transcript.split()) for alternative in self._final]
        return sum(count * alternative.confidence for count, alternative in zip(words, self._final, strict=True)) / sum(words)
