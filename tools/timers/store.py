"""Timers on disk: what has been saved survives a crash of the program and of the machine. Everything here blocks."""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

from wyoming_servers.shared.tool import open_database

from .timer import Timer

_COLUMNS = [column.name for column in fields(Timer)]
_TABLE = """
CREATE TABLE IF NOT EXISTS timers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, total_s INTEGER NOT NULL, state TEXT NOT NULL, satellite_id TEXT NOT NULL,
    area TEXT NOT NULL, language TEXT NOT NULL, left_s REAL NOT NULL, written_utc REAL NOT NULL, written_steady REAL NOT NULL,
    boot TEXT NOT NULL
)
"""
_ADDED = {
    "kind": "TEXT NOT NULL DEFAULT 'timer'",
    "due_utc": "REAL NOT NULL DEFAULT 0",
    "clock_time": "TEXT NOT NULL DEFAULT ''",
    "days": "TEXT NOT NULL DEFAULT ''",
}
"""Columns that files of earlier versions do not have."""
_SAVE = f"INSERT OR REPLACE INTO timers ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_PATIENCE_S = 2.0  # a server that is being replaced still holds the timers while it ends
_STEP_S = 0.02


class Store:
    """One connection to the file, used by one thread at a time."""

    def __init__(self, path: Path, patience_s: float = _PATIENCE_S) -> None:
        """Opens or makes the file and keeps its timers to itself: two servers would ring every timer twice. Other tools may use the file.

        patience_s: how long to wait for another server that has them.
        Raises: sqlite3.Error, OSError.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._hold = _held(path.with_name(f"{path.name}.timers-lock"), patience_s)
        try:
            self._connection = open_database(path, _TABLE, patience_s=_PATIENCE_S)
        except BaseException:
            os.close(self._hold)
            raise
        try:
            present = {row[1] for row in self._connection.execute("PRAGMA table_info(timers)")}
            for name, kind in _ADDED.items():
                if name not in present:
                    self._connection.execute(f"ALTER TABLE timers ADD COLUMN {name} {kind}")
        except BaseException:
            self.close()
            raise

    def load(self) -> list[Timer]:
        """All timers."""
        return [Timer(*row) for row in self._connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM timers ORDER BY rowid")]

    def write(self, saved: Iterable[Timer], deleted: Iterable[str]) -> None:
        """Saves and deletes, all or nothing; on disk when it returns.

        Raises: sqlite3.Error; nothing has changed then.
        """
        connection = self._connection
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_SAVE, [astuple(timer) for timer in saved])
            connection.executemany("DELETE FROM timers WHERE id = ?", [(id,) for id in deleted])

    def close(self) -> None:
        """Closes the file and lets another server have the timers."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._hold)


def _held(path: Path, patience_s: float) -> int:
    """A lock that the kernel drops with the process, however it ends.

    Raises: OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                raise OSError("another server has the timers of this file") from None
        except BaseException:
            os.close(descriptor)
            raise
        time.sleep(_STEP_S)
