"""Fetches a whole model: one process at a time, into a folder of its own, and into sight only when all of it is there and right."""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from .catalogue import MANIFEST, CatalogueModel
from .downloads import Downloader, DownloadError, Limits, Origins, no_room
from .partial import Fetched, Journal, write_safely
from .progress import Progress

DOWNLOADS = ".downloads"
"""Folder beside the engines' folders for what is not complete yet."""
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)  # some network disks


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written to the disk of a folder."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True)
class Fetching:
    """How models are fetched into one folder of models."""

    folder: Path
    """The owner's folder of models."""
    origins: Origins = Origins()
    """Mirrors and tokens."""
    limits: Limits = Limits()
    """Patience."""
    free: Callable[[Path], int] = free_bytes
    """Room on the disk of a folder."""

    def fetch(self, model: CatalogueModel, progress: Progress) -> Path:
        """The model's folder. Blocking. When another process fetches it at this moment, its result is waited for and used.

        Raises: DownloadError. What has been fetched by then is kept and continued next time.
        """
        target = self.folder / model.engine / model.name
        staging = self.folder / DOWNLOADS / model.engine / model.name
        progress.title = model.title
        try:
            staging.parent.mkdir(parents=True, exist_ok=True)
            with locked(staging.with_name(f"{model.name}.lock"), lambda: progress.note("another process is fetching it; waiting for that")):
                if not target.is_dir():
                    self._fetch(model, staging, target, progress)
        except OSError as err:
            raise DownloadError(f"{model.title} cannot be written to {self.folder}: {err.strerror or err}; see models.folder") from err
        return target

    def _fetch(self, model: CatalogueModel, staging: Path, target: Path, progress: Progress) -> None:
        files = staging / "files"
        files.mkdir(parents=True, exist_ok=True)
        _drop_strangers(files, {file.path for file in model.files})
        here = sum(path.stat().st_size for path in files.rglob("*") if path.is_file())
        if model.size_bytes is not None:
            missing, free = max(0, model.size_bytes - here), self.free(files)
            if free - missing < self.limits.reserve_bytes:
                raise no_room(files, missing, free, self.limits.reserve_bytes)
        progress.begin(model.title, model.size_bytes, here)
        try:
            fetched = asyncio.run(self._fetch_files(model, files, Journal(staging / "journal.json"), progress))
        finally:
            progress.end()
        write_safely(files / MANIFEST, manifest(model, fetched))
        target.parent.mkdir(parents=True, exist_ok=True)
        files.rename(target)
        _settle(target.parent)
        shutil.rmtree(staging, ignore_errors=True)

    async def _fetch_files(self, model: CatalogueModel, files: Path, journal: Journal, progress: Progress) -> list[Fetched]:
        fetched: list[Fetched] = []
        async with Downloader(files, journal, self.origins, self.limits, self.free) as downloader:
            for file in model.files:
                before = sum(one.size_bytes for one in fetched)
                fetched.append(
                    await downloader.fetch(file, lambda size_bytes, before=before: progress.at(before + size_bytes), progress.note)
                )
        return fetched


def manifest(model: CatalogueModel, fetched: list[Fetched]) -> bytes:
    """The file that says where a model's files are from and what their checksums are."""
    about = {
        "engine": model.engine,
        "name": model.name,
        "licence": model.licence,
        "commercial_use": model.commercial_use,
        "source": model.source,
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [asdict(file) for file in fetched],
    }
    return (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds a lock that ends with the process, whatever ends it. `waiting` is called when somebody else has it.

    Raises: OSError.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as err:
            if err.errno not in _NO_LOCKS:
                raise
        yield


def _drop_strangers(files: Path, wanted: set[str]) -> None:
    """Deletes what an older catalogue wanted."""
    for path in sorted(files.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(files).as_posix() not in wanted:
            path.unlink()


def _settle(folder: Path) -> None:
    """Makes a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # not every disk can
            os.fsync(handle)
    finally:
        os.close(handle)
