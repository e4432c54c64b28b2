"""Timers on disk: what has been saved survives a crash of the program and of the machine. Everything here blocks."""

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

from .timer import Timer

_COLUMNS = [column.name for column in fields(Timer)]
_TABLE = """
CREATE TABLE IF NOT EXISTS timers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, total_s INTEGER NOT NULL, state TEXT NOT NULL, satellite_id TEXT NOT NULL,
    area TEXT NOT NULL, language TEXT NOT NULL, left_s REAL NOT NULL, written_utc REAL NOT NULL, written_steady REAL NOT NULL,
    boot TEXT NOT NULL
)
"""
_SAVE = f"INSERT OR REPLACE INTO timers ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_PATIENCE_S = 5.0  # a server that is being replaced still holds the file while it ends


class Store:
    """One connection to the file, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file and keeps it to itself: two servers on one file would ring every timer twice.

        Raises: sqlite3.Error, OSError.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_TABLE)
            self._connection.execute("BEGIN IMMEDIATE")  # takes the lock now
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.close()
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
        """Closes the file."""
        self._connection.close()
