"""How long to be silent before a turn counts as finished: by what was said so far, and by the pauses this speaker makes."""

from enum import StrEnum


class Prospect(StrEnum):
    """What may still come after the words that were heard so far."""

    COMPLETE = "complete"
    """A sentence, and nothing can follow."""
    EXTENDABLE = "extendable"
    """A sentence, and more may follow."""
    PREFIX = "prefix"
    """More must follow."""
    SENTENCE = "sentence"
    """No sentence that is known, but it ends like one."""
    UNFINISHED = "unfinished"
    """No sentence that is known, and it ends with a function word, a filler or a comma."""


_WAITS_S = {
    Prospect.COMPLETE: 0.2,
    Prospect.EXTENDABLE: 0.4,
    Prospect.PREFIX: 1.6,
    Prospect.SENTENCE: 0.6,
    Prospect.UNFINISHED: 1.4,
}
_UNKNOWN_S = 0.7  # Home Assistant's, for want of anything better
_MARGIN = 1.25  # one pause is like the next, but never the same
_FOLLOWS = 0.5  # of the difference, with every pause
_FORGETS = 0.05  # with every turn that ended as it was taken to
_MOST = 2.5  # times the usual wait: nobody is waited for longer


def prospect_of(value: object) -> Prospect | None:
    """The class of that name; None for anything else, as a newer server may send."""
    return Prospect(value) if isinstance(value, str) and value in Prospect.__members__.values() else None


def wait_s(prospect: Prospect | None, scale: float = 1.0) -> float:
    """Seconds of silence after the end of speech that end the turn. None: nobody can tell. scale: the owner's wish; 1.0 is usual."""
    return scale * (_UNKNOWN_S if prospect is None else _WAITS_S[prospect])


class PauseLearner:
    """One speaker, or all who speak at one satellite. Waits longer where the user was seen to go on late, and forgets it slowly."""

    def __init__(self) -> None:
        self._pauses: dict[Prospect | None, float] = {}

    def wait_s(self, prospect: Prospect | None, scale: float = 1.0) -> float:
        """As the function of that name; for this speaker, never shorter than usual and at most 2.5 times as long."""
        usual = wait_s(prospect)
        return scale * min(max(usual, _MARGIN * self._pauses.get(prospect, 0.0)), _MOST * usual)

    def went_on(self, prospect: Prospect | None, silence_s: float) -> None:
        """The user spoke again after so much silence, whether that was still waited for or the turn was taken to be over."""
        known = self._pauses.get(prospect, 0.0)
        self._pauses[prospect] = known + _FOLLOWS * (silence_s - known)

    def ended(self, prospect: Prospect | None) -> None:
        """The turn was over where it was taken to be."""
        if prospect in self._pauses:
            self._pauses[prospect] *= 1 - _FORGETS
