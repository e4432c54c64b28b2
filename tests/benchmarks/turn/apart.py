"""A part of the benchmark in a process of its own, so that its processor time is counted for itself."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from .lag import loop_lag, share_of

_HERE = Path(__file__).parents[1]
_SCHEDULER = Path("/proc/self/schedstat")
_TICK_S = 0.02  # looking costs processor time, too
DISTURBED = 0.05
"""Of the time without a processor that was wanted: more is other work's doing."""


@asynccontextmanager
async def apart(module: str, *arguments: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Runs `python -m MODULE`, which ends when its standard input does; yields its output and its input."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (_HERE, _HERE.parent)))}
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "limit": 1 << 26}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, env=environment, **pipes)
    assert process.stdin and process.stdout
    try:
        yield process.stdout, process.stdin
    finally:
        process.stdin.close()
        await process.wait()


class Effort:
    """What this process has cost since it was asked last."""

    def __init__(self) -> None:
        self._lags_s: list[float] = []
        self._before = _clocks()

    def watched(self) -> AbstractAsyncContextManager[None]:
        """Open while this process is watched."""
        return loop_lag(self._lags_s, _TICK_S)

    def told(self) -> dict[str, float]:
        """cores: processor time for each second. waited: the share of it in which the loop's thread could have gone on and had no
        processor; 0 where the system does not tell. late_s: how late its loop was at most in 99 of 100 looks."""
        before, self._before = self._before, _clocks()
        wall_s, used_s, waited_s = (now - then for now, then in zip(self._before, before, strict=True))
        told = {"cores": used_s / wall_s, "waited": waited_s / wall_s, "late_s": share_of(self._lags_s, 0.99)}
        self._lags_s.clear()
        return told


def _clocks() -> tuple[float, float, float]:
    """The time, this process's processor time, and how long its main thread has waited for a processor; in seconds."""
    waited_ns = int(_SCHEDULER.read_text("ascii").split()[1]) if _SCHEDULER.exists() else 0
    return time.monotonic(), time.process_time(), waited_ns / 1e9
