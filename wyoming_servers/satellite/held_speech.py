"""Speech on its way from the voice to the loudspeaker, made before it may be heard."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing

from ..shared.errors import AssistantError
from .speech import SpeechBlock
from .voice_pace import VoicePace
from .wording import Wording

_MOST_S = 30.0  # as far ahead as the loudspeaker takes it; more waits at the voice


class HeldSpeech:
    """Filled by one task, played by another."""

    def __init__(self, wording: Wording, pace: VoicePace) -> None:
        """wording: its text. pace: of the voice; it decides how much of it is there before the first piece is heard, and learns."""
        self._wording = wording
        self._pace = pace
        self._blocks: deque[SpeechBlock] = deque()
        self._held_s = 0.0
        self._ended = False
        self._error: AssistantError | None = None
        self._changed = asyncio.Event()

    async def fill(self, source: AsyncIterator[SpeechBlock]) -> None:
        """Takes all of it, and closes it; what it raises is raised where it is played."""
        began: float | None = None
        whole, behind_s = False, 0.0
        try:
            async with aclosing(source) as blocks:  # type: ignore[type-var]
                async for block in blocks:
                    if began is None:
                        began, whole = _now(), self._wording.finished
                    else:
                        behind_s += block.seconds
                    self._blocks.append(block)
                    self._held_s += block.seconds
                    self._tell()
                    while self._held_s > _MOST_S:
                        whole = False  # from now on it is the loudspeaker that is waited for
                        await self._changed.wait()
            if began is not None and whole and behind_s:
                self._pace.made(behind_s, _now() - began)
        except AssistantError as err:
            self._error = err
        finally:
            self._ended = True
            self._tell()

    async def blocks(self) -> AsyncIterator[SpeechBlock]:
        """All of it, in order, as it comes.

        Raises: what the voice raised.
        """
        while not self._ended and self._held_s < self._pace.lead_s(self._wording.text):
            await self._changed.wait()
        while True:
            changed = self._changed
            while self._blocks:
                block = self._blocks.popleft()
                self._held_s -= block.seconds
                self._tell()
                yield block
            if self._ended and not self._blocks:
                if self._error:
                    raise self._error
                return
            if changed is self._changed:
                await changed.wait()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
