"""What neural voices make, as blocks of PCM."""

from collections.abc import Iterator

import numpy as np

from ..shared.audio import to_int16
from .engine import AudioBlock

_BLOCK_MS = 100  # small enough that an answer that is given up ends at once


def blocks(samples: np.ndarray, rate_hz: int) -> Iterator[AudioBlock]:
    """(n,) floats in -1..1 as blocks of 100 ms; louder ones are clipped."""
    pcm = to_int16(np.nan_to_num(samples)).astype("<i2").tobytes()
    size = rate_hz * _BLOCK_MS // 1000 * 2
    for start in range(0, len(pcm), size):
        yield AudioBlock(pcm[start : start + size], rate_hz)
