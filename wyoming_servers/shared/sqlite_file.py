"""A SQLite file on a thread of its own, so that the event loop never waits for a disk."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from .sqlite import open_database

_LOGGER = logging.getLogger(__name__)
_PATIENCE_S = 2.0
"""How long another process may hold the file."""
T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class SqliteFile:
    """Opened, or made, when it is first used. One that is damaged is put aside, and a new one begun."""

    def __init__(self, path: Path, schema: str, name: str) -> None:
        """schema: makes what is missing. name: what the file holds, for the log."""
        self.path = path
        self._schema = schema
        self._name = name
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, name)
        self._alone = threading.Lock()

    async def run(self, work: Work[T]) -> T:
        """Does `work` in one transaction.

        Raises: sqlite3.Error, OSError; nothing has changed then.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def do(self, work: Work[T]) -> T:
        """As `run`, blocking, on any thread; opens the file for it and closes it again. Not for a file that `run` or `soon` is used on."""
        with self._alone:
            try:
                return self._do(work)
            finally:
                self._hang_up()

    def soon(self, work: Work[None]) -> None:
        """Does `work` in one transaction after what was begun before; its failure is only logged."""
        self._thread.submit(self._do, work).add_done_callback(self._settled)

    async def close(self) -> None:
        """Does what is still to be done, and closes the file."""
        self._thread.submit(self._hang_up)
        await asyncio.to_thread(self._thread.shutdown)

    def _do(self, work: Work[T]) -> T:
        try:
            return self._transact(work)
        except sqlite3.DatabaseError as err:
            if isinstance(err, sqlite3.OperationalError) or not self.path.exists():
                raise
            _LOGGER.error("%s: %s is damaged (%s); it is put aside as %s", self._name, self.path, err, _aside(self.path).name)
        self._hang_up()
        self.path.replace(_aside(self.path))
        for companion in ("-wal", "-shm"):
            self.path.with_name(self.path.name + companion).unlink(missing_ok=True)
        return self._transact(work)

    def _transact(self, work: Work[T]) -> T:
        connection = self._connection or self._open()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            return work(connection)

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        self._connection = open_database(self.path, self._schema, patience_s=_PATIENCE_S, synchronous="NORMAL")
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _settled(self, done: "Future[None]") -> None:
        if error := done.exception():
            _LOGGER.warning("%s: %s cannot be written: %s", self._name, self.path, error)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
