"""What a check says, and what it is told about the machine it looks at."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..shared.settings import Settings

_PROGRAM_S = 3.0


class State(StrEnum):
    """How bad it is; from good to bad."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing has to be done."""
    WARNING = "warning"
    """Works, but not well, or not for long."""
    FAILURE = "failure"
    """Does not work."""


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing."""

    state: State
    text: str
    """One plain sentence."""
    mend: str = ""
    """The command, or the setting, that puts it right; empty when there is nothing to do."""
    data: dict[str, Any] = field(default_factory=dict)
    """The figures behind the sentence, with their unit in the name; fit for JSON."""


def ok(text: str, **data: Any) -> Finding:
    """All is well."""
    return Finding(State.OK, text, "", data)


def note(text: str, mend: str = "", **data: Any) -> Finding:
    """Worth knowing."""
    return Finding(State.NOTE, text, mend, data)


def warning(text: str, mend: str, **data: Any) -> Finding:
    """Works, but not well."""
    return Finding(State.WARNING, text, mend, data)


def failure(text: str, mend: str, **data: Any) -> Finding:
    """Does not work."""
    return Finding(State.FAILURE, text, mend, data)


async def program(*words: str) -> str | None:
    """What a program prints; None when it is not there, fails or takes longer than 3 s."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_PROGRAM_S):
            printed, _ = await process.communicate()
    except TimeoutError:
        printed = b""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return printed.decode(errors="replace") if process.returncode == 0 else None


@dataclass(frozen=True)
class Visit:
    """What checks are told."""

    settings: Settings
    """Those in force; the shipped ones where the owner's cannot be used."""
    problem: str = ""
    """Why the owner's settings cannot be used."""
    settings_file: Path | None = None
    """The owner's; None when there is none."""
    root: Path = Path("/")
    """Where `proc` and `sys` are."""
    play: bool = False
    """A sound may be played."""
    listen_s: float = 3.0
    """How long the microphone is listened to."""
    wake_s: float = 15.0
    """How long somebody has to say the wake word."""
    prompt: Callable[[str], None] = lambda text: None
    """Asks the person in front of the machine to do something."""
    program: Callable[..., Awaitable[str | None]] = program
    """Runs a program, see above."""

    def read(self, path: str) -> str:
        """A file below the root, `proc/meminfo`; empty when it cannot be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def found(self, pattern: str) -> list[str]:
        """Paths of files below the root that match, sorted."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def writable(path: Path) -> bool:
    """True when a file could be made there, or in the folder that would have to be made."""
    return os.access(existing(path), os.W_OK)
