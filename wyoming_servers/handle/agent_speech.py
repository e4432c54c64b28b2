"""A model's text as speech: sentences as soon as they are whole, nothing that cannot be spoken, no end without one."""

from ..shared.sentences import Splitter
from ..shared.speakable import speakable
from .agent_calls import may_be_call

MOST_CHARS = 700
"""Nobody listens longer: about 45 seconds."""
_REPEATS = 2


class Speech:
    """One answer while it is written."""

    def __init__(self, language: str) -> None:
        self._splitter = Splitter(language)
        self._said: list[str] = []
        self._chars = 0
        self._held = ""
        self._judged = False
        self.raw = ""
        """All the model wrote."""
        self.call = False
        """True when the text is a call, of which nothing is spoken."""
        self.full = False
        """True when enough was said: longer than anyone listens to, or the same again and again."""

    @property
    def spoke(self) -> bool:
        """True once there was something to say."""
        return bool(self._said)

    def feed(self, text: str) -> list[str]:
        """What can be spoken now, with the blanks between."""
        self.raw += text
        if self.call:
            return []
        if not self._judged:
            self._held += text
            judged = may_be_call(self._held)
            if judged is None:
                return []
            text, self._held = self._held, ""
            self._judged, self.call = True, judged
            if judged:
                return []
        return self._spoken(self._splitter.feed(text))

    def finish(self, cut: bool, broken: bool = False) -> list[str]:
        """The rest. cut: the model did not come to an end, so half a sentence is left out if there is a whole one; broken: always."""
        rest = self._splitter.feed(self._held) + self._splitter.finish() if not self.call else []
        self._held = ""
        if ((cut and self._said) or broken) and rest and rest[-1][-1:] not in ".!?…。！？":
            rest.pop()
        return self._spoken(rest)

    def _spoken(self, pieces: list[str]) -> list[str]:
        spoken = []
        for piece in pieces:
            text = speakable(piece)
            if not text or self.full:
                continue
            if self._said.count(text) >= _REPEATS or self._chars + len(text) > MOST_CHARS:
                self.full = self.spoke
                if self.full:
                    continue
            spoken.append(f" {text}" if self._said else text)
            self._said.append(text)
            self._chars += len(text)
        return spoken
