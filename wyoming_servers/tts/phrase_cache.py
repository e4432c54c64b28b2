"""Finished phrases on disk, so that what is said often is said at once.

One file per phrase, named by the hash of everything its sound depends on, put in place by a rename. That needs no lock and no
database: several servers share the folder, a crash leaves at most a temporary file, and a damaged file costs one phrase.
"""

import contextlib
import logging
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from .engine import AudioBlock

_LOGGER = logging.getLogger(__name__)
_SUFFIX = ".phrase"
_HEADER = struct.Struct("<4sIII")  # magic, rate, bytes of sound, CRC-32 of the sound
_MAGIC = b"EAR1"
_LARGEST_BYTES = 8 * 1024 * 1024
_LOOK_AGAIN_S = 300.0  # other servers write into the folder too
_ROOM = 0.9  # what is left after making room, so that it is not made for every phrase
_STALE_S = 3600.0


class PhraseCache:
    """Bounded by size, the least recently used goes first. Blocking; every method works on any thread, and none ever raises."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._size_bytes = 0
        self._looked_at = -_LOOK_AGAIN_S
        self._complained = False

    def get(self, key: str) -> AudioBlock | None:
        """The whole phrase; None when it is not kept, or was damaged."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as err:
            self._complain(err)
            return None
        block = _decode(content)
        with contextlib.suppress(OSError):
            if block is None:
                _LOGGER.warning("a damaged phrase is dropped: %s", path)
                path.unlink()
            else:
                os.utime(path)  # used just now
        return block

    def has(self, key: str) -> bool:
        """True when a phrase is kept; it may still be damaged."""
        return self._path(key).exists()

    def put(self, key: str, block: AudioBlock) -> bool:
        """Keeps a phrase, making room for it. False when it could not be kept."""
        size_bytes = _HEADER.size + len(block.pcm)
        if not block.pcm or size_bytes > min(_LARGEST_BYTES, self._limit_bytes):
            return False
        try:
            with self._lock:
                self._make_room(size_bytes)
                self._write(self._path(key), _encode(block))
                self._size_bytes += size_bytes
        except OSError as err:
            self._complain(err)
            return False
        return True

    def room_bytes(self) -> int:
        """How much can be kept before something else has to go."""
        with self._lock, contextlib.suppress(OSError):
            self._look()
        return max(0, self._limit_bytes - self._size_bytes)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _make_room(self, size_bytes: int) -> None:
        if time.monotonic() - self._looked_at >= _LOOK_AGAIN_S or self._size_bytes + size_bytes > self._limit_bytes:
            self._look(now=True)
        if self._size_bytes + size_bytes <= self._limit_bytes:
            return
        target_bytes = min(self._limit_bytes * _ROOM, self._limit_bytes - size_bytes)
        for path, status in sorted(self._files(), key=lambda found: found[1].st_mtime_ns):
            if self._size_bytes <= target_bytes:
                break
            path.unlink(missing_ok=True)
            self._size_bytes -= status.st_size

    def _look(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._looked_at < _LOOK_AGAIN_S:
            return
        self._size_bytes = sum(status.st_size for _, status in self._files())
        self._looked_at = time.monotonic()

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every phrase; temporary files that a crash left behind are removed."""
        if not self._folder.is_dir():
            return
        for entry in os.scandir(self._folder):
            try:
                status = entry.stat()
                if entry.name.endswith(_SUFFIX):
                    yield Path(entry.path), status
                elif entry.name.endswith(".new") and time.time() - status.st_mtime > _STALE_S:
                    Path(entry.path).unlink()
            except FileNotFoundError:  # another server was quicker
                continue

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _LOGGER.warning("phrases cannot be kept in %s: %s", self._folder, error.strerror or error)


def hashed(*parts: object) -> str:
    """A name for everything the parts say."""
    import hashlib  # the embedded voice keeps nothing and needs none

    return hashlib.blake2b("\0".join(map(str, parts)).encode(errors="replace"), digest_size=20).hexdigest()


def _encode(block: AudioBlock) -> bytes:
    return _HEADER.pack(_MAGIC, block.rate_hz, len(block.pcm), zlib.crc32(block.pcm)) + block.pcm


def _decode(content: bytes) -> AudioBlock | None:
    if len(content) < _HEADER.size:
        return None
    magic, rate_hz, size_bytes, checksum = _HEADER.unpack_from(content)
    pcm = content[_HEADER.size :]
    whole = magic == _MAGIC and len(pcm) == size_bytes and size_bytes and size_bytes % 2 == 0 and zlib.crc32(pcm) == checksum
    return AudioBlock(pcm, rate_hz) if whole and 4_000 <= rate_hz <= 192_000 else None
