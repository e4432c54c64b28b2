"""The machine's clocks."""

import asyncio
import contextlib
import os
import time
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..shared.tool import Clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LOCALTIME = Path("/etc/localtime")


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
        """Now, in the system's time zone, which knows when the clocks change."""
        zone = system_zone()
        return datetime.now(zone) if zone else datetime.now().astimezone()

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Waits for the event, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await event.wait()


def system_zone(localtime: Path = _LOCALTIME) -> tzinfo | None:
    """The zone that `TZ` names, else the system's; None where neither can be told."""
    names = [os.environ.get("TZ", "").removeprefix(":")]
    with contextlib.suppress(OSError):
        names.append(str(localtime.readlink()).rpartition("zoneinfo/")[2])
    for name in filter(None, names):
        with contextlib.suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(name)
    with contextlib.suppress(OSError, ValueError), localtime.open("rb") as file:
        return ZoneInfo.from_file(file)
    return None
