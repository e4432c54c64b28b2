"""A candidate at work: an engine of ours in a process of its own, or the server that runs already."""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ..shared.client import describe
from ..shared.errors import EngineError, PeerError
from .candidates import Candidate

_ANSWERS_S = 60.0  # describe is answered before a model is loaded
_UNAIDED = {"tts": ("--set", "tts.fallback=", "--set", "tts.cache_mb=0")}
"""What is measured is the engine: nothing from the disk, and nobody else who speaks when it fails."""
_ASK_EVERY_S = 0.05
_STOP_S = 10.0
_LAST_LINES = 3


@dataclass(frozen=True)
class Hosted:
    """A candidate that answers."""

    uri: str
    begun_s: float
    """`time.perf_counter()` of its start; of the first contact for a server that runs already."""
    pid: int | None = None
    """None for a server that runs already."""

    def memory_mb(self) -> float | None:
        """The most resident memory it has had, with its children; None where that cannot be seen."""
        return _peak_mb(self.pid) if self.pid else None

    def cpu_s(self) -> float | None:
        """Processor seconds it has used; None where that cannot be seen."""
        return _cpu_s(self.pid) if self.pid else None


@asynccontextmanager
async def hosted(candidate: Candidate, arguments: Sequence[str]) -> AsyncIterator[Hosted]:
    """The candidate, answering `describe`.

    arguments: further ones for `earshot serve`, such as --config.
    Raises: EngineError with its last words when it does not start; PeerError when a running server does not answer.
    """
    begun = time.perf_counter()
    if not candidate.engine:
        await describe(candidate.uri)
        yield Hosted(candidate.uri, begun)
        return
    with tempfile.TemporaryDirectory(prefix="earshot-bakeoff-") as folder:
        uri = f"unix://{folder}/serve.sock"
        options = [
            word for key, value in candidate.options for word in ("--set", f"{candidate.kind}.engines.{candidate.engine}.{key}={value}")
        ]
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "wyoming_servers", "serve", candidate.kind, "--uri", uri, "--no-zeroconf"),
                *("--engine", candidate.engine, *arguments, *_UNAIDED.get(candidate.kind, ()), *options),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
            )
        try:
            await _answers(process, uri, log)
            yield Hosted(uri, begun, process.pid)
        finally:
            await _stop(process)


async def _answers(process: asyncio.subprocess.Process, uri: str, log: Path) -> None:
    deadline = time.perf_counter() + _ANSWERS_S
    while True:
        if process.returncode is not None:
            raise EngineError(f"it ended with status {process.returncode}: {_last_words(log)}")
        try:
            await describe(uri)
            return
        except PeerError as err:
            if time.perf_counter() > deadline:
                raise EngineError(f"it did not answer within {_ANSWERS_S:g} s: {_last_words(log)}") from err
        await asyncio.sleep(_ASK_EVERY_S)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return re.sub(r"^earshot: ", "", " / ".join(lines[-_LAST_LINES:])) or "it said nothing"


def _peak_mb(pid: int) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # not Linux
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return (int(found[1]) / 1000 if found else 0.0) + sum(_peak_mb(int(child)) or 0.0 for child in children)


def _cpu_s(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
