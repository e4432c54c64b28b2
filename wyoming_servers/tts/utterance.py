"""One answer being spoken: text in, audio events out, the engine a few seconds ahead of the peer."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from ..shared.engines import EngineHost, Model
from ..shared.errors import DeadlineError, EngineError
from ..shared.sentences import Splitter
from ..shared.service import Peer
from ..shared.speakable import has_words, speakable
from .engine import AudioBlock, TtsEngine, TtsRequest

_LOGGER = logging.getLogger(__name__)
_WIDTH_BYTES = 2
_SILENT_RATE_HZ = 22_050  # what an answer without sound is announced as; Home Assistant's satellites take it as it is
_FIRST_CHUNK_MS = 20
_CHUNK_BYTES = 4096  # 2048 samples
_AHEAD_CHUNKS = 256  # at most 1 MiB of finished audio waits for a slow peer
_RESUME_CHUNKS = 64  # the next sentence is begun when no more than this waits, so that a slow peer does not hold an engine
_PIECES = 64
_SENTENCE_PAUSE_MS = 280  # espeak-ng's own pause between two sentences of one text, measured
_CLAUSE_PAUSE_MS = 120
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "።")
_TEXT_SLICE_CHARS = 2000  # splitting this much takes about 2 ms of the loop
_TEXT_PAUSE_S = 0.3  # a text that may have ended is spoken when nothing follows for this long
_STARVED_S = 2.0  # a gap of 5 s in the sound of one answer makes a Voice PE give it up (home-assistant-voice-pe#612)
_BRIDGE_MS = 200


class Utterance:
    """One response: `start`, then `add` and `finish` from the session, in its task. Errors end the peer's connection."""

    def __init__(self, peer: Peer, host: EngineHost[TtsEngine], voice: Model, speaker: str | None, deadline_s: float) -> None:
        self._peer = peer
        self._host = host
        self._voice = voice
        self._speaker = speaker
        self._deadline_s = deadline_s
        self._splitter = Splitter(voice.languages[0])
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue(_PIECES)
        self._chunks: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(_AHEAD_CHUNKS)
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._pause: asyncio.TimerHandle | None = None

    async def add(self, text: str) -> None:
        """Takes a fragment of text; waits when many sentences are still to be spoken."""
        self._hold_pause()
        for start in range(0, len(text), _TEXT_SLICE_CHARS):
            for piece in self._splitter.feed(text[start : start + _TEXT_SLICE_CHARS]):
                await self._enqueue(piece)
        if self._splitter.may_have_ended:
            self._pause = asyncio.get_running_loop().call_later(_TEXT_PAUSE_S, self._flush_paused)

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

    async def _enqueue(self, piece: str) -> None:
        if text := speakable(piece):
            await self._pieces.put(text)

    def _hold_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _flush_paused(self) -> None:
        if self._pieces.qsize() <= _PIECES // 2:
            for piece in self._splitter.flush():
                if text := speakable(piece):
                    self._pieces.put_nowait(text)

    async def _synthesize(self) -> None:
        pause_ms = 0
        while (text := await self._pieces.get()) is not None:
            await self._roomy.wait()
            try:
                async with asyncio.timeout(self._deadline_s) as limit:
                    await self._say(text, pause_ms, limit)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise DeadlineError(f"{self._host.name} did not finish a sentence within {self._deadline_s:g} s") from None
            pause_ms = _SENTENCE_PAUSE_MS if text.endswith(_SENTENCE_ENDS) else _CLAUSE_PAUSE_MS
        await self._chunks.put(None)

    async def _say(self, text: str, pause_ms: int, limit: asyncio.Timeout) -> None:
        request = TtsRequest(text, self._voice.name, self._speaker)
        cutter = _Cutter(pause_ms)
        async with self._host.slot() as slot, aclosing(slot.iterate(_blocks(slot.engine, request))) as blocks:
            async for block in blocks:
                for chunk in cutter.add(block):
                    await self._put(chunk, limit)
        for chunk in cutter.rest():
            await self._put(chunk, limit)
        if not cutter.heard and has_words(text):
            raise EngineError(f"{self._host.name} made no sound for a sentence of {len(text)} characters with voice {self._voice.name}")

    async def _put(self, chunk: tuple[int, bytes], limit: asyncio.Timeout) -> None:
        if self._chunks.full() and not limit.expired():  # the peer is slow: that is not the engine's time
            limit.reschedule(None)
            await self._chunks.put(chunk)
            limit.reschedule(asyncio.get_running_loop().time() + self._deadline_s)
        else:
            self._chunks.put_nowait(chunk)
        if self._chunks.qsize() > _RESUME_CHUNKS:
            self._roomy.clear()

    async def _send(self) -> None:
        now = asyncio.get_running_loop().time
        begun = first = now()
        rate_hz, samples = 0, 0
        played_at: float | None = None
        while (chunk := await self._next_chunk(rate_hz, played_at)) is not None:
            if not rate_hz:
                rate_hz, first = chunk[0], now()
                await self._peer.send(AudioStart(rate_hz, _WIDTH_BYTES, 1, timestamp=0).event())
            elif chunk[0] != rate_hz:
                raise EngineError(f"{self._host.name} changed its rate from {rate_hz} to {chunk[0]} Hz within one answer")
            await self._peer.send(AudioChunk(rate_hz, _WIDTH_BYTES, 1, chunk[1], timestamp=samples * 1000 // rate_hz).event())
            samples += len(chunk[1]) // _WIDTH_BYTES
            played_at = max(first + samples / rate_hz, now())
        if not rate_hz:
            rate_hz = _SILENT_RATE_HZ
            await self._peer.send(AudioStart(rate_hz, _WIDTH_BYTES, 1, timestamp=0).event())
        await self._peer.send(AudioStop(timestamp=samples * 1000 // rate_hz).event())
        spoken_s, first_ms, all_ms = samples / rate_hz, (first - begun) * 1000, (now() - begun) * 1000
        _LOGGER.info(
            "%s: %.2f s with %s, first sound after %.0f ms, all after %.0f ms",
            self._peer.name,
            spoken_s,
            self._voice.name,
            first_ms,
            all_ms,
        )

    async def _next_chunk(self, rate_hz: int, played_at: float | None) -> tuple[int, bytes] | None:
        """The next finished audio; a little silence when the peer must have played everything a while ago."""
        try:
            async with asyncio.timeout_at(None if played_at is None else played_at + _STARVED_S):
                chunk = await self._chunks.get()
        except TimeoutError:
            return rate_hz, bytes(_bytes_of(_BRIDGE_MS, rate_hz))
        if self._chunks.qsize() <= _RESUME_CHUNKS:
            self._roomy.set()
        return chunk


class _Cutter:
    """Blocks of any size to chunks: small at first, so that sound is heard early, then of 2048 samples."""

    def __init__(self, pause_ms: int) -> None:
        self._pause_ms = pause_ms
        self._pending = bytearray()
        self._rate_hz = 0
        self._size = 0
        self.heard = False

    def add(self, block: AudioBlock) -> Iterator[tuple[int, bytes]]:
        if not self._rate_hz:
            self._rate_hz = block.rate_hz
            self._size = _bytes_of(_FIRST_CHUNK_MS, block.rate_hz)
            self._pending += bytes(_bytes_of(self._pause_ms, block.rate_hz))
        self._pending += block.pcm
        self.heard = self.heard or any(block.pcm)
        while len(self._pending) >= self._size:
            chunk = bytes(self._pending[: self._size])
            del self._pending[: self._size]
            self._size = min(self._size * 2, _CHUNK_BYTES)
            yield self._rate_hz, chunk

    def rest(self) -> Iterator[tuple[int, bytes]]:
        whole = len(self._pending) - len(self._pending) % _WIDTH_BYTES
        if whole:
            yield self._rate_hz, bytes(self._pending[:whole])


def _bytes_of(duration_ms: int, rate_hz: int) -> int:
    return rate_hz * duration_ms // 1000 * _WIDTH_BYTES


def _blocks(engine: TtsEngine, request: TtsRequest) -> Iterator[AudioBlock]:
    """The engine's iterator, made on the slot's thread with its first block."""
    yield from engine.synthesize(request)
