"""One answer being spoken: text in, audio events out, the engine a few seconds ahead of the peer."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from ..shared.engines import Model
from ..shared.sentences import Splitter, split
from ..shared.service import Peer
from .chunks import WIDTH_BYTES, Cutter, bytes_of
from .engine import AudioBlock
from .speaking import Cast, Speaking
from .ssml import Passage
from .text_front import TextFront

_LOGGER = logging.getLogger(__name__)
_SILENT_RATE_HZ = 22_050  # what an answer without sound is announced as; Home Assistant's satellites take it as it is
_AHEAD_CHUNKS = 256  # at most 1 MiB of finished audio waits for a slow peer
_RESUME_CHUNKS = 64  # the next sentence is begun when no more than this waits, so that a slow peer does not hold an engine
_PIECES = 64
_SENTENCE_PAUSE_MS = 280  # espeak-ng's own pause between two sentences of one text, measured
_CLAUSE_PAUSE_MS = 120
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "።")
_TEXT_SLICE_CHARS = 2000  # splitting this much takes about 2 ms of the loop
_TEXT_PAUSE_S = 0.3  # a text that may have ended is spoken when nothing follows for this long
_FALLBACK = "fallback"
_STARVED_S = 2.0  # a gap of 5 s in the sound of one answer makes a Voice PE give it up (home-assistant-voice-pe#612)
_BRIDGE_MS = 200


@dataclass(frozen=True)
class Voice:
    """With what an answer is spoken."""

    model: Model
    speaker: str | None
    language: str
    """Of the text; BCP 47."""


@dataclass(frozen=True)
class _Piece:
    text: str
    pause_ms: int | None = None
    """Silence before it; None for what is usual between pieces."""


class Utterance:
    """One response: `start`, then `add` and `finish` from the session, in its task. Errors end the peer's connection."""

    def __init__(self, peer: Peer, cast: Cast, front: TextFront, voice: Voice) -> None:
        self._peer = peer
        self._front = front
        self._voice = voice
        self._splitter = Splitter(voice.language, first_clause=cast.section.first_clause)
        self._speaking = Speaking(cast, voice.model, voice.speaker, self._played_until)
        self._pieces: asyncio.Queue[_Piece | None] = asyncio.Queue(_PIECES)
        self._cutter = Cutter()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD_CHUNKS)
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._pause: asyncio.TimerHandle | None = None
        self._now = asyncio.get_running_loop().time
        self._begun = self._now()
        self._first_at = 0.0
        self._samples_sent = 0

    async def add(self, text: str) -> None:
        """Takes a fragment of text; waits when many sentences are still to be spoken."""
        self._hold_pause()
        await self._front.load(self._voice.language)
        for start in range(0, len(text), _TEXT_SLICE_CHARS):
            for piece in self._splitter.feed(text[start : start + _TEXT_SLICE_CHARS]):
                await self._enqueue(piece)
        if self._splitter.may_have_ended:
            self._pause = asyncio.get_running_loop().call_later(_TEXT_PAUSE_S, self._flush_paused)

    async def add_passages(self, passages: Sequence[Passage]) -> None:
        """Takes what a whole document says; no other text may come before or behind it."""
        await self._front.load(self._voice.language)
        for passage in passages:
            pause_ms = passage.pause_ms
            for piece in split(passage.text, self._voice.language):
                if await self._enqueue(piece, pause_ms):
                    pause_ms = None

    async def finish(self) -> None:
        """No more text comes."""
        self._hold_pause()
        for piece in self._splitter.finish():
            await self._enqueue(piece)
        await self._pieces.put(None)

    async def run(self) -> None:
        """Speaks until `finish`; returns after the last event was sent. Cancelling stops the engine and frees its slot.

        Raises: AssistantError, what the engine raises, ConnectionError when the peer is gone.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._synthesize(), name=f"synthesize for {self._peer.name}")
                group.create_task(self._send(), name=f"send speech to {self._peer.name}")
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            self._hold_pause()

    async def _enqueue(self, piece: str, pause_ms: int | None = None) -> bool:
        text = self._front.said(piece, self._voice.language)
        if text:
            await self._pieces.put(_Piece(text, pause_ms))
        return bool(text)

    def _hold_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _flush_paused(self) -> None:
        if self._pieces.qsize() <= _PIECES // 2:
            for piece in self._splitter.flush():
                if text := self._front.said(piece, self._voice.language):
                    self._pieces.put_nowait(_Piece(text))

    async def _synthesize(self) -> None:
        usual_ms = 0
        while (piece := await self._pieces.get()) is not None:
            await self._roomy.wait()
            pause_ms = usual_ms if piece.pause_ms is None else piece.pause_ms

            def begin(pause_ms: int = pause_ms) -> None:
                self._cutter.begin(pause_ms)

            await self._speaking.say(piece.text, begin, self._take)
            for chunk in self._cutter.end():
                await self._put(chunk)
            usual_ms = _SENTENCE_PAUSE_MS if piece.text.endswith(_SENTENCE_ENDS) else _CLAUSE_PAUSE_MS
        await self._chunks.put(None)

    async def _take(self, block: AudioBlock) -> None:
        async for chunk in self._cutter.add(block):
            await self._put(chunk)

    async def _put(self, chunk: bytes) -> None:
        await self._chunks.put(chunk)
        if self._chunks.qsize() > _RESUME_CHUNKS:
            self._roomy.clear()

    def _played_until(self) -> float:
        """Loop time until which the peer has something to hear, also of what waits to be sent."""
        if not self._cutter.rate_hz or not self._first_at:
            return 0.0
        return self._first_at + self._samples_sent / self._cutter.rate_hz

    async def _send(self) -> None:
        rate_hz, played_at = 0, None
        while (chunk := await self._next_chunk(rate_hz, played_at)) is not None:
            if not rate_hz:
                rate_hz, self._first_at = self._cutter.rate_hz, self._now()
                await self._peer.send(AudioStart(rate_hz, WIDTH_BYTES, 1, timestamp=0).event())
            timestamp = self._samples_sent * 1000 // rate_hz
            await self._peer.send(AudioChunk(rate_hz, WIDTH_BYTES, 1, chunk, timestamp=timestamp).event())
            self._samples_sent += len(chunk) // WIDTH_BYTES
            played_at = max(self._played_until(), self._now())
        if not rate_hz:
            rate_hz, self._first_at = _SILENT_RATE_HZ, self._begun
            await self._peer.send(AudioStart(rate_hz, WIDTH_BYTES, 1, timestamp=0).event())
        stop = AudioStop(timestamp=self._samples_sent * 1000 // rate_hz).event()
        if self._speaking.fallen:
            stop.data[_FALLBACK] = True  # not to be kept: the next time it is the usual voice
        await self._peer.send(stop)
        _LOGGER.info(
            "%s: %.2f s with %s, first sound after %.0f ms, all after %.0f ms",
            self._peer.name,
            self._samples_sent / rate_hz,
            self._voice.model.name,
            (self._first_at - self._begun) * 1000,
            (self._now() - self._begun) * 1000,
        )

    async def _next_chunk(self, rate_hz: int, played_at: float | None) -> bytes | None:
        """The next finished audio; a little silence when the peer must have played everything a while ago."""
        try:
            async with asyncio.timeout_at(None if played_at is None else played_at + _STARVED_S):
                chunk = await self._chunks.get()
        except TimeoutError:
            return bytes(bytes_of(_BRIDGE_MS, rate_hz))
        if self._chunks.qsize() <= _RESUME_CHUNKS:
            self._roomy.set()
        return chunk
