"""The machine's clocks."""

import asyncio
import contextlib
import time
from datetime import datetime
from pathlib import Path

from ..shared.tool import Clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock(Clock):
    """On Linux `steady` counts while the machine sleeps and is the same in every process until the next start."""

    def __init__(self) -> None:
        self._boottime = getattr(time, "CLOCK_BOOTTIME", None)
        self._boot = ""
        if self._boottime is not None:
            with contextlib.suppress(OSError):
                self._boot = _BOOT_ID.read_text("ascii").strip()

    @property
    def boot(self) -> str:
        """The kernel's id of this start."""
        return self._boot

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time()

    def steady(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic() if self._boottime is None else time.clock_gettime(self._boottime)

    def local(self) -> datetime:
        """Now, in the system's time zone."""
        return datetime.now().astimezone()

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Waits for the event, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await event.wait()
