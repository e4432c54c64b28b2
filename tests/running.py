"""Earshot as it really runs: `earshot run` in processes of its own, on ports and in folders of its own."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

KINDS = ("wake", "asr", "handle", "tts")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """A running `earshot run` and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.pid = process.pid
        self.began = time.monotonic()
        self.log: list[str] = []
        """The lines taken so far."""
        threading.Thread(target=self._read, name="log of earshot run", daemon=True).start()

    def lines(self, timeout_s: float = 120) -> Iterator[str]:
        """The rest of its log, until it ends.

        Raises: queue.Empty when a line takes longer than `timeout_s`.
        """
        while (line := self._lines.get(timeout=timeout_s)) is not None:
            self.log.append(line)
            yield line

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Takes lines up to one that matches."""
        for line in self.lines(timeout_s):
            if found := re.search(pattern, line):
                return found
        raise RuntimeError(f"no line matched {pattern!r}:\n{''.join(self.log[-20:])}")

    def wait(self, timeout_s: float = 60) -> int:
        """Waits for its end; returns the exit status."""
        return self._process.wait(timeout=timeout_s)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Sends a signal; returns the exit status."""
        self._process.send_signal(number)
        return self.wait(10)

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def parts(self) -> dict[str, int]:
        """Process ids: the four servers and the satellite."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        found = {}
        for pid in children:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            found["satellite" if "satellite" in words else words[words.index("serve") + 1]] = int(pid)
        return found


@contextmanager
def earshot_run(mic: np.ndarray, *settings: str, folder: Path | None = None) -> Iterator[Running]:
    """Runs everything with (n,) int16 16 kHz as microphone, in real time; what is heard goes to folder/heard.wav.

    settings: KEY=VALUE. folder: its home; None means one of its own, gone afterwards.
    """
    with tempfile.TemporaryDirectory() as own:
        home = folder or Path(own)
        write_wav(home / "mic.wav", mic)
        given = [f"{kind}.uri=tcp://127.0.0.1:{free_port()}" for kind in KINDS]
        given += [f"satellite.uri=tcp://127.0.0.1:{free_port()}"]
        given += [f"satellite.mic={home / 'mic.wav'}", f"satellite.speaker={home / 'heard.wav'}", "network.zeroconf=false", *settings]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "EARSHOT_"))}
        command = [sys.executable, "-m", "wyoming_servers", "run", *(word for text in given for word in ("--set", text))]
        process = subprocess.Popen(
            command, cwd=home, env=kept | {"HOME": str(home)}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(timeout=10)


def write_wav(path: Path, samples: np.ndarray) -> None:
    """(n,) int16 mono 16 kHz as a file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())


def rss_mb(pid: int) -> float:
    """Resident memory of one process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6


def cpu_s(pid: int) -> float:
    """Processor seconds used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
