"""Where models and memories lie: room on the disk, and whether the file system is fit for them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..shared import paths
from ..shared.models import ModelStore
from .finding import Finding, Visit, existing, failure, note, ok, warning, writable

_LITTLE_MB = 1000
_TOO_LITTLE_MB = 100
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "9p", "virtiofs", "ceph", "afs")
"""Types of file systems whose pages come over a network, or from another kernel."""


def disk(visit: Visit) -> list[Finding]:
    """Room where models, memories and finished phrases lie."""
    found = []
    seen: set[tuple[int, bool]] = set()
    for what, folder, needed in _folders(visit):
        real = existing(folder)
        try:
            usage, device = shutil.disk_usage(real), real.stat().st_dev
        except OSError as err:
            found.append(failure(f"{what} in {folder} cannot be reached: {err.strerror}", "`ls -ld` it, and `mount` what is missing"))
            continue
        if needed and not writable(folder):
            mend = f"sudo chown -R {os.environ.get('USER', '$USER')} {real}"
            found.append(failure(f"{what} cannot be kept: {real} cannot be written", mend, folder=str(folder)))
        if (device, needed) in seen:
            continue
        seen.add((device, needed))
        free_mb, total_mb = usage.free // 1_000_000, usage.total // 1_000_000
        said = f"{free_mb} of {total_mb} MB are free where {what} lie ({folder})"
        data = {"folder": str(folder), "free_mb": free_mb, "total_mb": total_mb}
        if free_mb < _TOO_LITTLE_MB and needed:
            found.append(failure(said, f"`du -xh {real} | sort -h | tail` shows what is large", **data))
        elif free_mb < _LITTLE_MB and needed:
            found.append(warning(said, "`earshot models list --installed` and `earshot models remove` make room", **data))
        else:
            found.append(ok(said, **data))
    return found


def file_systems(visit: Visit) -> list[Finding]:
    """Network disks under models, which are mapped into memory, and under databases, which are locked."""
    mounts = _mounts(visit)
    found = []
    for what, folder, needed in _folders(visit):
        kind, source = _mount_of(folder, mounts)
        if kind not in _NETWORK:
            continue
        data = {"folder": str(folder), "type": kind, "source": source}
        if what == "models":
            over = f"models in {folder} come over the network ({kind} from {source})"
            said = f"{over}: what is mapped from there stalls whenever a page is read again"
            mend = f"copy them to a disk of this machine, and start llama-server with --no-mmap: cp -r {folder} ~/models"
            found.append(warning(said, mend, **data))
        elif needed:
            said = f"{what} in {folder} are on a network disk ({kind} from {source}), where databases cannot be locked reliably"
            found.append(warning(said, "put XDG_STATE_HOME, or handle.database, on a disk of this machine", **data))
    if found:
        return found
    return [ok("models and memories lie on disks of this machine")] if mounts else [note("this system does not tell its mounts")]


def _folders(visit: Visit) -> Iterator[tuple[str, Path, bool]]:
    """(what lies there, folder, whether it is written to)."""
    own, *shared = ModelStore(visit.settings.models).folders
    yield "models", own, True
    for folder in shared:
        yield "models", folder, False
    database = visit.settings.handle.database
    yield "timers and lists", Path(database).expanduser().parent if database else paths.state_dir(), True
    yield "finished phrases", paths.cache_dir(), True


def _mounts(visit: Visit) -> list[tuple[str, str, str]]:
    """(mount point, type, source)."""
    found = []
    for line in visit.read("proc/mounts").splitlines():
        words = line.split()
        if len(words) >= 3:
            found.append((words[1].replace("\\040", " "), words[2], words[0]))
    return found


def _mount_of(folder: Path, mounts: list[tuple[str, str, str]]) -> tuple[str, str]:
    """(type, source) of the file system that holds a folder; the last of equal mounts lies on top."""
    inside = [each for each in mounts if existing(folder).absolute().is_relative_to(each[0])]
    _, kind, source = max(inside, key=lambda each: len(each[0]), default=("", "", ""))
    return kind, source
