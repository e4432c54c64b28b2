"""A file that is being fetched: what is on disk so far, what its server said of it, and its checksums, also after a restart."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Stated:
    """What a server says of a file, or what is remembered of it. Empty and None mean: nothing."""

    url: str = ""
    """Where it was asked for, before redirects."""
    validator: str = ""
    """A strong ETag or a date: the rest may be fetched only while it is the same."""
    size_bytes: int | None = None
    """Of the whole file."""
    sha256: str = ""
    """Hex digest; only some servers know it."""


@dataclass(frozen=True)
class Fetched:
    """One complete, checked file."""

    path: str
    """Inside of the model's folder."""
    url: str
    """Where the bytes came from, before redirects."""
    size_bytes: int
    """Its size."""
    sha256: str
    """Hex digest, computed here."""
    checked: str
    """Against what: "sha256" or "md5" of the catalogue, "server" for the server's own word, "size" for nothing but its size."""


class Journal:
    """What the servers said of the files in one folder of downloads; a JSON file beside them, replaced at every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stated: dict[str, Stated] = {}
        try:
            self._stated = {name: Stated(**values) for name, values in json.loads(path.read_bytes()).items()}
        except (OSError, ValueError, TypeError, AttributeError):  # none yet, or damaged: nothing is known
            self._stated = {}

    def of(self, path: str, url: str = "") -> Stated:
        """What is known of a file; nothing when that was said by another address than `url`."""
        known = self._stated.get(path, Stated())
        return known if not url or known.url == url else Stated()

    def state(self, path: str, stated: Stated) -> None:
        """Remembers what the server says of a file, before its first byte is written."""
        if self._stated.get(path) != stated:
            self._stated[path] = stated
            self._write()

    def forget(self, path: str) -> None:
        """Nothing is known of the file any more."""
        if self._stated.pop(path, None):
            self._write()

    def _write(self) -> None:
        write_safely(self._path, json.dumps({path: asdict(stated) for path, stated in self._stated.items()}, indent=1).encode())


class Partial:
    """One file under way, with its running checksums. Blocking."""

    def __init__(self, path: Path, *, md5: bool) -> None:
        """path: where it is; what is there already counts as its beginning. md5: that checksum is wanted too."""
        self.path = path
        self.size_bytes = 0
        """Bytes written."""
        self._md5_wanted = md5
        self._file: FileIO | None = None
        self._new_checksums()

    def opening(self) -> Iterator[None]:
        """Opens it and reads what is there, a megabyte a step.

        Raises: OSError.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = FileIO(self.path, "r+" if self.path.exists() else "x+")
        while data := self._file.read(_READ_BYTES):
            self._count(data)
            yield

    def close(self) -> None:
        """What was written stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def write(self, data: bytes) -> None:
        """Appends; the bytes survive this process at once.

        Raises: OSError, also when the disk is full.
        """
        assert self._file is not None
        rest = memoryview(data)
        while rest:
            written = self._file.write(rest) or 0
            self._count(rest[:written])
            rest = rest[written:]

    def restart(self) -> None:
        """Throws away what is there."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self.size_bytes = 0
        self._new_checksums()

    def settle(self) -> None:
        """Returns when everything is safely on disk: it then survives a power cut."""
        assert self._file is not None
        os.fsync(self._file.fileno())

    @property
    def sha256(self) -> str:
        """Hex digest of what is there."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """Hex digest of what is there; empty unless it was asked for."""
        return self._md5.hexdigest() if self._md5 else ""

    def _count(self, data: bytes | memoryview) -> None:
        self._sha256.update(data)
        if self._md5:
            self._md5.update(data)
        self.size_bytes += len(data)

    def _new_checksums(self) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if self._md5_wanted else None


def write_safely(path: Path, data: bytes) -> None:
    """Replaces a file in one step, on disk when this returns."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def digest(path: Path) -> str:
    """SHA-256 of a file, as hex digits. Reads all of it.

    Raises: OSError.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
