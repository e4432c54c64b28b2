"""How recognisers are measured: meaning and words kept, the wait after the last sound, the work per second of sound."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from ..shared.audio import RATE_HZ
from ..shared.client import WyomingClient
from .inputs import Utterance
from .race import Measure
from .trials import Trial, word_errors
from .wording import Meaning, same, words

_CHUNK_SAMPLES = RATE_HZ // 10
_WIDTH_BYTES = 2
_TIMEOUT_S = 120.0  # a large model on a small machine; an answer that late is told as what it is


@dataclass(frozen=True)
class Heard:
    """One answer of a recogniser."""

    text: str
    wait_s: float
    """Last sound sent to transcript received."""
    work_s: float
    """First sound sent to transcript received."""


class HearingMeasure(Measure):
    """Every utterance is given at once, which shows the work; once in all rounds it is given as it is spoken, which shows the wait."""

    unit = "last sound to transcript"

    def __init__(self, utterances: Sequence[Utterance], meaning: Meaning, language: str, rounds: int) -> None:
        self._utterances = utterances
        self._meaning = meaning
        self._language = language
        self._rounds = rounds
        self.items = [utterance.name for utterance in utterances]

    async def first(self, uri: str) -> None:
        """One utterance, to load the model."""
        await transcribe(uri, self._utterances[0].samples, self._language)

    async def trial(self, uri: str, item: int, round_number: int) -> Trial:
        """One utterance."""
        utterance = self._utterances[item]
        live = item % self._rounds == round_number
        heard = await transcribe(uri, utterance.samples, self._language, live=live)
        said, got = words(utterance.text, self._language), words(heard.text, self._language)
        return Trial(
            utterance.name,
            same(utterance.text, heard.text, self._meaning, self._language),
            heard.text,
            word_errors(said, got) if said else 0,
            len(said),
            wait_ms=heard.wait_s * 1000 if live else None,
            work_s=0.0 if live else heard.work_s,
            audio_s=utterance.seconds,
        )

    def lost(self, item: int, error: str) -> Trial:
        """All of its words are wrong."""
        utterance = self._utterances[item]
        count = len(words(utterance.text, self._language))
        return Trial(utterance.name, False, word_errors=count, words=count, error=error)


async def transcribe(uri: str, samples: np.ndarray, language: str, *, live: bool = False) -> Heard:
    """What the server hears in (n,) int16 mono 16 kHz; `live` sends it as fast as it was spoken.

    Raises: PeerError, PeerUnreachableError.
    """
    loop = asyncio.get_running_loop()
    async with await WyomingClient.connect(uri) as client:
        await client.send(Transcribe(language=language).event())
        begun, started = time.perf_counter(), loop.time()
        await client.send(AudioStart(RATE_HZ, _WIDTH_BYTES, 1).event())
        for start in range(0, len(samples), _CHUNK_SAMPLES):
            chunk = samples[start : start + _CHUNK_SAMPLES]
            if live:
                await asyncio.sleep(started + (start + len(chunk)) / RATE_HZ - loop.time())
            await client.send(AudioChunk(RATE_HZ, _WIDTH_BYTES, 1, chunk.tobytes()).event())
        await client.send(AudioStop().event())
        ended = time.perf_counter()
        while not Transcript.is_type((event := await client.receive(_TIMEOUT_S)).type):
            pass
        now = time.perf_counter()
    return Heard(Transcript.from_event(event).text.strip(), now - ended, now - begun)
