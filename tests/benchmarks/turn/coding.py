"""Marks in the lowest bits of sound: they say of every 32 samples which sound they belong to and where in it they stand.

Nothing on the way may change a sample: the harness plays and records digitally, at full volume. So what is heard back tells exactly
what came, in which order, how often, and what was left out.
"""

from dataclasses import dataclass

import numpy as np

BLOCK = 32
_MAGIC = 0xA5
_WEIGHTS = 1 << np.arange(BLOCK - 1, -1, -1, dtype=np.uint64)
_SOUNDS, _BLOCKS = 1 << 8, 1 << 16


@dataclass(frozen=True)
class Run:
    """Unbroken samples of one sound, as they were found."""

    at: int
    """Where in what was searched, in samples."""
    sound: int
    begin: int
    """Where in the sound."""
    samples: int


def marked(samples: np.ndarray, sound: int) -> np.ndarray:
    """(n,) int16 with marks, cut to whole blocks. sound: its number, 0 to 255."""
    blocks = len(samples) // BLOCK
    if not 0 <= sound < _SOUNDS or blocks > _BLOCKS:
        raise ValueError("a sound has a number up to 255 and up to 65536 blocks")
    words = (_MAGIC << 24) | (sound << 16) | np.arange(blocks, dtype=np.uint64)
    bits = ((words[:, None] >> np.arange(BLOCK - 1, -1, -1, dtype=np.uint64)) & 1).astype(np.int16)
    return (samples[: blocks * BLOCK] & ~1) | bits.reshape(-1)


class Reader:
    """Finds what is marked in a stream of samples."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        """What was found so far, in order; the last one may still grow."""
        self._rest = np.empty(0, np.int16)
        self._position = 0

    def feed(self, samples: np.ndarray) -> None:
        """Takes the next (n,) int16 of the stream."""
        samples = np.concatenate((self._rest, samples))
        free_from = 0
        if len(samples) >= BLOCK and (samples & 1).any():  # a quiet room has no marks at all
            windows = np.lib.stride_tricks.sliding_window_view((samples & 1).astype(np.uint64), BLOCK)
            for at in np.flatnonzero((windows[:, : len(_MAGIC_BITS)] == _MAGIC_BITS).all(axis=1)):
                if at >= free_from and self._take(windows, int(at)):
                    free_from = int(at) + BLOCK
        keep_from = max(free_from, len(samples) - 2 * BLOCK + 1)
        self._rest = samples[keep_from:]
        self._position += keep_from

    def _take(self, windows: np.ndarray, at: int) -> bool:
        word = int(windows[at] @ _WEIGHTS)
        sound, begin = (word >> 16) & 0xFF, (word & 0xFFFF) * BLOCK
        position = self._position + at
        last = self.runs[-1] if self.runs else None
        if last and position == last.at + last.samples and sound == last.sound and begin == last.begin + last.samples:
            self.runs[-1] = Run(last.at, sound, last.begin, last.samples + BLOCK)
            return True
        if not _followed(windows, at, word):
            return False
        self.runs.append(Run(position, sound, begin, BLOCK))
        return True


def runs(samples: np.ndarray) -> list[Run]:
    """What is marked in (n,) int16, in order."""
    reader = Reader()
    reader.feed(samples)
    return reader.runs


_MAGIC_BITS = np.array([_MAGIC >> shift & 1 for shift in range(7, -1, -1)], dtype=np.uint64)


def _followed(windows: np.ndarray, at: int, word: int) -> bool:
    """Chance makes such a word once in 256 places, but not the next one behind it too."""
    after = at + BLOCK
    return after < len(windows) and int(windows[after] @ _WEIGHTS) == word + 1
