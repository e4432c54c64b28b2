"""How quick the voice is: a slow one begins later, so that it does not stutter."""

_SPOKEN_CHARS_PER_S = 15.0  # English and German at the usual 170 words a minute
_SLOWER, _QUICKER = 0.7, 0.25  # of the difference: a phrase out of a cache says little of the next
_LEAST_S = 0.3  # of measuring: less says nothing
_QUICK = 1.0
_QUICKEST = 2.0


class VoicePace:
    """Learnt from one answer to the next. A voice of which nothing is known is taken to be quick enough."""

    def __init__(self) -> None:
        self._made_per_s: float | None = None

    def made(self, speech_s: float, took_s: float) -> None:
        """So much speech came in that time, behind the first piece, of a text that was there as a whole."""
        if took_s < _LEAST_S:
            return
        pace = min(speech_s / took_s, _QUICKEST)
        known = pace if self._made_per_s is None else self._made_per_s
        self._made_per_s = known + (pace - known) * (_QUICKER if pace > known else _SLOWER)

    def lead_s(self, text: str) -> float:
        """How much of the speech of a text is to be there before it is heard, in seconds, so that the rest comes in time."""
        slower = 0.0 if self._made_per_s is None else max(0.0, _QUICK - self._made_per_s)
        return slower * len(text) / _SPOKEN_CHARS_PER_S
