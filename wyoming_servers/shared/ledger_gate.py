"""The gate of language models, recognisers and voices: what is sent to one outside is judged and written down like a tool's request."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .errors import EgressDeniedError, EngineUnavailableError, HttpError, PeerUnreachableError
from .gate import Gate, Trip
from .ledger import Ledger
from .reach import Reach
from .settings import NetworkSection


class LedgerGate(Gate):
    """Writes down what leaves. What stays in the house is nobody's business: it is not written down."""

    def __init__(self, reach: Reach, ledger: Ledger, tool: str, why: str) -> None:
        """tool: under which name the ledger has it. why: what for."""
        self._reach = reach
        self._ledger = ledger
        self._tool = tool
        self._why = why

    async def leave(self, method: str, host: str, sent_bytes: int) -> Trip | None:
        """See Gate. A host is looked up each time it has not been for a minute."""
        place = await self._reach.find(host)
        self.outside = not place.local
        if place.local:
            return None
        row = await self._ledger.begin(self._tool, method, host, self._why, local=False, sent_bytes=sent_bytes)
        return _Written(self._ledger.end, row, sent_bytes)


class EngineGate(Gate):
    """Of what works on threads and loops of its own: engines, and commands. Each entry opens the ledger and closes it again."""

    def __init__(self, network: NetworkSection, ledger: Path, tool: str, why: str) -> None:
        """ledger: its file. tool: under which name it has the requests. why: what for."""
        self._reach = Reach(replace(network, proxy=""))
        self._ledger = Ledger(ledger, time.time)
        self._tool = tool
        self._why = why

    async def leave(self, method: str, host: str, sent_bytes: int) -> Trip | None:
        """See Gate; raises as `let_out`."""
        return await asyncio.to_thread(self.let_out, method, host, sent_bytes)

    def let_out(self, method: str, host: str, sent_bytes: int) -> Trip | None:
        """See Gate.

        Raises: EngineUnavailableError when it may not leave; PeerUnreachableError.
        """
        try:
            place = self._reach.find_now(host)
            self.outside = not place.local
            if place.local:
                return None
            row = self._ledger.begin_now(self._tool, method, host, self._why, sent_bytes)
        except EgressDeniedError as err:
            raise EngineUnavailableError(str(err)) from None
        except HttpError as err:
            raise PeerUnreachableError(str(err)) from None
        return _Written(self._ledger.end_now, row, sent_bytes)


class _Written(Trip):
    def __init__(self, end: Callable[..., None], row: int, sent_bytes: int) -> None:
        self._end = end
        self._row = row
        self._sent_bytes = sent_bytes

    def end(self, received_bytes: int, status: int, problem: str = "", *, sent: bool = True, further_bytes: int = 0) -> None:
        """See Trip."""
        sent_bytes = self._sent_bytes + further_bytes if sent else 0
        self._end(self._row, sent_bytes=sent_bytes, received_bytes=received_bytes, status=status, problem=problem)
