"""A turn's voice: speech and chimes on the loudspeaker."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from .playback import PlaybackStream, Player
from .speakers import SoundError
from .speech import SpeechBlock
from .spoken import spoken_part
from .wording import Wording


class LiveOutput:
    """Where a turn is heard; see turn.Output."""

    def __init__(self, player: Player, error_chime: np.ndarray | None) -> None:
        """error_chime: (n,) int16 at the player's rate; None when chimes are switched off."""
        self._player = player
        self._error_chime = error_chime
        self._streams: dict[PlaybackStream, Wording] = {}

    @property
    def speaking(self) -> bool:
        """True while speech is heard."""
        return any(stream.position for stream in self._streams)

    @property
    def saying(self) -> str:
        """The text of the speech that is heard, as far as it is known."""
        return " ".join(wording.text for stream, wording in self._streams.items() if stream.position)

    def spoken(self, wording: Wording) -> str | None:
        """How much of a text has been heard, in whole words; None when it is not being spoken."""
        for stream, text in self._streams.items():
            if text is wording:
                return spoken_part(wording.text, stream.played_s, stream.written_s if stream.whole else None)
        return None

    async def speak(self, blocks: AsyncIterator[SpeechBlock], wording: Wording | None = None) -> float:
        """Plays speech to its end; returns when its first sound was heard.

        wording: its text; None when nobody knows it.
        Raises: SoundError when it cannot be heard; what `blocks` raises.
        """
        stream = self._player.open()
        self._streams[stream] = wording or Wording()
        try:
            try:
                async for block in blocks:
                    if not await stream.write(block.pcm, block.source):
                        break
            finally:
                stream.finish()
            if not await stream.over() and self._player.problem:
                raise SoundError(self._player.problem)
        finally:
            del self._streams[stream]
        return stream.heard_at or asyncio.get_running_loop().time()

    async def fail(self) -> None:
        """Plays the error chime."""
        if self._error_chime is not None:
            self._player.play(self._error_chime)
