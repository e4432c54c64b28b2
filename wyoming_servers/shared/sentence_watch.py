"""Notices that files of sentences have been changed, added or removed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

_Seen = dict[Path, tuple[int, int]]


def look(folders: Sequence[Path]) -> _Seen:
    """Every `<folder>/<language>/*.yaml` with when it was written, in nanoseconds, and its size in bytes. Blocking, a millisecond."""
    seen: _Seen = {}
    for folder in folders:
        for path in folder.glob("*/*.yaml"):
            try:
                status = path.stat()
            except OSError:
                continue  # removed meanwhile
            seen[path] = (status.st_mtime_ns, status.st_size)
    return seen


async def changes(folders: Sequence[Path], seen: _Seen, period_s: float) -> AsyncIterator[set[str]]:
    """The languages in whose folders something has changed since `seen`, whenever that happens; looks every so many seconds.

    Looking is what works everywhere: network disks tell nobody of their changes.
    """
    while True:
        await asyncio.sleep(period_s)
        now = await asyncio.to_thread(look, folders)
        if changed := {path for path in {*seen, *now} if seen.get(path) != now.get(path)}:
            yield {path.parent.name for path in changed}
        seen = now
