"""SQLite files that several processes and tools open at the same moment."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_STEP_S = 0.02


def open_database(path: Path, schema: str, *, patience_s: float = 3.0, synchronous: str = "FULL") -> "sqlite3.Connection":
    """Opens or makes a file with write-ahead logging; begin transactions yourself (`BEGIN IMMEDIATE`). Blocking.

    schema: statements that make what is missing. patience_s: how long another one may hold the file, now and in every later
    statement. synchronous: FULL survives a power cut, NORMAL may then lose the last transactions.
    Raises: sqlite3.Error, OSError; nothing is left open then.
    """
    import sqlite3  # 1 MB that servers without a database need not carry

    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=patience_s, isolation_level=None, check_same_thread=False)
    try:
        _write_ahead(connection, patience_s)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: "sqlite3.Connection", patience_s: float) -> None:
    """SQLite's own patience does not count for this: it fails at once when another one does the same at the same moment."""
    import sqlite3

    until = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
        time.sleep(_STEP_S)
