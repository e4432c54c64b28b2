"""How the C library hands out memory in this process."""

import ctypes
import logging

_LOGGER = logging.getLogger(__name__)
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's malloc.h


def keep_freed_memory(most_bytes: int) -> bool:
    """Keeps up to `most_bytes` of freed memory for the next large arrays; False where the C library is not glibc.

    glibc maps every array of more than a few MB anew and gives it back at once. Whisper's attention over 30 s needs 54 MB per layer:
    touching its pages for the first time took longer than the arithmetic (tiny.en, two cores of an EPYC: 170 ms, without 85 ms).
    It holds for the whole process, from now on.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    kept = bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, most_bytes))
    _LOGGER.debug("up to %d MB of freed memory are kept: %s", most_bytes >> 20, kept)
    return kept
