"""Takes a model's thoughts out of its text while it streams."""

_BEGIN = ("<think>", "<thinking>", "<thought>")
_END = ("</think>", "</thinking>", "</thought>")


class Thoughts:
    """Keeps `<think>…</think>` back, however it is cut into fragments."""

    def __init__(self, begun: bool = False) -> None:
        """begun: the model's template opens the thought, so that only its end is seen."""
        self._inside = self._unopened = begun
        self._text = ""
        self.seen = False
        """True when there was a thought."""
        self.stray_end = False
        """True when a thought ended that had not begun: this model should be read with `begun`."""

    def feed(self, fragment: str) -> str:
        """What of the text so far is certainly no thought."""
        self._text += fragment
        spoken = ""
        while True:
            marks = _END if self._inside else (*_BEGIN, *_END)
            found = [(place, mark) for mark in marks if (place := self._text.find(mark)) >= 0]
            if not found:
                break
            place, mark = min(found)
            if not self._inside:
                spoken += self._text[:place]
                self.stray_end |= mark in _END
            self._text = self._text[place + len(mark) :]
            self._inside = mark in _BEGIN
            self._unopened = False
            self.seen = True
        if self._inside:
            return spoken
        keep = _open_mark(self._text)
        cut = len(self._text) - keep
        spoken, self._text = spoken + self._text[:cut], self._text[cut:]
        return spoken

    def finish(self) -> str:
        """The rest. A thought that never ended is none of it, unless nobody ever said that it was one."""
        rest = "" if self._inside and not self._unopened else self._text
        self._text = ""
        return rest


def _open_mark(text: str) -> int:
    """How many characters at the end may be the beginning of a mark."""
    for length in range(min(len(text), 12), 0, -1):
        if any(mark.startswith(text[-length:]) for mark in (*_BEGIN, *_END)):
            return length
    return 0
