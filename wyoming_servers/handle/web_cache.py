"""Answers of web services, kept on disk: fresh ones spare a request, old ones help out when nobody answers."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ..shared.sqlite_file import SqliteFile
from ..shared.tool import Fetched

_LOGGER = logging.getLogger(__name__)
_MOST_BYTES = 32 * 1024 * 1024
_MOST_ANSWER_BYTES = 2 * 1024 * 1024
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, at REAL NOT NULL, until REAL NOT NULL, url TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_time ON answers (at);
"""
_TOO_MUCH = """
DELETE FROM answers WHERE key IN (
    SELECT key FROM (SELECT key, SUM(LENGTH(body)) OVER (ORDER BY at DESC, key) AS together FROM answers) WHERE together > ?
)
"""


class WebCache:
    """Bounded; forgets what is past its time. Its coroutines never block the loop, and never fail."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        """now: wall clock; ages outlive a restart."""
        self._file = SqliteFile(path, _SCHEMA, "web cache")
        self._now = now

    async def get(self, key: str) -> Fetched | None:
        """What was kept, with its age; None when there is nothing. An answer from the future, as after a start without the time, counts
        as one second old and is never fresh: see `Fetched.age_s`."""
        try:
            found = await self._file.run(
                lambda file: file.execute("SELECT at, url, status, body FROM answers WHERE key = ?", (key,)).fetchone()
            )
        except (sqlite3.Error, OSError) as err:
            _LOGGER.warning("kept answers cannot be read: %s", err)
            return None
        if found is None:
            return None
        at, url, status, body = found
        return Fetched(url, status, body, self._now() - at)

    def put(self, key: str, answer: Fetched, kept_s: float) -> None:
        """Keeps an answer, without waiting. A very long one is not kept."""
        if len(answer.body) > _MOST_ANSWER_BYTES:
            return
        now = self._now()
        row = (key, now, now + kept_s, answer.url, answer.status, answer.body)
        self._file.soon(lambda file: _put(file, row, now))

    async def close(self) -> None:
        """Writes what is still to be written."""
        await self._file.close()


def _put(file: sqlite3.Connection, row: tuple, now: float) -> None:
    file.execute("INSERT OR REPLACE INTO answers (key, at, until, url, status, body) VALUES (?, ?, ?, ?, ?, ?)", row)
    file.execute("DELETE FROM answers WHERE until < ?", (now,))
    file.execute(_TOO_MUCH, (_MOST_BYTES,))
