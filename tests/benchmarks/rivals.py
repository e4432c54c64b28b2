"""Servers side by side: ours and the ones from PyPI, each in its own environment, on the same model files."""

import asyncio
import os
import subprocess
import sys
import time
import venv
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from running import free_port, rss_mb

from wyoming_servers.shared import paths
from wyoming_servers.shared.client import describe
from wyoming_servers.shared.errors import PeerError

RIVALS = {"wyoming-piper": "2.5.2", "wyoming-faster-whisper": "3.8.1"}
"""Distribution → version measured against."""
_START_S = 120.0
_ASK_EVERY_S = 0.05


@dataclass(frozen=True)
class Contestant:
    """One server at work."""

    name: str
    uri: str
    pid: int

    @property
    def memory_mb(self) -> float:
        """Resident now."""
        return rss_mb(self.pid)


def rival(name: str) -> Path:
    """The Python of a rival's environment, made when it is not there yet."""
    folder = paths.cache_dir() / "bench" / f"{name}-{RIVALS[name]}"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        print(f"  installing {name} {RIVALS[name]} into {folder} …", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{name}=={RIVALS[name]}"]
        subprocess.run(install, check=True)
        done.touch()
    return python


@asynccontextmanager
async def serving(name: str, python: Path | str, *arguments: str, log: Path) -> AsyncIterator[Contestant]:
    """`python -m arguments… --uri URI`, answering `describe`."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "EARSHOT_"))}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), "-m", *arguments, "--uri", uri],
            env=kept | {"HOME": str(log.parent), "HF_HUB_OFFLINE": "1"},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await _answers(uri, process, log)
        yield Contestant(name, uri, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _answers(uri: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(PeerError):
            await describe(uri)
            return
        await asyncio.sleep(_ASK_EVERY_S)
    raise RuntimeError(f"it did not start:\n{log.read_text(errors='replace')[-2000:]}")


async def describe_times(uri: str, count: int) -> Sequence[float]:
    """Milliseconds of `count` describes, one after the other, each on a connection of its own, 20 ms apart."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        await describe(uri, 60.0)
        times.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.02)
    return times
