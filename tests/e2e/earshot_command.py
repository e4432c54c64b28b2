"""Runs `earshot` as a person does: as a process, with folders of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class Earshot:
    """The command, for an owner whose home is `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """This process's environment without its owner's settings."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EARSHOT_", "XDG_"))}
        return kept | {"HOME": str(self.home), "PYTHONUNBUFFERED": "1"} | dict(extra or {})

    def command(self, *arguments: str) -> list[str]:
        """What is executed."""
        return [sys.executable, "-m", "wyoming_servers", *arguments]

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Runs to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(extra),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
