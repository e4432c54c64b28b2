"""How voices are measured: first audio, work per second of speech, and whether a recogniser understands what was said."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.tts import Synthesize, SynthesizeVoice

from ..shared.audio import RATE_HZ, AudioFormat, Converter
from ..shared.client import WyomingClient
from ..shared.errors import AssistantError, PeerError
from .hearing import transcribe
from .race import Measure
from .trials import Trial, word_errors
from .wording import Meaning, same, words

_TIMEOUT_S = 120.0
_PAUSE_S = 0.4


@dataclass(frozen=True)
class Spoken:
    """One answer of a voice."""

    samples: np.ndarray
    """(n,) int16 mono 16 kHz."""
    first_s: float
    """Request sent to first audio received."""
    work_s: float
    """Request sent to last audio received."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / RATE_HZ


class SpeakingMeasure(Measure):
    """Sentences to be spoken. The recogniser at `listener` hears them after the candidate has been stopped."""

    unit = "request to first audio"

    def __init__(self, sentences: Sequence[str], listener: str, meaning: Meaning, language: str) -> None:
        """listener: URI of a recogniser; empty when nobody listens, then only speed is measured."""
        self.items = list(sentences)
        self._listener = listener
        self._meaning = meaning
        self._language = language
        self._spoken: list[np.ndarray] = []

    async def first(self, uri: str) -> None:
        """One sentence that is not among the inputs, to load the model; no cache can have it."""
        await synthesize(uri, "One moment please.", self._language)

    async def trial(self, uri: str, item: int, round_number: int) -> Trial:
        """One sentence."""
        text = self.items[item]
        spoken = await synthesize(uri, text, self._language)
        if not np.any(spoken.samples):
            raise PeerError("there was no sound")
        self._spoken.append(spoken.samples)
        return Trial(text, None, wait_ms=spoken.first_s * 1000, work_s=spoken.work_s, audio_s=spoken.seconds)

    def lost(self, item: int, error: str) -> Trial:
        """All of its words are wrong."""
        self._spoken.append(np.empty(0, np.int16))
        count = len(words(self.items[item], self._language))
        return Trial(self.items[item], False, word_errors=count, words=count, error=error)

    async def judge(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        """Lets the recogniser listen. Only sentences that it can understand at all, commands, tell right from wrong."""
        spoken, self._spoken = self._spoken, []
        return [await self._judged(trial, samples) for trial, samples in zip(trials, spoken, strict=True)]

    async def _judged(self, trial: Trial, samples: np.ndarray) -> Trial:
        if trial.error or not self._listener or self._meaning(trial.item) is None:
            return trial
        pause = np.zeros(round(_PAUSE_S * RATE_HZ), np.int16)
        try:
            text = (await transcribe(self._listener, np.concatenate((pause, samples, pause)), self._language)).text
        except AssistantError as err:
            return replace(trial, error=f"the recogniser that listens: {err}")
        said, got = words(trial.item, self._language), words(text, self._language)
        right = same(trial.item, text, self._meaning, self._language)
        return replace(trial, right=right, got=text, word_errors=word_errors(said, got), words=len(said))


async def synthesize(uri: str, text: str, language: str) -> Spoken:
    """The text as speech.

    Raises: PeerError, PeerUnreachableError.
    """
    blocks: list[np.ndarray] = []
    converter: Converter | None = None
    first = 0.0
    async with await WyomingClient.connect(uri) as client:
        begun = time.perf_counter()
        await client.send(Synthesize(text=text, voice=SynthesizeVoice(language=language)).event())
        while not AudioStop.is_type((event := await client.receive(_TIMEOUT_S)).type):
            if AudioStart.is_type(event.type):
                start = AudioStart.from_event(event)
                converter = Converter(AudioFormat(start.rate, start.width, start.channels))
            elif AudioChunk.is_type(event.type) and converter is not None and event.payload:
                first = first or time.perf_counter()
                blocks.append(converter.convert(event.payload))
        ended = time.perf_counter()
    if converter is not None:
        blocks.append(converter.flush())
    samples = np.concatenate(blocks) if blocks else np.empty(0, np.int16)
    return Spoken(samples, (first or ended) - begun, ended - begun)
