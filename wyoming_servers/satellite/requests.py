"""The three requests of a turn: audio to transcript, transcript to answer, text to speech."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, NotHandled
from wyoming.tts import Synthesize, SynthesizeVoice

from ..shared.audio import RATE_HZ, AudioFormat
from ..shared.client import WyomingClient
from ..shared.errors import InvalidRequestError, PeerError, PeerUnreachableError
from ..shared.tasks import cancel
from .peers import Attempts, Peers
from .utterance import Utterance


@dataclass(frozen=True)
class Answer:
    """What the intent server says to a transcript."""

    text: str
    """To be spoken; empty for nothing."""
    handled: bool
    """False when it did not understand or could not do it."""
    intent: str | None = None
    slots: dict[str, Any] = field(default_factory=dict)
    route: str | None = None
    """How it was understood: `template`, `llm` …; None when the peer does not tell."""
    tool: str | None = None
    """Who answered."""
    llm: dict[str, Any] = field(default_factory=dict)
    """What a language model did for it: model, tokens, milliseconds to the first words."""


@dataclass(frozen=True)
class SpeechBlock:
    """A piece of synthesised speech."""

    pcm: bytes
    source: AudioFormat

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / (self.source.rate_hz * self.source.frame_bytes)


async def transcribe(peers: Peers, utterance: Utterance, language: str, limit_s: float, context: dict[str, Any] | None = None) -> str:
    """The transcript, trimmed. Streams while the utterance grows; another recogniser gets it from its beginning.

    limit_s: counts from the end of the utterance.
    Raises: PeerError, DeadlineError.
    """
    request = Transcribe(language=language, context={**(context or {}), "earshot_end_of_speech": False})  # the satellite finds it
    attempts = Attempts(peers, "asr", may_wait=lambda: not utterance.finished)
    try:
        async with asyncio.timeout(None) as clock, _counting_from_the_end(utterance, clock, limit_s):
            while True:
                try:
                    async with attempts.connection() as client:
                        return await _transcribe(client, utterance, request)
                except PeerError as err:
                    await attempts.failed(err)
    except TimeoutError:
        raise attempts.too_slow(limit_s) from None


async def handle(peers: Peers, text: str, language: str, context: dict[str, Any], limit_s: float) -> Answer:
    """What the intent server answers. A sentence that may have been acted on is not sent a second time.

    limit_s: until the answer, or its first piece, and for each further one.
    Raises: PeerError, DeadlineError.
    """
    attempts = Attempts(peers, "handle")
    sent = False
    try:
        async with asyncio.timeout(limit_s) as clock:
            while True:
                try:
                    async with attempts.connection() as client:
                        sent = True
                        return await _handle(client, Transcript(text=text, language=language, context=context), clock, limit_s)
                except PeerError as err:
                    await attempts.failed(err, may_repeat=not sent)
    except TimeoutError:
        raise attempts.too_slow(limit_s) from None


async def synthesize(peers: Peers, text: str, language: str, limit_s: float) -> AsyncIterator[SpeechBlock]:
    """Speech as it comes; close it (contextlib.aclosing). When a voice fails on the way, another one goes on from about there.

    limit_s: for the first piece, and for each further one.
    Raises: PeerError.
    """
    attempts = Attempts(peers, "tts")
    spoken_s = 0.0
    while True:
        try:
            async with attempts.connection() as client:
                await client.send(Synthesize(text=text, voice=SynthesizeVoice(language=language)).event())
                at_s = 0.0
                async for block in _speech(client, attempts.patience_s(limit_s)):
                    at_s += block.seconds
                    if at_s > spoken_s:
                        spoken_s = at_s
                        yield block
                if not spoken_s:
                    raise PeerError(f"{client.uri} made no sound of {len(text)} characters")
                return
        except PeerError as err:
            await attempts.failed(err)


@asynccontextmanager
async def _counting_from_the_end(utterance: Utterance, clock: asyncio.Timeout, limit_s: float) -> AsyncIterator[None]:
    async def start_the_clock() -> None:
        await utterance.end()
        clock.reschedule(asyncio.get_running_loop().time() + limit_s)

    waiting = asyncio.create_task(start_the_clock(), name="deadline of the transcript")
    try:
        yield
    finally:
        await cancel(waiting)


async def _transcribe(client: WyomingClient, utterance: Utterance, request: Transcribe) -> str:
    async def send_audio() -> None:
        with contextlib.suppress(PeerUnreachableError):  # whoever reads notices as well
            await client.send(request.event())
            await client.send(AudioStart(rate=RATE_HZ, width=2, channels=1).event())
            sent = 0
            async for frame in utterance.frames():
                chunk = AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=frame.tobytes(), timestamp=sent * 1000 // RATE_HZ)
                await client.send(chunk.event())
                sent += len(frame)
            await client.send(AudioStop(timestamp=sent * 1000 // RATE_HZ).event())

    sending = asyncio.create_task(send_audio(), name="audio to the recogniser")
    try:
        while not Transcript.is_type((event := await client.receive(None)).type):
            pass
        return " ".join(_text(event).split())
    finally:
        await cancel(sending)


async def _handle(client: WyomingClient, request: Transcript, clock: asyncio.Timeout, limit_s: float) -> Answer:
    await client.send(request.event())
    while True:
        event = await client.receive(None)
        if HandledStart.is_type(event.type) or HandledChunk.is_type(event.type):
            clock.reschedule(asyncio.get_running_loop().time() + limit_s)
        if Handled.is_type(event.type) or NotHandled.is_type(event.type):
            told = _object(_object(event.data, "context"), "earshot")
            return Answer(
                text=_text(event).strip(),
                handled=Handled.is_type(event.type),
                intent=_name(told, "intent"),
                slots=_object(told, "slots"),
                route=_name(told, "route"),
                tool=_name(told, "tool"),
                llm=_object(_object(told, "data"), "llm"),
            )


async def _speech(client: WyomingClient, limit_s: float) -> AsyncIterator[SpeechBlock]:
    while not AudioStop.is_type((event := await client.receive(limit_s)).type):
        if AudioChunk.is_type(event.type) and event.payload:
            try:
                source = AudioFormat(event.data.get("rate"), event.data.get("width"), event.data.get("channels"))
            except InvalidRequestError as err:
                raise PeerError(f"{client.uri} sends speech that cannot be played: {err}") from None
            yield SpeechBlock(event.payload, source)


def _object(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _name(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _text(event: Event) -> str:
    text = event.data.get("text")
    return text if isinstance(text, str) else ""
