"""A network between a satellite and a server that can stand still."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from wyoming_servers.shared.tasks import TaskOwner, cancel

_PIECE_BYTES = 4096


class Shim:
    """Hands on what is written, in both directions, unless it is held."""

    def __init__(self, path: Path, target: Path) -> None:
        self.uri = f"unix://{path}"
        self._path, self._target = path, target
        self._flows = asyncio.Event()
        self._flows.set()
        self._owner = TaskOwner()

    async def hold(self, seconds: float) -> None:
        """Nothing goes through for so long; nothing is lost."""
        self._flows.clear()
        await asyncio.sleep(seconds)
        self._flows.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Shim"]:
        """Accepts connections while this is open."""
        server = await asyncio.start_unix_server(self._accept, self._path)
        try:
            yield self
        finally:
            server.close()
            await self._owner.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._owner.start(self._join(reader, writer), "shim")

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_unix_connection(self._target)
        ways = [asyncio.create_task(self._carry(*way), name="shim") for way in ((reader, there[1]), (there[0], writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel(*ways)
            for end in (writer, there[1]):
                end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
