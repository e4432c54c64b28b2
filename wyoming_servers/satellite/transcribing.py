"""The first request of a turn: audio to transcript, while the user speaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from ..shared.audio import RATE_HZ
from ..shared.client import WyomingClient
from ..shared.errors import PeerError, PeerUnreachableError
from ..shared.tasks import cancel
from .peers import Attempts, Peers
from .utterance import Take


@dataclass(frozen=True)
class Heard:
    """What a recogniser made of the words."""

    text: str
    """Trimmed; empty when it understood nothing."""
    begun: bool = False
    """True when it heard but the beginning of a sentence, to which `text` is the nearest whole one."""


async def transcribe(
    peers: Peers, words: Take, language: str, limit_s: float, context: dict[str, Any] | None = None, terms: Sequence[str] = ()
) -> Heard:
    """The transcript. Streams while the user speaks; another recogniser gets the words from their beginning.

    limit_s: counts from the end of the words. terms: what is probably said.
    Raises: PeerError, DeadlineError.
    """
    known = {**(context or {}), "earshot_end_of_speech": False}  # the satellite finds it
    request = Transcribe(language=language, context=known, transcript_terms=list(terms) or None)
    attempts = Attempts(peers, "asr", may_wait=lambda: not words.finished)
    try:
        async with asyncio.timeout(None) as clock, _counting_from_the_end(words, clock, limit_s):
            while True:
                try:
                    async with attempts.connection() as client:
                        return await _transcribe(client, words, request)
                except PeerError as err:
                    await attempts.failed(err)
    except TimeoutError:
        raise attempts.too_slow(limit_s) from None


@asynccontextmanager
async def _counting_from_the_end(words: Take, clock: asyncio.Timeout, limit_s: float) -> AsyncIterator[None]:
    async def start_the_clock() -> None:
        await words.end()
        clock.reschedule(asyncio.get_running_loop().time() + limit_s)

    waiting = asyncio.create_task(start_the_clock(), name="deadline of the transcript")
    try:
        yield
    finally:
        await cancel(waiting)


async def _transcribe(client: WyomingClient, words: Take, request: Transcribe) -> Heard:
    async def send_audio() -> None:
        with contextlib.suppress(PeerUnreachableError):  # whoever reads notices as well
            await client.send(request.event())
            await client.send(AudioStart(rate=RATE_HZ, width=2, channels=1).event())
            sent = 0
            async for frame in words.frames():
                chunk = AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=frame.tobytes(), timestamp=sent * 1000 // RATE_HZ)
                await client.send(chunk.event())
                sent += len(frame)
            await client.send(AudioStop(timestamp=sent * 1000 // RATE_HZ).event())

    sending = asyncio.create_task(send_audio(), name="audio to the recogniser")
    try:
        while not Transcript.is_type((event := await client.receive(None)).type):
            pass
        text, context = event.data.get("text"), event.data.get("context")
        told = context.get("earshot") if isinstance(context, dict) else None
        begun = isinstance(told, dict) and bool(told.get("begun"))
        return Heard(" ".join(text.split()) if isinstance(text, str) else "", begun)
    finally:
        await cancel(sending)
