"""The text of one answer, spoken while it is written."""

import asyncio
from collections.abc import AsyncIterator

LONGEST_CHARS = 20_000
"""About twenty minutes of speech: whoever writes more does not end."""


class Wording:
    """Grows while the answer is written; can be read from its beginning any number of times, also while it grows."""

    def __init__(self, text: str = "") -> None:
        """text: all of it, when it is there already."""
        self.text = text
        """What has been written."""
        self.finished = bool(text)
        """True once nothing more comes."""
        self._changed = asyncio.Event()

    def append(self, text: str) -> None:
        """Adds a fragment as it came: blanks count."""
        if text:
            self.text += text
            self._wake_readers()

    def finish(self) -> None:
        """Ends it; readers get what is left and stop."""
        self.finished = True
        self._wake_readers()

    async def begun(self) -> None:
        """Waits for the first words, or for the end of an answer without any."""
        while not (self.text.strip() or self.finished):
            await self._changed.wait()

    async def fragments(self) -> AsyncIterator[str]:
        """From the beginning: each time all that was written since the last time. Waits for more until it is finished."""
        read = 0
        while True:
            changed = self._changed
            if read < len(self.text):
                fragment, read = self.text[read:], len(self.text)
                yield fragment
                continue
            if self.finished:
                return
            await changed.wait()

    def rest(self) -> "Wording":
        """What is written from now on, as a text of its own that grows with this one."""
        return _Rest(self)

    def _wake_readers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class _Rest(Wording):
    """Is only read."""

    def __init__(self, whole: Wording) -> None:
        self._whole = whole
        self._start = len(whole.text)

    @property
    def text(self) -> str:
        return self._whole.text[self._start :]

    @property
    def finished(self) -> bool:
        return self._whole.finished

    @property
    def _changed(self) -> asyncio.Event:
        return self._whole._changed
