"""How many processor cores this process may keep busy."""

import math
import os
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(topology: Path = _TOPOLOGY, quota: Path = _QUOTA) -> int:
    """Physical cores that this process is allowed to run on, and no more than its container may use; at least 1.

    Two threads of one core share its arithmetic units: a second one makes a neural network no faster.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    siblings = {_read(topology / f"cpu{number}" / "topology" / "thread_siblings_list") or str(number) for number in allowed}
    return max(1, min(len(siblings), _limit(quota)))


def _limit(quota: Path) -> int:
    """Whole cores of a container's limit (`50000 100000` is half a core); very many when there is none."""
    share, _, period = _read(quota).partition(" ")
    unlimited = not share.isdigit() or not period.isdigit() or int(period) == 0
    return 1 << 16 if unlimited else math.ceil(int(share) / int(period))


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
