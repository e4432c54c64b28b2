"""One opening of the microphone to the user: from the wake word, or the end of an answer, to the end of what is said."""

import asyncio

from ..shared.audio import RATE_HZ
from ..shared.endpointing import Ending, Endpointer, Patience
from ..shared.settings import SatelliteSection
from .hearing import Hearing
from .home_turn import HomeTurn
from .turn import Turn
from .utterance import Utterance

_CONTEXT_S = 0.5  # before it, for the voice detector to settle in


def patience(section: SatelliteSection) -> Patience:
    """The owner's patience after a wake word."""
    return Patience(section.silence_s, section.no_speech_s, section.longest_s)


class Listening:
    """Feeds a turn's utterance until it ends. Belongs to the state machine."""

    def __init__(self, turn: Turn | HomeTurn, hearing: Hearing, start: int, limits: Patience, tail_s: float = 0.0) -> None:
        """start: position in the stream from where on the user may speak, in the past or in the future. tail_s: see Endpointer."""
        self.turn = turn
        self.utterance = Utterance()
        self._hearing = hearing
        self.start = start
        """Position in the stream, in samples."""
        self._at = start
        self._endpointer = Endpointer(limits, hearing.between(start - round(_CONTEXT_S * RATE_HZ), start), tail_s)

    @property
    def started(self) -> bool:
        """True once the user has certainly begun, and the utterance with it."""
        return self._endpointer.heard_speech

    @property
    def speech_end(self) -> int:
        """Position in the stream where the speech so far ends."""
        return self.start + self._endpointer.speech_end

    def update(self) -> Ending | None:
        """Takes what was heard since the last time; says why it has ended, or None while it goes on."""
        end = self._hearing.position
        if end <= self._at:
            return None
        samples = self._hearing.between(self._at, end)
        self._at = end
        ending = self._endpointer.feed(samples)
        if len(self.utterance):
            self.utterance.append(samples)
        elif self.started:
            self.utterance.append(self._hearing.between(self.start + self._endpointer.begin, end))
        return ending

    def commit(self) -> None:
        """The user has finished: the turn may answer."""
        self.utterance.finish()
        ended_at = self._hearing.clock(self.speech_end)
        self.turn.commit(min(ended_at, asyncio.get_running_loop().time()))
