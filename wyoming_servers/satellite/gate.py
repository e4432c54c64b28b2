"""The one door between what is prepared on suspicion and the world: which revision of a turn counts, and whether it may act."""

import asyncio
from enum import Enum

from ..shared.patience import Prospect

MOST_GUESSES = 3
"""How often in one turn a pause is taken for its end; what follows is answered when the user has certainly finished."""


class Phase(Enum):
    """How far the user is."""

    HEARING = "hearing"
    """Speaking, or about to."""
    PAUSED = "paused"
    """Silent; perhaps that was all."""
    COMMITTED = "committed"
    """The turn is over: it may be answered. It may be open again while nothing was done or heard."""
    CLOSED = "closed"
    """Nobody wants the answer any more."""


class Gate:
    """One turn's. Knows neither clocks nor tasks; its methods belong to the event loop.

    A revision is one attempt at the turn, numbered from `first`. Only the latest may pass, only after the commit.
    """

    def __init__(self, first: int = 0) -> None:
        self.revision = first
        """The one that counts."""
        self.phase = Phase.HEARING
        self.prospect: Prospect | None = None
        """What may follow what was said before this pause; None while nobody has told."""
        self._guesses = MOST_GUESSES
        self._acted = self._settled = False
        self._changed = asyncio.Event()

    @property
    def acted(self) -> bool:
        """True once somebody may have done something."""
        return self._acted

    @property
    def reopens(self) -> bool:
        """True while the user may take back that the turn is over, by speaking on."""
        return self.phase is Phase.COMMITTED and not self._settled

    def pause(self) -> bool:
        """The user is silent. True when the revision is to be finished with what was said so far."""
        if self.phase is not Phase.HEARING or not self._guesses:
            return False
        self._guesses -= 1
        self.phase = Phase.PAUSED
        return True

    def go_on(self) -> bool:
        """The user speaks again. True when what was made of the pause is void, and a new revision takes its place."""
        if self.phase is not Phase.PAUSED and not self.reopens:
            return False
        self.phase, self.prospect, self._settled = Phase.HEARING, None, False
        self.revision += 1
        return True

    def judge(self, revision: int, prospect: Prospect | None) -> bool:
        """What may follow the words of a revision. False when that does not matter any more: the user speaks, or it is over."""
        if self.phase is not Phase.PAUSED or revision != self.revision:
            return False
        self.prospect = prospect
        return True

    def commit(self, *, settled: bool = True) -> None:
        """The user has finished. settled: False when speech may still show that it was not so."""
        if self.phase is not Phase.CLOSED:
            self.phase = Phase.COMMITTED
            self._settled = self._settled or settled
            self._changed.set()

    def settle(self) -> None:
        """Once the turn is over, it stays so."""
        self._settled = True
        self._changed.set()

    def close(self) -> None:
        """Nothing more passes, for ever."""
        self.phase = Phase.CLOSED

    def lets(self, revision: int) -> bool:
        """True when this revision may be heard now."""
        return self.phase is Phase.COMMITTED and revision == self.revision

    def act(self, revision: int) -> bool:
        """True once in a turn, for the revision that may have something done. That cannot be taken back."""
        if self._acted or not self.lets(revision):
            return False
        self._acted = True
        self.settle()
        return True

    def not_done(self) -> None:
        """What `act` allowed was refused before it began: it may be tried once more."""
        self._acted = False

    async def opened(self, revision: int) -> None:
        """Waits until this revision may pass. One that no longer counts waits until it is cancelled."""
        while not self.lets(revision):
            self._changed.clear()
            await self._changed.wait()

    async def let_out(self, revision: int) -> None:
        """Waits until this revision may be heard, which is then the case: that cannot be taken back."""
        await self.opened(revision)
        self.settle()

    async def settled(self, revision: int) -> None:
        """Waits until it is this revision's turn, and stays so."""
        while not (self.lets(revision) and self._settled):
            self._changed.clear()
            await self._changed.wait()
