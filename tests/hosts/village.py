"""Several machines on one switch, each a network namespace of its own; to be used inside of an empty namespace (see test_hosts.py).

Nothing of it outlives the process: namespaces and links end with the processes that hold them.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
WAIT_S = 20.0
_SWITCH = "switch0"


class Host:
    """One machine: a program that gets JSON lines and says JSON lines."""

    def __init__(self, name: str, number: int, program: list[str], state: Path) -> None:
        self.name = name
        self.number = number
        self.told: list[dict[str, Any]] = []
        """Everything it said so far."""
        paths = {f"XDG_{kind}_HOME": str(state / name) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        identity = state / name / "earshot" / "machine-id"  # all namespaces share the real machine's
        identity.parent.mkdir(parents=True)
        identity.write_text(f"{number:08x}")
        environment = os.environ | paths | {"PYTHONPATH": os.pathsep.join(map(str, (FOLDER, FOLDER.parent)))}
        command = ["unshare", "--net", sys.executable, *program]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, bufsize=1, **pipes)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def tell(self, **command: Any) -> None:
        """Sends one command."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command) + "\n")

    def hear(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The next thing it says that is wanted."""
        until = time.monotonic() + WAIT_S
        while True:
            try:
                said = json.loads(self._lines.get(timeout=max(0.01, until - time.monotonic())))
            except queue.Empty:
                raise TimeoutError(f"{self.name} never said: {what}; it said {self.told[-5:]}") from None
            self.told.append(said)
            if wanted(said):
                return said

    def inside(self, *command: str) -> None:
        """Runs a program in this machine's network."""
        subprocess.run(["nsenter", f"--net=/proc/{self.process.pid}/ns/net", *command], check=True)

    def end(self) -> None:
        """Ends its program as the supervisor would."""
        self.process.terminate()
        self.process.wait(10)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)


class Village:
    """The switch and what is plugged into it."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._count = 0
        ip("link", "set", "lo", "up")
        ip("link", "add", _SWITCH, "type", "bridge", "mcast_snooping", "0")
        ip("link", "set", _SWITCH, "up")

    def add(self, name: str, *program: str) -> Host:
        """A new machine with 10.77.0.N and fd77::N; its program gets `{"go": true}` once the network is there."""
        self._count += 1
        host = Host(name, self._count, [str(FOLDER / program[0]), *program[1:]], self._state)
        until = time.monotonic() + WAIT_S
        while Path(f"/proc/{host.process.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            if time.monotonic() > until:
                raise TimeoutError(f"{name} has no network namespace")
            time.sleep(0.01)
        ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", str(host.process.pid))
        host.inside("ip", "link", "set", "lo", "up")
        host.inside("ip", "address", "add", f"10.77.0.{host.number}/24", "dev", "eth0")
        host.inside("ip", "address", "add", f"fd77::{host.number}/64", "dev", "eth0", "nodad")
        host.inside("ip", "link", "set", "eth0", "up")
        ip("link", "set", f"to-{name}", "master", _SWITCH, "up")
        host.tell(go=True)
        return host


def cut(host: Host) -> None:
    """Its packets go nowhere from now on, and nobody is told: half-open connections."""
    ip("link", "set", f"to-{host.name}", "nomaster")


def heal(host: Host) -> None:
    """Undoes `cut`."""
    ip("link", "set", f"to-{host.name}", "master", _SWITCH)


def unplug(host: Host) -> None:
    """Pulls its cable."""
    ip("link", "set", f"to-{host.name}", "down")


def plug(host: Host) -> None:
    """Undoes `unplug`."""
    ip("link", "set", f"to-{host.name}", "up")


def ip(*arguments: str) -> None:
    """The program `ip`."""
    subprocess.run(["ip", *arguments], check=True)
