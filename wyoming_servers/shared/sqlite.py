"""SQLite files that several processes and tools open at the same moment."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from .only_telling import may_change

if TYPE_CHECKING:
    import sqlite3

_STEP_S = 0.02
_READING = frozenset({19, 20, 21, 22, 31, 32, 33})
"""SQLite's codes for PRAGMA, READ, SELECT, TRANSACTION, FUNCTION, SAVEPOINT and RECURSIVE: its C interface keeps them as they are."""


def open_tools_database(path: Path, schema: str, *, patience_s: float = 3.0, synchronous: str = "FULL") -> "sqlite3.Connection":
    """The same for tools: calls of theirs that only tell cannot write, a statement that would raises sqlite3.DatabaseError."""
    connection = open_database(path, schema, patience_s=patience_s, synchronous=synchronous, kept_statements=0)
    connection.set_authorizer(_allowed)  # asked whenever a statement is prepared: a kept one would not be looked at again
    return connection


def open_database(
    path: Path, schema: str, *, patience_s: float = 3.0, synchronous: str = "FULL", kept_statements: int = 128
) -> "sqlite3.Connection":
    """Opens or makes a file with write-ahead logging; begin transactions yourself (`BEGIN IMMEDIATE`). Blocking.

    schema: statements that make what is missing. patience_s: how long another one may hold the file, now and in every later
    statement. synchronous: FULL survives a power cut, NORMAL may then lose the last transactions. kept_statements: how many
    stay prepared.
    Raises: sqlite3.Error, OSError; nothing is left open then.
    """
    import sqlite3  # 1 MB that servers without a database need not carry

    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=patience_s, isolation_level=None, check_same_thread=False, cached_statements=kept_statements)
    try:
        _write_ahead(connection, patience_s)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    return connection


def _allowed(action: int, *_: str | None) -> int:
    import sqlite3

    return sqlite3.SQLITE_OK if action in _READING or may_change("write to the database") else sqlite3.SQLITE_DENY


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
