"""This machine in one line, for everything that is measured on it."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores, architecture and Python."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    model = names[0] if names else platform.processor() or "unknown processor"
    return f"{model}, {os.cpu_count() or '?'} cores, {platform.machine()}, Python {platform.python_version()}"
