"""The egress ledger: what left the house, written down before it leaves, in a SQLite file that several processes may share."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from . import paths
from .errors import HttpError, SettingsError
from .settings import Settings
from .sqlite_file import SqliteFile
from .way_out import Departure

_LOGGER = logging.getLogger(__name__)
FILE_NAME = "egress.db"
KEPT_S = 90 * 86400.0
MOST_ROWS = 50_000
"""About 5 MB."""
_TRIM_EVERY = 100
_MOST_WHY = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS egress (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, tool TEXT NOT NULL, method TEXT NOT NULL, host TEXT NOT NULL,
    why TEXT NOT NULL, local INTEGER NOT NULL, sent_bytes INTEGER NOT NULL, received_bytes INTEGER NOT NULL DEFAULT 0,
    status INTEGER NOT NULL DEFAULT 0, problem TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS egress_by_time ON egress (at);
"""
_END = "UPDATE egress SET sent_bytes = ?, received_bytes = ?, status = ?, problem = ? WHERE id = ?"
_COLUMNS = "at, tool, method, host, why, local, sent_bytes, received_bytes, status, problem"


class Ledger:
    """Writes and reads one file. Its coroutines never block the loop."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        """now: wall clock."""
        self._file = SqliteFile(path, _SCHEMA, "egress ledger")
        self._now = now
        self._written = 0

    async def begin(self, tool: str, method: str, host: str, why: str, *, local: bool, sent_bytes: int) -> int:
        """Writes down what is about to be sent; returns what `end` is called with.

        Raises: HttpError when it cannot be written: then nothing may be sent.
        """
        row = (self._now(), tool, method, host, why[:_MOST_WHY], local, sent_bytes)
        try:
            return await self._file.run(lambda file: self._insert(file, row))
        except (sqlite3.Error, OSError) as err:
            raise self._unwritten(host, err) from err

    def begin_now(self, tool: str, method: str, host: str, why: str, sent_bytes: int) -> int:
        """As `begin`, blocking, for a host outside the house. A ledger is written by `begin` and `end`, or by this and `end_now`."""
        row = (self._now(), tool, method, host, why[:_MOST_WHY], False, sent_bytes)
        try:
            return self._file.do(lambda file: self._insert(file, row))
        except (sqlite3.Error, OSError) as err:
            raise self._unwritten(host, err) from err

    def end(self, row: int, *, sent_bytes: int, received_bytes: int, status: int, problem: str = "") -> None:
        """Writes down what became of it, without waiting."""
        values = (sent_bytes, received_bytes, status, problem[:_MOST_WHY], row)
        self._file.soon(lambda file: file.execute(_END, values) and None)

    def end_now(self, row: int, *, sent_bytes: int, received_bytes: int, status: int, problem: str = "") -> None:
        """As `end`, blocking; a failure is only logged."""
        values = (sent_bytes, received_bytes, status, problem[:_MOST_WHY], row)
        try:
            self._file.do(lambda file: file.execute(_END, values) and None)
        except (sqlite3.Error, OSError) as err:
            _LOGGER.warning("egress ledger %s cannot be written: %s", self._file.path, err)

    async def departures(self, since: float) -> Sequence[Departure]:
        """What was written down since then, oldest first.

        Raises: HttpError when the file cannot be read.
        """
        try:
            return await self._file.run(lambda file: _select(file, since))
        except (sqlite3.Error, OSError) as err:
            raise HttpError(f"the egress ledger {self._file.path} cannot be read: {err}") from err

    async def close(self) -> None:
        """Writes what is still to be written."""
        await self._file.close()

    def _unwritten(self, host: str, err: Exception) -> HttpError:
        return HttpError(f"nothing was sent to {host}: the egress ledger {self._file.path} cannot be written: {err}")

    def _insert(self, file: sqlite3.Connection, row: tuple) -> int:
        self._written += 1
        if self._written % _TRIM_EVERY == 1:
            file.execute("DELETE FROM egress WHERE at < ?", (self._now() - KEPT_S,))
            file.execute("DELETE FROM egress WHERE id <= (SELECT MAX(id) FROM egress) - ?", (MOST_ROWS,))
        places = "at, tool, method, host, why, local, sent_bytes"
        return file.execute(f"INSERT INTO egress ({places}) VALUES (?, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0


def location(settings: Settings) -> Path:
    """Where the intent server of these settings keeps its ledger: beside its database."""
    own = settings.handle.database
    return Path(own).expanduser().with_name(FILE_NAME) if own else paths.state_dir() / FILE_NAME


def read(path: Path, since: float) -> Sequence[Departure]:
    """What a ledger holds since then, oldest first, without changing it; empty when there is no such file. Blocking.

    Raises: SettingsError when it cannot be read.
    """
    if not path.exists():
        return ()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            return _select(file, since)
    except sqlite3.Error as err:
        raise SettingsError(f"the egress ledger {path} cannot be read: {err}") from err


def _select(file: sqlite3.Connection, since: float) -> list[Departure]:
    rows = file.execute(f"SELECT {_COLUMNS} FROM egress WHERE at >= ? ORDER BY id", (since,))
    return [Departure(at, tool, method, host, why, bool(local), *rest) for at, tool, method, host, why, local, *rest in rows]
