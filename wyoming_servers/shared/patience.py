"""How long to be silent before a turn counts as finished: by what was said so far, how it was said, and this speaker's pauses."""

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


class Prosody(StrEnum):
    """What the melody of the voice says before a pause, where a model listens to it (see shared.end_of_turn)."""

    FINAL = "final"
    """It sounds as if that was all."""
    CONTINUING = "continuing"
    """It sounds as if more is to come."""


_WAITS_S = {
    Prospect.COMPLETE: 0.2,
    Prospect.EXTENDABLE: 0.4,
    Prospect.PREFIX: 1.6,
    Prospect.SENTENCE: 0.6,
    Prospect.UNFINISHED: 1.4,
}
_UNKNOWN_S = 0.7  # Home Assistant's, for want of anything better
# Where the words leave it open. Of the hesitations of real talk (LiveKit's eot-bench, English), silence alone cuts off 22 in 100 at a mean
# delay of 0.6 s, and the same with Smart Turn v3.2 about 14: by waiting long where the voice stays up, not by being quick where it falls.
_SOUNDED_S: dict[Prosody, dict[Prospect | None, float]] = {
    Prosody.FINAL: {None: 0.5, Prospect.SENTENCE: 0.4, Prospect.UNFINISHED: 0.8},
    Prosody.CONTINUING: {None: 1.4, Prospect.EXTENDABLE: 0.8, Prospect.SENTENCE: 1.4, Prospect.UNFINISHED: 1.6},
}
_MARGIN = 1.25  # one pause is like the next, but never the same
_FOLLOWS = 0.5  # of the difference, with every pause
_FORGETS = 0.05  # with every turn that ended as it was taken to
_MOST = 2.5  # times the usual wait: nobody is waited for longer


def prospect_of(value: object) -> Prospect | None:
    """The class of that name; None for anything else, as a newer server may send."""
    return Prospect(value) if isinstance(value, str) and value in Prospect.__members__.values() else None


def depends_on_prosody(prospect: Prospect | None) -> bool:
    """Whether the melody of the voice changes how long is waited after such words."""
    return any(prospect in waits for waits in _SOUNDED_S.values())


def wait_s(prospect: Prospect | None, scale: float = 1.0, prosody: Prosody | None = None) -> float:
    """Seconds of silence after the end of speech that end the turn. scale: the owner's wish; 1.0 is usual.

    prospect: None when nobody can tell. prosody: None when nobody has listened, or could tell."""
    usual_s = _UNKNOWN_S if prospect is None else _WAITS_S[prospect]
    return scale * (_SOUNDED_S[prosody].get(prospect, usual_s) if prosody else usual_s)


class PauseLearner:
    """One speaker, or all who speak at one satellite. Waits longer where the user was seen to go on late, and forgets it slowly."""

    def __init__(self) -> None:
        self._pauses: dict[tuple[Prospect | None, Prosody | None], float] = {}

    def wait_s(self, prospect: Prospect | None, scale: float = 1.0, prosody: Prosody | None = None) -> float:
        """As the function of that name; for this speaker, never shorter than usual and at most 2.5 times as long."""
        usual = wait_s(prospect, prosody=prosody)
        return scale * min(max(usual, _MARGIN * self._pauses.get((prospect, prosody), 0.0)), _MOST * usual)

    def went_on(self, prospect: Prospect | None, silence_s: float, prosody: Prosody | None = None) -> None:
        """The user spoke again after so much silence, whether that was still waited for or the turn was taken to be over."""
        known = self._pauses.get((prospect, prosody), 0.0)
        self._pauses[prospect, prosody] = known + _FOLLOWS * (silence_s - known)

    def ended(self, prospect: Prospect | None, prosody: Prosody | None = None) -> None:
        """The turn was over where it was taken to be."""
        if (prospect, prosody) in self._pauses:
            self._pauses[prospect, prosody] *= 1 - _FORGETS
