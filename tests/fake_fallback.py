"""Answers in place of a language model, in pieces that the test hands out."""

import asyncio
from collections.abc import AsyncIterator

from wyoming_servers.handle.exchange import Request, Step
from wyoming_servers.handle.fallback import Fallback, Piece
from wyoming_servers.shared.tool import Turn

END = Step(True, "", "llm", why="a fake answered")


class FakeFallback(Fallback):
    """Passes pieces on as they are put in; an exception is raised."""

    def __init__(self, *pieces: Piece | Exception) -> None:
        self.pieces: asyncio.Queue[Piece | Exception] = asyncio.Queue()
        self.asked: list[tuple[Request, tuple[Turn, ...], str]] = []
        self.started = False
        self.waiting = asyncio.Event()
        """Set once a request is there."""
        self.closed = asyncio.Event()
        """Set once an answer has ended, however."""
        self.give(*pieces)

    def give(self, *pieces: Piece | Exception) -> None:
        """Further pieces; a Step in which nothing more follows ends an answer."""
        for piece in pieces:
            self.pieces.put_nowait(piece)

    async def start(self) -> None:
        self.started = True

    async def answer(self, request: Request, history: tuple[Turn, ...], language: str) -> AsyncIterator[Piece]:
        self.asked.append((request, history, language))
        self.waiting.set()
        try:
            while True:
                piece = await self.pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if isinstance(piece, Step) and self.pieces.empty():
                    return
        finally:
            self.closed.set()
