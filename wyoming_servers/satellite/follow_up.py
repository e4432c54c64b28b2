"""When the microphone opens without a wake word, for how long, and how much must be heard."""

from dataclasses import dataclass

from ..shared.endpointing import Patience
from ..shared.settings import SatelliteSection
from .listening import follow_up_patience
from .report import TurnReport

_ANSWER_S = 5.0  # to begin to answer a question of ours
_QUESTIONS = 3  # of ours in a row: then a wake word is needed again
_FOLLOW_UPS = 10  # in a row: nothing keeps the microphone open for ever
_FAILURES = 1  # in a row: whoever is not understood twice speaks to somebody else
_BEGUN_S = 1.0  # who interrupts has begun to speak already


@dataclass(frozen=True)
class Window:
    """The microphone is open to the user for a while."""

    limits: Patience
    asked: bool
    """True when a question of ours is to be answered: what is said is meant for us."""


class FollowUp:
    """Counts how often the microphone was opened since the last wake word."""

    def __init__(self, section: SatelliteSection) -> None:
        """section: the owner's wishes."""
        self._section = section
        self.woken()

    def woken(self) -> None:
        """A wake word was heard: everything may be asked anew."""
        self._questions = self._follow_ups = self._failures = 0

    def after(self, report: TurnReport) -> Window | None:
        """The window after an answer; None for none. Call it when the answer has been heard."""
        section = self._section
        self._failures = 0 if report.handled else self._failures + 1
        if report.ask and self._questions < _QUESTIONS:
            self._questions += 1
            return Window(Patience(section.silence_s, _ANSWER_S, section.longest_s), asked=True)
        if section.follow_up_s and self._follow_ups < _FOLLOW_UPS and self._failures <= _FAILURES:
            self._follow_ups += 1
            return Window(follow_up_patience(section, section.follow_up_s), asked=False)
        return None

    def interrupted(self) -> Window:
        """The window for somebody who speaks into an answer."""
        return Window(follow_up_patience(self._section, _BEGUN_S), asked=False)
