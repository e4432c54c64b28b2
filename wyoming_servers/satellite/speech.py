"""The third request of a turn: text to speech, also of a text that is still being written."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.ping import Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from ..shared.audio import AudioFormat
from ..shared.client import CONNECT_TIMEOUT_S, WyomingClient
from ..shared.errors import InvalidRequestError, PeerError, PeerUnreachableError
from ..shared.sentences import Splitter
from ..shared.tasks import cancel
from .peers import Attempts, Peers
from .wording import Wording

_LOGGER = logging.getLogger(__name__)
_FALLBACK = "fallback"  # in the `audio-stop` of our voices
_OWED_PIECES = 2
"""Sentences without a sound after which a voice is late: some wait for the beginning of the next before they speak one."""


@dataclass(frozen=True)
class SpeechBlock:
    """A piece of synthesised speech."""

    pcm: bytes
    source: AudioFormat
    from_memory: bool = False
    """True when it was kept from an earlier answer, and no voice was asked for it."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / (self.source.rate_hz * self.source.frame_bytes)


async def synthesize(peers: Peers, text: str | Wording, language: str, limit_s: float) -> AsyncIterator[SpeechBlock]:
    """Speech as it comes; close it (contextlib.aclosing). When a voice fails on the way, another one goes on from about there.

    What the voice to be asked has said before, word for word, comes from memory, and so does what another one has when none can be asked.
    text: a Wording is spoken while it grows; by voices that cannot, sentence by sentence.
    limit_s: for the first piece, and for each further one, as far as the text for it is there.
    Raises: PeerError.
    """
    wording = Wording(text) if isinstance(text, str) else text
    while known := _said_before(peers, wording, language):
        wording = wording.rest()
        yield known
        await wording.begun()
        if not wording.text.strip():
            return
    heard = False
    try:
        async with aclosing(_asked(peers, wording, language, limit_s)) as blocks:
            async for block in blocks:
                heard = True
                yield block
    except PeerError as err:
        known = None if heard or not wording.finished else peers.said.find_old(language, wording.text)
        if not known:
            raise
        _LOGGER.warning("%s; the answer is heard as it was spoken before", err)
        yield known


def _said_before(peers: Peers, wording: Wording, language: str) -> SpeechBlock | None:
    """The whole text so far, when it is known to end here, or ends like a sentence: more of it can be spoken as another one."""
    if not (wording.finished or _ends_a_sentence(wording.text, language)):
        return None
    if voice := peers.available("tts"):
        return peers.said.find(voice, language, wording.text)
    if old := peers.said.find_old(language, wording.text):
        _LOGGER.warning("there is no voice; the answer is heard as it was spoken before")
    return old


def _ends_a_sentence(text: str, language: str) -> bool:
    splitter = Splitter(language)
    splitter.feed(text)
    return splitter.may_have_ended or not splitter.finish()


async def _asked(peers: Peers, wording: Wording, language: str, limit_s: float) -> AsyncIterator[SpeechBlock]:
    attempts = Attempts(peers, "tts")
    spoken_s = 0.0
    while True:
        try:
            async with attempts.connection() as client, aclosing(_spoken(client, attempts, wording, language, limit_s)) as blocks:
                recording = None if spoken_s else peers.said.record(attempts.peer, language, wording)
                at_s = 0.0
                async for block in blocks:
                    if recording:
                        recording.add(block)
                    at_s += block.seconds
                    if at_s > spoken_s:
                        spoken_s = at_s
                        attempts.went_on()
                        yield block
                if recording and not attempts.stood_in:
                    recording.complete()
            if not spoken_s and wording.text.strip():
                raise PeerError(f"{client.uri} made no sound of {len(wording.text)} characters")
            return
        except PeerError as err:
            await attempts.failed(err)


def _spoken(client: WyomingClient, attempts: Attempts, wording: Wording, language: str, limit_s: float) -> AsyncIterator[SpeechBlock]:
    """The whole text, once, by one voice."""
    if wording.finished:
        return _whole(client, attempts, wording.text, language, limit_s)
    if attempts.speaks_streams:
        return _streamed(client, attempts, wording, language, limit_s)
    return _by_sentence(client, attempts, wording, language, limit_s)


async def _whole(client: WyomingClient, attempts: Attempts, text: str, language: str, limit_s: float) -> AsyncIterator[SpeechBlock]:
    await client.send(Synthesize(text=text, voice=SynthesizeVoice(language=language)).event())
    debt = _Debt(attempts, language, limit_s, ended=True)
    while not AudioStop.is_type((event := await debt.paid(client)).type):
        if block := _block(client, event):
            yield block
    attempts.paid()


async def _by_sentence(
    client: WyomingClient, attempts: Attempts, wording: Wording, language: str, limit_s: float
) -> AsyncIterator[SpeechBlock]:
    """One request for each sentence, or for as many as were written meanwhile. Some servers hang up after each."""
    fresh = True
    async for text in _sentences(wording, language):
        connected = contextlib.nullcontext(client) if fresh else await WyomingClient.connect(client.uri, CONNECT_TIMEOUT_S)
        fresh = False
        async with connected as once, aclosing(_whole(once, attempts, text, language, limit_s)) as blocks:
            async for block in blocks:
                yield block


async def _sentences(wording: Wording, language: str) -> AsyncIterator[str]:
    splitter = Splitter(language, first_clause=True)
    async for fragment in wording.fragments():
        if pieces := splitter.feed(fragment):
            yield " ".join(pieces)
    if pieces := splitter.finish():
        yield " ".join(pieces)


async def _streamed(
    client: WyomingClient, attempts: Attempts, wording: Wording, language: str, limit_s: float
) -> AsyncIterator[SpeechBlock]:
    debt = _Debt(attempts, language, limit_s)

    async def send_text() -> None:
        with contextlib.suppress(PeerUnreachableError):  # whoever reads notices as well
            await client.send(SynthesizeStart(voice=SynthesizeVoice(language=language)).event())
            async for fragment in wording.fragments():
                await client.send(SynthesizeChunk(text=fragment).event())
                debt.add(fragment)
            await client.send(SynthesizeStop().event())
            debt.end()

    sending = asyncio.create_task(send_text(), name="text to the voice")
    try:
        while not SynthesizeStopped.is_type((event := await debt.paid(client)).type):
            if block := _block(client, event):
                yield block
    finally:
        await cancel(sending)


class _Debt:
    """Whether a voice owes sound for text that it was given: only then a deadline runs."""

    def __init__(self, attempts: Attempts, language: str, limit_s: float, *, ended: bool = False) -> None:
        """ended: True when it has the whole text."""
        self._attempts = attempts
        self._splitter = Splitter(language)
        self._limit_s = limit_s
        self._pieces = 0
        self._ended = ended
        self._clock: asyncio.Timeout | None = None

    @property
    def _due_at(self) -> float | None:
        return self._attempts.owed(self._limit_s) if self._ended or self._pieces >= _OWED_PIECES else None

    def add(self, fragment: str) -> None:
        """The voice was given this."""
        self._pieces += len(self._splitter.feed(fragment))
        self._hurry()

    def end(self) -> None:
        """The voice was told that nothing more comes."""
        self._ended = True
        self._hurry()

    async def paid(self, client: WyomingClient) -> Event:
        """The next event from the voice; that it is there (`pong`) does not count.

        Raises: PeerUnreachableError when it owes sound for too long; as `WyomingClient.receive`.
        """
        try:
            async with asyncio.timeout_at(self._due_at) as self._clock:
                while Pong.is_type((event := await client.receive(None)).type):
                    pass
        except TimeoutError:
            raise PeerUnreachableError(f"{client.uri} made no sound in time (satellite.tts_s is {self._limit_s:g})") from None
        finally:
            self._clock = None
        if AudioStop.is_type(event.type) and event.data.get(_FALLBACK) is True:
            self._attempts.stood_in = True
        if event.payload:
            self._pieces = 0
            if self._ended:
                self._attempts.alive()
            else:
                self._attempts.paid()
        return event

    def _hurry(self) -> None:
        if self._clock is not None:
            self._clock.reschedule(self._due_at)


def _block(client: WyomingClient, event: Event) -> SpeechBlock | None:
    """Raises: PeerError for sound of a kind that nothing here plays."""
    if not (AudioChunk.is_type(event.type) and event.payload):
        return None
    try:
        source = AudioFormat(event.data.get("rate"), event.data.get("width"), event.data.get("channels"))
    except InvalidRequestError as err:
        raise PeerError(f"{client.uri} sends speech that cannot be played: {err}") from None
    return SpeechBlock(event.payload, source)
