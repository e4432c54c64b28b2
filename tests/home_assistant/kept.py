"""A program that is started again whenever it ends, as a service manager does."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_KEEP = """
exec 3<&0
trap 'kill $child; wait $child; exit 0' TERM
while :; do
    while [ -e "$0" ]; do sleep 0.1; done
    "$@" <&3 &
    child=$!
    wait $child
done
"""
_LOOK_S = 0.1


class Kept:
    """One program, its log in a file, and whoever it is that runs now."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL):
        """log: gets what it prints, of all its lives."""
        self.log = log
        self._paused = log.with_suffix(".paused")
        with log.open("ab") as out:
            keeper = ["bash", "-c", _KEEP, str(self._paused), *command]
            self._process = subprocess.Popen(keeper, stdin=stdin, stdout=out, stderr=subprocess.STDOUT, env=environment)

    @property
    def pid(self) -> int | None:
        """Of the program; None between two lives."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ends this life; returns when the next has begun."""
        old = self.pid
        if old is not None:
            os.kill(old, number)
        until(lambda: self.pid not in (old, None), 60, f"{self.log.name}: no new life")

    @contextmanager
    def away(self) -> Iterator[None]:
        """It is not there; afterwards a new life begins."""
        self._paused.touch()
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            until(lambda: not Path(f"/proc/{pid}").exists(), 60, f"{self.log.name}: it does not end")
        try:
            yield
        finally:
            self._paused.unlink()

    def stop(self) -> None:
        """Ends it for good."""
        self._process.terminate()
        self._process.wait(timeout=60)


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Waits for a condition outside this process, that nothing announces.

    Raises: TimeoutError with `what`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {timeout_s:g} s")
        time.sleep(_LOOK_S)


def answers(port: int) -> bool:
    """True when somebody listens on a port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
