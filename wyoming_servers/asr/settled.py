"""From hypotheses that may be taken back to text that only grows."""

from collections import deque
from os.path import commonprefix


class SettledWords:
    """One utterance. A word is settled once it has stood in the same place in `after` hypotheses in a row without being the last."""

    def __init__(self, after: int) -> None:
        """after: 1 for an engine that only ever adds to its last word."""
        self._recent: deque[list[str]] = deque(maxlen=after)
        self._words: list[str] = []

    @property
    def text(self) -> str:
        """All that is settled: what `add` has returned so far, joined."""
        return " ".join(self._words)

    def add(self, hypothesis: str) -> str:
        """Takes the next hypothesis; returns what it settles, to be put behind what was settled before. Mostly empty."""
        self._recent.append(hypothesis.split()[:-1])
        if len(self._recent) < (self._recent.maxlen or 0):
            return ""
        certain = commonprefix(list(self._recent))
        known = len(self._words)
        if len(certain) <= known or certain[:known] != self._words:
            return ""
        self._words = certain
        return (" " if known else "") + " ".join(certain[known:])

    def rest(self, text: str) -> str | None:
        """What the final text, with single spaces, has besides the settled one; None when it takes settled words back."""
        settled = self.text
        whole_words = not settled or f"{text} ".startswith(f"{settled} ")
        return text[len(settled) :] if whole_words else None
