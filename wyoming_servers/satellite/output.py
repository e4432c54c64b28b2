"""A turn's voice: speech and chimes on the loudspeaker."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from .playback import PlaybackStream, Player
from .speakers import SoundError
from .speech import SpeechBlock


class LiveOutput:
    """Where a turn is heard; see turn.Output."""

    def __init__(self, player: Player, error_chime: np.ndarray | None) -> None:
        """error_chime: (n,) int16 at the player's rate; None when chimes are switched off."""
        self._player = player
        self._error_chime = error_chime
        self._streams: set[PlaybackStream] = set()

    @property
    def speaking(self) -> bool:
        """True while speech is heard."""
        return any(stream.position for stream in self._streams)

    async def speak(self, blocks: AsyncIterator[SpeechBlock]) -> float:
        """Plays speech to its end; returns when its first sound was heard.

        Raises: SoundError when it cannot be heard; what `blocks` raises.
        """
        stream = self._player.open()
        self._streams.add(stream)
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
            self._streams.discard(stream)
        return stream.heard_at or asyncio.get_running_loop().time()

    async def fail(self) -> None:
        """Plays the error chime."""
        if self._error_chime is not None:
            self._player.play(self._error_chime)
