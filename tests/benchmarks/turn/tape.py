"""The rooms of many satellites in memory that two processes share: one speaks and listens there, the other's satellites do.

Sound is kept in rings, for as many seconds as a turn takes. Positions count from when a room was opened, and so tell the time.
"""

import math
from pathlib import Path

import numpy as np

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import RATE_HZ

KEPT_S = 12
_NOISE = 8.0


class Ring:
    """Sound by its position: the last 12 s of it."""

    def __init__(self, samples: np.ndarray) -> None:
        self._samples = samples

    def read(self, at: int, count: int) -> np.ndarray:
        """(count,) int16 from this position on."""
        begin = at % len(self._samples)
        first = self._samples[begin : begin + count]
        return first.copy() if len(first) == count else np.concatenate((first, self._samples[: count - len(first)]))

    def write(self, at: int, samples: np.ndarray) -> None:
        """Puts (n,) int16 there, whatever was there before."""
        begin = at % len(self._samples)
        fits = len(self._samples) - begin
        self._samples[begin : begin + len(samples)] = samples[:fits]
        self._samples[: max(0, len(samples) - fits)] = samples[fits:]


class Rooms:
    """So many of them. Clocks are those of the event loops, which are the machine's."""

    def __init__(self, folder: Path, count: int, *, made: bool = False) -> None:
        """made: True for who opens them first."""

        def mapped(name: str, dtype: str, *shape: int) -> np.ndarray:
            return np.memmap(folder / name, dtype, "w+" if made else "r+", shape=(count, *shape)).view(np.ndarray)

        self._microphones = mapped("microphones", "<i2", KEPT_S * RATE_HZ)
        self._loudspeakers = mapped("loudspeakers", "<i2", KEPT_S * PLAYBACK_RATE_HZ)
        self.opened = mapped("opened", "<f8", 2)
        """When the first sample of microphone and loudspeaker sounded, by room; 0 before."""
        self.given = mapped("given", "<i8")
        """How many samples the microphone has given, by room."""
        self.exact_from = mapped("exact_from", "<f8")
        """Loop time from which the next sound of the loudspeaker matters to the millisecond, by room."""
        if made:
            self.exact_from[:] = math.inf
            noise = np.random.default_rng(0).normal(0, _NOISE, KEPT_S * RATE_HZ).astype(np.int16) & ~np.int16(1)  # unmarked
            self._quiet = Ring(noise)
            self._microphones[:] = noise

    def microphone(self, room: int) -> Ring:
        """At 16 kHz."""
        return Ring(self._microphones[room])

    def loudspeaker(self, room: int) -> Ring:
        """At PLAYBACK_RATE_HZ."""
        return Ring(self._loudspeakers[room])

    def hush(self, room: int, at: int, count: int) -> None:
        """There is only noise at the microphone from this position on."""
        self.microphone(room).write(at, self._quiet.read(at, count))
