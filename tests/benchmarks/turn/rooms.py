"""The house's room: a microphone that gives exactly what was written for it, and a loudspeaker that keeps what it plays."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from wyoming_servers.satellite.microphones import Microphone, at_the_clocks_pace
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ, Pull, Speaker
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.tasks import TaskOwner

_NOISE = 8.0
_BLOCK_S, _EXACT_S = 0.01, 0.001


class Room(Microphone):
    """Digital: not one sample is changed on the way."""

    name = "the room"

    def __init__(self, seed: int = 0) -> None:
        self._queue: list[np.ndarray] = []
        self._noise = np.random.default_rng(seed)
        self._began = 0.0
        self._given = 0

    async def frames(self) -> AsyncIterator[np.ndarray]:
        self._began = asyncio.get_running_loop().time()
        async for _ in at_the_clocks_pace():
            yield self._frame()

    def now(self) -> int:
        """Position of the next sample that is given."""
        return self._given

    def clock(self, position: int) -> float:
        """Loop time at which the sample at this position sounds."""
        return self._began + position / RATE_HZ

    def play(self, samples: np.ndarray) -> int:
        """Puts (n,) int16 at 16 kHz behind what waits; returns the position of its first sample."""
        at = self._given + sum(map(len, self._queue))
        self._queue.append(samples)
        return at

    def _frame(self) -> np.ndarray:
        frame, free = [], FRAME_SAMPLES
        while self._queue and free:
            first = self._queue.pop(0)
            frame.append(first[:free])
            if len(first) > free:
                self._queue.insert(0, first[free:])
            free -= len(frame[-1])
        if free:
            frame.append(self._noise.normal(0, _NOISE, free).astype(np.int16) & ~np.int16(1))  # unmarked
        self._given += FRAME_SAMPLES
        return np.concatenate(frame)


class Loudspeaker(Speaker):
    """A sound card that takes its samples at the pace of the clock, and keeps them."""

    name = "the loudspeaker"
    always_open = True

    def __init__(self) -> None:
        self.exact = False
        """True until the next sound, for whose time it matters: it takes little at a time, and what comes too late is heard late."""
        self.stuck = False
        """True when it takes nothing any more."""
        self._owner = TaskOwner()
        self._heard: list[np.ndarray] = []
        self._fetched = 0
        self._began = 0.0

    async def open(self, pull: Pull) -> None:
        self._began = asyncio.get_running_loop().time()
        self._owner.start(self._play(pull), "the loudspeaker")

    async def close(self) -> None:
        await self._owner.close()

    async def _play(self, pull: Pull) -> None:
        now = asyncio.get_running_loop().time
        taken = 0
        while not self.stuck:
            passed = round((now() - self._began) * PLAYBACK_RATE_HZ)
            if self.exact and passed > taken:
                self._heard.append(np.zeros(passed - taken, np.int16))
                taken = passed
            due = passed + round((_EXACT_S if self.exact else _BLOCK_S) * PLAYBACK_RATE_HZ)
            sound = pull(max(0, due - taken))
            self._heard.append(sound)
            self.exact = self.exact and not sound.any()
            taken = max(taken, due)
            await asyncio.sleep(taken / PLAYBACK_RATE_HZ - now() + self._began)

    def heard(self) -> tuple[int, np.ndarray]:
        """What was played since this was called last, silence included: its position, and (n,) int16 at PLAYBACK_RATE_HZ."""
        at, heard = self._fetched, np.concatenate([np.empty(0, np.int16), *self._heard])
        self._fetched, self._heard = at + len(heard), []
        return at, heard

    def clock(self, position: int) -> float:
        """Loop time at which the sample at this position is heard."""
        return self._began + position / PLAYBACK_RATE_HZ
