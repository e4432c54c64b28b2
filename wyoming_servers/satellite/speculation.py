"""Whether work on suspicion is worth it here, and how long this user's silences are: learnt from turn to turn."""

import asyncio
import math

from ..shared.patience import PauseLearner, Prosody, Prospect, wait_s
from .voice_pace import VoicePace

PAUSE_S = 0.1
"""Silence after which the words so far are taken for all there is, on suspicion. Stops within words are shorter."""
_LONGEST_SPEECH_S = 10.0  # a monologue is heard out: every guess at its end costs all of it
_FOLLOWS = 0.3  # of the difference, with every transcript
_NOTICEABLE_S = 0.1  # less is the network's, or chance
_REFUSED_S = 600.0


class Speculation:
    """A satellite's. Its methods belong to the event loop."""

    def __init__(self, silence_s: float, *, allowed: bool = True) -> None:
        """silence_s: what ends a command of which nobody can tell whether it is whole. allowed: False for never."""
        self.allowed = allowed
        self._silence_s = silence_s
        self._pauses = PauseLearner()
        self._recogniser = _Recogniser()
        self._refused_until: dict[str, float] = {}
        self._knowing: set[str] = set()
        self.voice = VoicePace()
        """How quick the voice is."""
        self.expects_verdicts = allowed
        """Whether it is worth waiting a moment for what the intent server says of the words: it did the last time."""

    @property
    def longest_wait_s(self) -> float:
        """Silence that ends the turn while nobody can tell what was said: no answer could come sooner, so nothing is lost by it."""
        return self.wait_s(Prospect.PREFIX)

    def wait_s(self, prospect: Prospect | None, prosody: Prosody | None = None) -> float:
        """Silence that ends the turn, in seconds, as far as it is known what was said, and how."""
        usual_s = wait_s(Prospect.SENTENCE if prospect else None)
        return self._pauses.wait_s(prospect, self._silence_s / usual_s, prosody)

    def went_on(self, prospect: Prospect | None, silence_s: float, prosody: Prosody | None = None) -> None:
        """The user has spoken again after so much silence."""
        if silence_s >= PAUSE_S:
            self._pauses.went_on(prospect, silence_s, prosody)

    def ended(self, prospect: Prospect | None, prosody: Prosody | None = None) -> None:
        """The user had finished."""
        self._pauses.ended(prospect, prosody)

    def worth_it(self, speech_s: float) -> bool:
        """Whether so much speech is to be transcribed at a pause, which may not be its end."""
        hidden_s = self._silence_s - PAUSE_S
        return self.allowed and speech_s <= _LONGEST_SPEECH_S and not (self._recogniser.finishes and self._recogniser.work_s > hidden_s)

    def transcribed(self, work_s: float, *, again: bool = False) -> None:
        """A transcript took so long, from the end of its words. again: they had been sent before, and came all at once."""
        self._recogniser.transcribed(work_s, again=again)

    def discarded(self, worked_s: float, *, again: bool = False) -> None:
        """A transcript is not waited for any more, when so much time has passed since the end of its words."""
        self._recogniser.discarded(worked_s, again=again)

    def may_ask(self, uri: str) -> bool:
        """Whether this intent server is told what may be all."""
        return self.allowed and _now() >= self._refused_until.get(uri, 0.0)

    def knows(self, uri: str) -> None:
        """This intent server has answered that."""
        self._knowing.add(uri)
        self.expects_verdicts = True

    def misses_verdict(self) -> None:
        """The intent server has not said anything of the words in time."""
        self.expects_verdicts = False

    def lost(self, uri: str) -> None:
        """This intent server failed when it was told: unless it is known to understand it, it is spared for a while."""
        if uri not in self._knowing:
            self._refused_until[uri] = _now() + _REFUSED_S


class _Recogniser:
    """How long it works, and whether it finishes what nobody waits for, so that the next one waits for that.

    Like is compared with like: one that hears while somebody speaks has all of its work before it when it is sent the words again.
    """

    def __init__(self) -> None:
        self.finishes = False
        self._alone_s: dict[bool, float] = {}  # by whether the words were sent again
        self._busy_until = -math.inf  # with what was thrown away, if it goes on with that; inf: nobody knows

    @property
    def work_s(self) -> float:
        """To a transcript of words as they are spoken, while nothing else is asked of it; 0 while that is unknown."""
        return self._usual_s(again=False) or 0.0

    def transcribed(self, work_s: float, *, again: bool) -> None:
        """It took so long, until now."""
        busy_until, self._busy_until = self._busy_until, -math.inf
        held_up_s = busy_until - (_now() - work_s)
        usual_s = self._usual_s(again)
        if held_up_s <= _NOTICEABLE_S:
            known_s = self._alone_s.get(again, work_s)
            self._alone_s[again] = known_s + _FOLLOWS * (work_s - known_s)
        elif usual_s is not None and work_s <= usual_s + 1.5 * held_up_s:  # if more, it was slow for another reason
            self.finishes = work_s > usual_s + 0.5 * held_up_s

    def discarded(self, worked_s: float, *, again: bool) -> None:
        """Nobody waits any more for what it has worked on for so long."""
        usual_s = self._usual_s(again)
        behind_another = self._busy_until > _now() - worked_s
        known = usual_s is not None and worked_s < usual_s and not behind_another
        self._busy_until = _now() + usual_s - worked_s if known else math.inf

    def _usual_s(self, again: bool) -> float | None:
        return self._alone_s.get(again, self._alone_s.get(not again))


def _now() -> float:
    return asyncio.get_running_loop().time()
