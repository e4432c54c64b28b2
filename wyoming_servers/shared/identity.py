"""Which machine this is: an id that never changes, so that names on the network stay the same."""

import contextlib
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from . import paths

_FILE_NAME = "machine-id"
_SYSTEM_FILE = Path("/etc/machine-id")
_DIGITS = 8


def machine_id(state_dir: Path | None = None, system_file: Path = _SYSTEM_FILE) -> str:
    """Eight hexadecimal digits, the same on every call and after every restart. Blocking.

    Made once from the system's own id (hashed: that one is not for strangers), else by chance, and kept in the state folder.
    On a machine where nothing can be kept and that has no id of its own it changes with every call.
    """
    file = (state_dir or paths.state_dir()) / _FILE_NAME
    with contextlib.suppress(OSError):
        if kept := _valid(file.read_text(encoding="ascii", errors="replace")):
            return kept
    made = _from_system(system_file) or secrets.token_hex(_DIGITS // 2)
    with contextlib.suppress(OSError):
        return _keep(file, made)
    return made


def satellite_id(name: str) -> str:
    """Who the satellite of this name on this machine is, the same after every restart. Blocking."""
    return f"{name}-{machine_id()}"[:100]


def _valid(text: str) -> str:
    text = text.strip()
    return text if len(text) == _DIGITS and all(digit in "0123456789abcdef" for digit in text) else ""


def _from_system(file: Path) -> str:
    try:
        seed = file.read_bytes().strip()
    except OSError:
        return ""
    return hashlib.sha256(b"earshot " + seed).hexdigest()[:_DIGITS] if seed else ""


def _keep(file: Path, made: str) -> str:
    """Writes the id whole or not at all; of several processes that begin together, the first one's id counts for all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=_FILE_NAME)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(made + "\n")
        try:
            os.link(draft, file)  # fails when the file is there, unlike a rename
        except FileExistsError:
            if kept := _valid(file.read_text(encoding="ascii", errors="replace")):
                return kept
            Path(draft).replace(file)  # what was there is no id
    finally:
        Path(draft).unlink(missing_ok=True)
    return made
