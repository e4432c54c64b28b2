"""One opening of the microphone to the user: from the wake word, or the end of an answer, to the end of what is said."""

import asyncio
import math

import numpy as np

from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.endpointing import Ending, Endpointer, Patience
from ..shared.patience import Prospect, depends_on_prosody
from ..shared.settings import SatelliteSection
from .hearing import Hearing
from .home_turn import HomeTurn
from .prosody import SILENCE_S, Opinion, ProsodyListener
from .speculation import PAUSE_S, Speculation
from .turn import Turn
from .utterance import Utterance

_UNADDRESSED_SPEECH_S = 0.4  # without a wake word, less than this was not meant for us
_GOES_ON_S = 0.19  # of speech without a gap, in the silence before an answer: more than a cough
_REOPENS_S = 7.0  # after the first commit; whoever waits for longer does not go on with that sentence
_CONTEXT_S = 0.5  # before it, for the voice detector to settle in


def patience(section: SatelliteSection) -> Patience:
    """The owner's patience after a wake word."""
    return Patience(section.silence_s, section.no_speech_s, section.longest_s)


def follow_up_patience(section: SatelliteSection, no_speech_s: float) -> Patience:
    """The same where nobody has said a wake word. no_speech_s: how long it waits for the first word."""
    return Patience(section.silence_s, no_speech_s, section.longest_s, speech_s=_UNADDRESSED_SPEECH_S)


class Listening:
    """Feeds a turn's utterance until it ends, and tells the turn of pauses. Belongs to the state machine."""

    def __init__(
        self,
        turn: Turn | HomeTurn,
        hearing: Hearing,
        start: int,
        limits: Patience,
        speculation: Speculation,
        melody: ProsodyListener,
        tail_s: float = 0.0,
    ) -> None:
        """start: position in the stream from where on the user may speak, in the past or in the future. tail_s: see Endpointer.

        It begins with the microphone's frame in which that is: frames of its own would each be complete a little after one of those.
        """
        early = start % FRAME_SAMPLES
        start, tail_s = start - early, tail_s + early / RATE_HZ
        self.turn = turn
        self.utterance = Utterance()
        self._hearing = hearing
        self._speculation = speculation
        self._melody = melody
        self.start = start
        """Position in the stream, in samples."""
        self._at = start
        self._endpointer = Endpointer(limits, hearing.between(start - round(_CONTEXT_S * RATE_HZ), start), tail_s)
        self._paused_at: int | None = None
        self._judged = False
        self._prospect: Prospect | None = None
        self._asked_at = 0
        self._opinion = Opinion()
        self._settles_at: int | None = None
        self._since_commit: list[np.ndarray] = []

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
        self._endpointer.wait_s = self._wait_s
        ending = self._endpointer.feed(samples)
        if len(self.utterance):
            self.utterance.append(samples)
        elif self.started:
            self.utterance.append(self._hearing.between(self.start + self._endpointer.begin, end))
        if ending is Ending.SILENCE and self._paused_at is None and self._take_for_all(certain=True):
            return None
        if not ending:
            self._mark_pauses()
            self._ask_for_an_opinion()
        return ending

    def judge(self, revision: int, prospect: Prospect | None) -> Ending | None:
        """What was said is known, and perhaps what may follow: the silence that ends it is another. Says whether it has ended by that."""
        if not self.turn.judge(revision, prospect):
            return None
        self._judged, self._prospect = True, prospect
        self._endpointer.wait_s = self._wait_s
        return self._endpointer.ending

    def commit(self, *, settled: bool = True) -> None:
        """The user has finished: the turn may answer. settled: False when `goes_on` is asked from now on whether that was so."""
        self._settles_at = self._settles_at or self._at + round(_REOPENS_S * RATE_HZ)
        self._endpointer.wait_s = math.inf
        self.utterance.finish()
        self._speculation.ended(self._prospect, self._opinion.prosody)
        self.turn.report.prosody = self._opinion.prosody
        if self._opinion.asked and depends_on_prosody(self._prospect):
            self._melody.counted(in_time=self._opinion.given)
        ended_at = self._hearing.clock(self.speech_end)
        self.turn.commit(min(ended_at, asyncio.get_running_loop().time()), settled=settled)

    def goes_on(self) -> bool:
        """Takes what was heard since the commit. True when the user speaks on before anything was done or heard: it is void."""
        if not self.turn.reopens:
            return False
        begin, self._at = self._at, self._hearing.position
        self._since_commit.append(self._hearing.between(begin, self._at))
        self._endpointer.feed(self._since_commit[-1])
        if self._settles_at is None or self._at >= self._settles_at:
            self.turn.settle()
            return False
        if self._endpointer.speaks_for_s < _GOES_ON_S:
            return False
        self._go_on(learns=self._judged)  # nobody has to wait for longer because the answer would have taken longer still
        self.utterance.append(np.concatenate(self._since_commit))
        self._since_commit.clear()
        return True

    def _mark_pauses(self) -> None:
        endpointer = self._endpointer
        if self._paused_at is not None and self._paused_at != endpointer.speech_end:
            self._go_on(learns=True)
        if self._paused_at is None and endpointer.has_been_silent_for(PAUSE_S):
            self._take_for_all(certain=False)

    def _go_on(self, *, learns: bool) -> None:
        if learns:
            self._speculation.went_on(self._prospect, self._endpointer.last_pause_s, self._opinion.prosody)
        self._paused_at, self._judged, self._prospect = None, False, None
        self.turn.go_on()

    def _take_for_all(self, *, certain: bool) -> bool:
        """What was said is worked on; while nobody knows what it was, no answer can come, and the user may as well go on."""
        endpointer = self._endpointer
        if not self.turn.pause((endpointer.speech_end - endpointer.speech_begin) / RATE_HZ, certain=certain):
            return False
        self._paused_at = endpointer.speech_end
        endpointer.wait_s = self._wait_s
        return True

    @property
    def _wait_s(self) -> float:
        """Silence that ends the utterance, as far as anybody knows."""
        if self._paused_at is not None and not self._judged:
            return self._speculation.longest_wait_s
        return self._speculation.wait_s(self._prospect, self._opinion.prosody)

    def _ask_for_an_opinion(self) -> None:
        """Once in each pause, where the melody of the voice could make a difference."""
        endpointer, end = self._endpointer, self._hearing.position
        if self._asked_at == endpointer.speech_end:
            return
        self._opinion = Opinion()
        if not endpointer.has_been_silent_for(SILENCE_S):
            return
        self._asked_at = endpointer.speech_end
        if not self._judged or depends_on_prosody(self._prospect):
            begin = max(self.start + endpointer.begin, end - round(self._melody.window_s * RATE_HZ))
            self._opinion = self._melody.ask(self._hearing.between(begin, end))
