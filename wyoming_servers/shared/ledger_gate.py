"""The gate of the language model: what is sent to one outside the house is judged and written down like any tool's request."""

from .gate import Gate, Trip
from .ledger import Ledger
from .reach import Reach


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
        return _Written(self._ledger, row, sent_bytes)


class _Written(Trip):
    def __init__(self, ledger: Ledger, row: int, sent_bytes: int) -> None:
        self._ledger = ledger
        self._row = row
        self._sent_bytes = sent_bytes

    def end(self, received_bytes: int, status: int, problem: str = "", *, sent: bool = True) -> None:
        """See Trip."""
        sent_bytes = self._sent_bytes if sent else 0
        self._ledger.end(self._row, sent_bytes=sent_bytes, received_bytes=received_bytes, status=status, problem=problem)
