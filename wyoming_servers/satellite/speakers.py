"""Where sound goes: a sound card, a WAV file, or nowhere. All take sound at the pace of the clock."""

import asyncio
import wave
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..shared.errors import AssistantError, InvalidRequestError
from ..shared.tasks import TaskOwner

PLAYBACK_RATE_HZ = 22_050
"""What speakers are given: the rate of the embedded voice and of most Piper voices."""
_BLOCK_S = 0.02
_LONGEST_RECORDING_S = 6 * 3600  # 950 MB
Pull = Callable[[int], np.ndarray]
"""Gives exactly so many samples, (n,) int16 mono at PLAYBACK_RATE_HZ; silence when there is nothing. Any thread may call it."""


class SoundError(AssistantError):
    """A microphone or loudspeaker that cannot be used; the text says why and what to do."""

    code = "sound-device"
    retryable = True


class Speaker(ABC):
    """A place where sound goes."""

    name: str
    """For messages."""
    always_open = False
    """True when it is opened at the start and never given back."""
    latency_s = 0.0
    """From a sample being pulled to its being heard."""

    @abstractmethod
    async def open(self, pull: Pull) -> None:
        """Begins to pull.

        Raises: SoundError.
        """

    @abstractmethod
    async def close(self) -> None:
        """Ends pulling; can be opened again."""


class ClockSpeaker(Speaker):
    """Pulls at the pace of the event loop's clock; what a subclass does with the sound is its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._owner = TaskOwner()

    async def open(self, pull: Pull) -> None:
        self._owner.start(self._pull(pull), f"speaker {self.name}")

    async def close(self) -> None:
        await self._owner.close()

    def take(self, samples: np.ndarray) -> None:
        """Gets every block, silence included."""

    async def _pull(self, pull: Pull) -> None:
        now = asyncio.get_running_loop().time
        began, taken = now(), 0
        while True:
            due = round((now() - began) * PLAYBACK_RATE_HZ)
            self.take(pull(due - taken))
            taken = due
            await asyncio.sleep(_BLOCK_S)


class FileSpeaker(ClockSpeaker):
    """Writes a WAV file: everything that would have been heard, at its time, with the silence between. Up to 6 hours."""

    always_open = True

    def __init__(self, path: Path) -> None:
        """Raises: InvalidRequestError when the file cannot be written."""
        super().__init__(str(path))
        try:
            self._file = wave.open(str(path), "wb")  # noqa: SIM115 - open for as long as the speaker is; whole after every block
        except OSError as err:
            raise InvalidRequestError(f"{path} cannot be written: {err.strerror}") from None
        self._file.setparams((1, 2, PLAYBACK_RATE_HZ, 0, "NONE", ""))
        self._room = _LONGEST_RECORDING_S * PLAYBACK_RATE_HZ

    def take(self, samples: np.ndarray) -> None:
        samples = samples[: self._room]
        self._room -= len(samples)
        self._file.writeframes(samples.astype("<i2").tobytes())


class NullSpeaker(ClockSpeaker):
    """Nobody hears it, but it takes its time."""

    def __init__(self) -> None:
        super().__init__("null")
