"""The end of the user's turn, found by the server: stands between a client's audio and its utterance."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from wyoming.event import Event
from wyoming.vad import VoiceStarted, VoiceStopped

from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.endpointing import Ending, Endpointer, Patience
from .utterance import Utterance

_PIECE_SAMPLES = RATE_HZ  # of a recording sent at once: the recogniser begins before all of it was judged


class TurnEnd:
    """Audio goes in through `add`, which never waits; `run` hands it on and finishes the utterance where the user stops speaking.

    The utterance gets the same samples however they were sent: what comes after the end is dropped.
    """

    def __init__(self, utterance: Utterance, limits: Patience, pool: Executor, tell: Callable[[Event], None]) -> None:
        """pool: where the voice detector works. tell: is given `voice-started` and `voice-stopped`, and must not wait."""
        self._utterance = utterance
        self._endpointer = Endpointer(limits)
        self._pool = pool
        self._tell = tell
        self._room = round(limits.longest_s * RATE_HZ) + FRAME_SAMPLES  # it has ended by then
        self._waiting: list[np.ndarray] = []
        self._changed = asyncio.Event()
        self._stopped = False
        self._judged = 0
        self._speaking = False

    def add(self, samples: np.ndarray) -> None:
        """More audio, (n,) int16 mono 16 kHz."""
        samples = samples[: self._room]
        self._room -= len(samples)
        if len(samples):
            self._waiting.append(samples)
            self._changed.set()

    def finish(self) -> None:
        """The client says that there is no more."""
        self._stopped = True
        self._changed.set()

    async def run(self) -> Ending | None:
        """Why the turn has ended; None when the client ended it."""
        while True:
            self._changed.clear()
            last = self._stopped
            if self._waiting and (last or sum(map(len, self._waiting)) >= FRAME_SAMPLES):
                batch, self._waiting = np.concatenate(self._waiting), []
                for first in range(0, len(batch), _PIECE_SAMPLES):
                    if ending := await self._judge(batch[first : first + _PIECE_SAMPLES]):
                        self._utterance.finish()
                        return ending
            elif last:
                self._utterance.finish()
                return None
            else:
                await self._changed.wait()

    async def _judge(self, samples: np.ndarray) -> Ending | None:
        ear = self._endpointer
        ending = await asyncio.get_running_loop().run_in_executor(self._pool, ear.feed, samples)
        self._utterance.add(samples[: ear.position - self._judged] if ending else samples)
        self._judged += len(samples)
        if ear.heard_speech and not self._speaking:
            self._speaking = True
            self._tell(VoiceStarted(timestamp=_ms(ear.speech_begin)).event())
        if ending and self._speaking:
            self._tell(VoiceStopped(timestamp=_ms(ear.speech_end)).event())
        return ending


def _ms(samples: int) -> int:
    return samples * 1000 // RATE_HZ
