"""Two other ways to run a turn, on the same engines, through the same microphone and loudspeaker, with the stock Wyoming client.

seq does one thing after the other: 0.7 s of silence, the whole recording to the recogniser, the whole answer, all of its speech; its
chime keeps the microphone closed for half a second, and every stage makes a new connection.
ha does what Home Assistant does: audio to the recogniser while it is spoken, 0.7 s of silence, speech once there are more than 60
characters or all of the answer, sentence by sentence, each only when the next one has begun. What is spoken as a whole it keeps.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing

import numpy as np
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.handle import Handled, HandledChunk
from wyoming.tts import Synthesize

from wyoming_servers.satellite.playback import Player
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ, AudioFormat
from wyoming_servers.shared.endpointing import Endpointer, Patience
from wyoming_servers.shared.tasks import TaskOwner

from .rooms import Loudspeaker, Room

_SILENCE_S = 0.7
_HA_STARTS_AT_CHARS = 60
_CHIME_S = 0.5


class Baseline:
    """Takes turns until cancelled; each begins where the wake word ends."""

    def __init__(self, arm: str, uris: Mapping[str, str], room: Room, loudspeaker: Loudspeaker, committed: Callable[[float], None]) -> None:
        """arm: seq or ha. committed: called with the loop time of the end of each turn."""
        self._streams = arm == "ha"
        self._deaf_s = _CHIME_S if arm == "seq" else 0.0
        self._uris = uris
        self._room = room
        self._player = Player(loudspeaker)
        self._owner = TaskOwner()
        self._committed = committed
        self._kept: dict[str, bytes] = {}
        self.woken: asyncio.Queue[int] = asyncio.Queue()
        """Positions in the microphone's stream where wake words end."""

    async def run(self) -> None:
        """Hears the room."""
        self._owner.start(self._player.run(), "player")
        try:
            await self._listen()
        finally:
            await self._owner.close()

    async def _listen(self) -> None:
        position, begin, ears = 0, 0, None
        heard: asyncio.Queue[np.ndarray | None] = asyncio.Queue()
        async with aclosing(self._room.frames()) as frames:
            async for frame in frames:
                if ears is None and not self.woken.empty():
                    begin = self.woken.get_nowait() + round(self._deaf_s * RATE_HZ)
                    heard, ears = asyncio.Queue(), Endpointer(Patience(_SILENCE_S, 5.0, 15.0))
                    if self._streams:
                        self._owner.start(self._answer(heard), "answer")
                position += FRAME_SAMPLES
                if ears is None or position <= begin:
                    continue
                heard.put_nowait(frame)
                if ears.feed(frame):
                    self._committed(asyncio.get_running_loop().time())
                    heard.put_nowait(None)
                    if not self._streams:
                        self._owner.start(self._answer(heard), "answer")
                    ears = None

    async def _answer(self, heard: "asyncio.Queue[np.ndarray | None]") -> None:
        text = await self._transcribe(heard)
        stream = self._player.open()
        try:
            async with aclosing(self._handle(text)) as pieces:
                async for piece, whole in pieces:
                    await self._speak(piece, stream, keep=whole and self._streams)
        finally:
            stream.finish()

    async def _transcribe(self, heard: "asyncio.Queue[np.ndarray | None]") -> str:
        async with AsyncClient.from_uri(self._uris["asr"]) as client:
            await client.write_event(Transcribe(language="en").event())
            await client.write_event(AudioStart(rate=RATE_HZ, width=2, channels=1).event())
            while (frame := await heard.get()) is not None:
                await client.write_event(AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=frame.tobytes()).event())
            await client.write_event(AudioStop().event())
            while event := await client.read_event():
                if Transcript.is_type(event.type):
                    return Transcript.from_event(event).text
        return ""

    async def _handle(self, text: str) -> AsyncIterator[tuple[str, bool]]:
        """Texts to be spoken, one after the other, and whether each is the whole answer."""
        async with AsyncClient.from_uri(self._uris["handle"]) as client:
            await client.write_event(Transcript(text=text).event())
            said, whole = "", True
            while event := await client.read_event():
                if HandledChunk.is_type(event.type) and self._streams:
                    said += event.data["text"]
                    ready = said if len(said) > _HA_STARTS_AT_CHARS else ""
                    while (end := _next_begun(ready)) > 0:
                        yield said[:end].strip(), False
                        said, whole = said[end:], False
                        ready = said
                if Handled.is_type(event.type):
                    if rest := (said if self._streams else event.data["text"]).strip():
                        yield rest, whole
                    return

    async def _speak(self, text: str, stream, *, keep: bool) -> None:
        source, pcm = AudioFormat(PLAYBACK_RATE_HZ, 2, 1), b""
        if kept := self._kept.get(text):
            await stream.write(kept, source)
            return
        async with AsyncClient.from_uri(self._uris["tts"]) as client:
            await client.write_event(Synthesize(text=text).event())
            while (event := await client.read_event()) and not AudioStop.is_type(event.type):
                if not AudioChunk.is_type(event.type):
                    continue
                pcm += event.payload
                if self._streams:
                    await stream.write(event.payload, source)
        if keep:
            self._kept[text] = pcm
        if pcm and not self._streams:
            await stream.write(pcm, source)


def _next_begun(text: str) -> int:
    """Where the first sentence ends, known by the capital letter of the next one; 0 when it is not known yet."""
    for at in range(len(text) - 2):
        if text[at] in ".!?" and text[at + 1] == " " and text[at + 2].isupper():
            return at + 1
    return 0
