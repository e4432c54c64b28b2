"""Lists on disk: what has been saved survives a crash, and several processes may use the file. Everything here blocks."""

from collections.abc import Sequence
from pathlib import Path

from wyoming_servers.shared.tool import open_database

OPEN, DONE, GONE = "open", "done", "gone"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS lists (key TEXT PRIMARY KEY, spoken TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS list_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, list TEXT NOT NULL, text TEXT NOT NULL, folded TEXT NOT NULL, state TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS list_items_open ON list_items (list, folded) WHERE state = 'open';
"""
_PATIENCE_S = 3.0  # another process may be writing
_KEPT = 500  # of what was taken off, so that it can be put back in its place


def fold(text: str) -> str:
    """What two spellings of one thing have in common."""
    return " ".join(text.casefold().split()).strip(" .,;!?")


class Store:
    """One connection to the file, used by one thread at a time. Lists are named by their key."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file.

        Raises: sqlite3.Error, OSError.
        """
        self._connection = open_database(path, _SCHEMA, patience_s=_PATIENCE_S)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def items(self, key: str) -> list[str]:
        """What is on a list, oldest first."""
        return [text for (text,) in self._connection.execute(f"{_SELECT} ORDER BY id", (key, OPEN))]

    def lists(self) -> dict[str, str]:
        """The lists there are: key → what it is called; the oldest first."""
        return dict(self._connection.execute("SELECT key, spoken FROM lists ORDER BY rowid"))

    def create(self, key: str, spoken: str) -> bool:
        """Makes an empty list; False when there is one."""
        return self._write(lambda: self._create(key, spoken))

    def add(self, key: str, spoken: str, texts: Sequence[str], *, back: bool = False) -> tuple[list[str], list[str]]:
        """Puts things on a list, which is made when there is none: what was added, and what was there already.

        back: in the place where each was before it was taken off.
        """
        return self._write(lambda: self._add(key, spoken, texts, back))

    def take(self, key: str, texts: Sequence[str], state: str) -> list[str]:
        """Takes things off a list, as DONE or GONE: those that were still there."""
        return self._write(lambda: self._take(key, texts, state))

    def _write(self, work):
        """All or nothing; on disk when it returns.

        Raises: sqlite3.Error; nothing has changed then.
        """
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            return work()

    def _create(self, key: str, spoken: str) -> bool:
        return self._connection.execute("INSERT OR IGNORE INTO lists VALUES (?, ?)", (key, spoken)).rowcount > 0

    def _add(self, key: str, spoken: str, texts: Sequence[str], back: bool) -> tuple[list[str], list[str]]:
        self._create(key, spoken)
        added, present = [], []
        for text in texts:
            if self._connection.execute(f"{_SELECT} AND folded = ?", (key, OPEN, fold(text))).fetchone():
                present.append(text)
                continue
            if not (back and self._reopen(key, text)):
                self._connection.execute("DELETE FROM list_items WHERE list = ? AND folded = ?", (key, fold(text)))
                self._connection.execute(
                    "INSERT INTO list_items (list, text, folded, state) VALUES (?, ?, ?, ?)", (key, text, fold(text), OPEN)
                )
            added.append(text)
        return added, present

    def _reopen(self, key: str, text: str) -> bool:
        newest = "SELECT max(id) FROM list_items WHERE list = ? AND folded = ?"
        return self._connection.execute(f"UPDATE list_items SET state = ? WHERE id = ({newest})", (OPEN, key, fold(text))).rowcount > 0

    def _take(self, key: str, texts: Sequence[str], state: str) -> list[str]:
        update = "UPDATE list_items SET state = ? WHERE list = ? AND folded = ? AND state = ?"
        taken = [text for text in texts if self._connection.execute(update, (state, key, fold(text), OPEN)).rowcount]
        kept = "SELECT id FROM list_items WHERE state != ? ORDER BY id DESC LIMIT ?"
        self._connection.execute(f"DELETE FROM list_items WHERE state != ? AND id NOT IN ({kept})", (OPEN, OPEN, _KEPT))
        return taken


_SELECT = "SELECT text FROM list_items WHERE list = ? AND state = ?"
