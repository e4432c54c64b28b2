"""A voice that takes the time a profile says, and whose sound tells which text it belongs to."""

import asyncio
from collections.abc import Sequence

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Artifact, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeStopped

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.sentences import Splitter
from wyoming_servers.shared.service import Peer, Session

from .coding import marked
from .house import ARTIFACT, SPEECH_PER_TOKEN_S, WAKE_SOUND, StandIn, StandInSession
from .profile import PIECE_S


class TtsStandIn(StandIn):
    """Speaks tones with marks in them."""

    kind = "tts"
    events = frozenset({"synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"})

    def programs(self) -> Sequence[Artifact]:
        voice = TtsVoice(name="bench", languages=["en"], **ARTIFACT)
        return [TtsProgram(name="bench", voices=[voice], supports_synthesize_streaming=True, **ARTIFACT)]

    def session(self, peer: Peer) -> Session:
        return _TtsSession(self, peer)


class _TtsSession(StandInSession):
    def __init__(self, service: TtsStandIn, peer: Peer) -> None:
        super().__init__(service, peer)
        self._texts: asyncio.Queue[str | None] | None = None
        self._splitter: Splitter | None = None

    async def handle(self, event: Event) -> None:
        if event.type == "synthesize-start":
            self._texts, self._splitter = asyncio.Queue(), Splitter("en", first_clause=True)
            self.answer(self._speak_stream(self._texts), "speak")
        elif event.type == "synthesize-chunk" and self._texts and self._splitter:
            for piece in self._splitter.feed(event.data["text"]):
                self._texts.put_nowait(piece)
        elif event.type == "synthesize-stop" and self._texts and self._splitter:
            for piece in self._splitter.finish():
                self._texts.put_nowait(piece)
            self._texts.put_nowait(None)
            self._texts = None
        elif event.type == "synthesize" and self._texts is None:
            self.answer(self._speak_whole(event.data["text"]), "speak")

    async def _speak_stream(self, texts: "asyncio.Queue[str | None]") -> None:
        await self.peer.send(_START)
        while (text := await texts.get()) is not None:
            await self._speak(text)
        await self.peer.send(AudioStop().event())
        await self.peer.send(SynthesizeStopped().event())

    async def _speak_whole(self, text: str) -> None:
        await self.peer.send(_START)
        await self._speak(text)
        await self.peer.send(AudioStop().event())

    async def _speak(self, text: str) -> None:
        house, tts, now = self.house, self.house.profile.tts, asyncio.get_running_loop().time
        fault = house.faults.get("tts")
        if fault == "is silent":
            return
        speech_s = max(1, len(text.split())) * SPEECH_PER_TOKEN_S
        number = len(house.spoken) % WAKE_SOUND
        house.spoken[number] = text
        async with self.service.slots, house.busy("tts", text) as work:
            if fault == "hangs":
                await asyncio.Event().wait()
            sound = tone(number, speech_s)  # this is its work, too
            step = round(PIECE_S * PLAYBACK_RATE_HZ) if tts.pieces == "clause" else len(sound)
            await asyncio.sleep(max(0.0, work.begin + tts.fixed_s - now()))
            for first in range(0, len(sound), step):
                piece = sound[first : first + step]
                await asyncio.sleep(tts.rtf * len(piece) / PLAYBACK_RATE_HZ)
                work.first = work.first or now()
                await self.peer.send(AudioChunk(rate=PLAYBACK_RATE_HZ, width=2, channels=1, audio=piece.astype("<i2").tobytes()).event())
                if fault == "stalls":
                    await asyncio.Event().wait()


_START = AudioStart(rate=PLAYBACK_RATE_HZ, width=2, channels=1).event()


def tone(number: int, speech_s: float) -> np.ndarray:
    """The sound of one text: (n,) int16 at PLAYBACK_RATE_HZ, audible from its first sample."""
    times = np.arange(round(speech_s * PLAYBACK_RATE_HZ)) / PLAYBACK_RATE_HZ
    samples = 6000 * np.cos(2 * np.pi * (300 + 5 * number) * times)
    return marked(samples.astype(np.int16), number)
