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


def runs(samples: np.ndarray) -> list[Run]:
    """What is marked in (n,) int16, in order."""
    if len(samples) < BLOCK:
        return []
    bits = (samples & 1).astype(np.uint64)
    magic = _MAGIC_BITS
    windows = np.lib.stride_tricks.sliding_window_view(bits, BLOCK)
    hits = np.flatnonzero((windows[:, : len(magic)] == magic).all(axis=1))
    found: list[Run] = []
    free_from = 0
    for at in hits:
        if at < free_from:
            continue
        word = int(windows[at] @ _WEIGHTS)
        sound, block = (word >> 16) & 0xFF, word & 0xFFFF
        last = found[-1] if found else None
        goes_on = last and at == last.at + last.samples and sound == last.sound and block * BLOCK == last.begin + last.samples
        if not goes_on and not _followed(windows, at, word):
            continue
        free_from = at + BLOCK
        if goes_on:
            found[-1] = Run(last.at, sound, last.begin, last.samples + BLOCK)
        else:
            found.append(Run(int(at), sound, block * BLOCK, BLOCK))
    return found


_MAGIC_BITS = np.array([_MAGIC >> shift & 1 for shift in range(7, -1, -1)], dtype=np.uint64)


def _followed(windows: np.ndarray, at: int, word: int) -> bool:
    """Chance makes such a word once in 256 places, but not the next one behind it too."""
    after = at + BLOCK
    return after < len(windows) and int(windows[after] @ _WEIGHTS) == word + 1
