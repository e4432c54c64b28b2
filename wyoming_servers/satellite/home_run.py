"""One run of Home Assistant's pipeline, and one piece of speech that it sends."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable

from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event

from ..shared.audio import RATE_HZ, AudioFormat
from ..shared.errors import AssistantError, InvalidRequestError, PeerError
from ..shared.protocol import encode_event
from ..shared.service import Peer
from .speech import SpeechBlock

_LOGGER = logging.getLogger(__name__)
_MOST_BYTES = 32 * 1024 * 1024  # 12 minutes of 22 050 Hz: Home Assistant sends as fast as it can, and must not be made to wait
_GAP_S = 30.0  # between two pieces of one answer: a language model may use a tool meanwhile


class HomeLostError(PeerError):
    """Home Assistant has gone away, or says nothing, in the middle of a turn."""

    code = "home-assistant-lost"


class HomeFailedError(PeerError):
    """Home Assistant has answered with an error."""

    code = "home-assistant-error"

    def __init__(self, text: str, error_code: str) -> None:
        """error_code: Home Assistant's own."""
        super().__init__(text)
        self.error_code = error_code


class DisplacedError(PeerError):
    """An announcement took the place of a run."""

    code = "home-assistant-announces"

    def __init__(self, speech: "HomeSpeech") -> None:
        """speech: the announcement."""
        super().__init__("Home Assistant made an announcement")
        self.speech = speech


class HomeSpeech:
    """Takes speech as fast as it comes; is read at the loudspeaker's pace."""

    def __init__(self, send_played: Callable[[], None]) -> None:
        """send_played: tells Home Assistant that it has been heard; called exactly once."""
        self._send_played = send_played
        self._blocks: deque[SpeechBlock] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._finished = False
        self._over = asyncio.Event()

    def take(self, event: Event) -> None:
        """Adds an audio-chunk. What is not sound that can be played is left out."""
        pcm = event.payload
        if not pcm or self._finished or self._over.is_set():
            return
        try:
            source = AudioFormat(event.data.get("rate"), event.data.get("width"), event.data.get("channels"))
        except InvalidRequestError as err:
            _LOGGER.warning("Home Assistant sends speech that cannot be played: %s", err)
            self.finish()
            return
        if self._bytes + len(pcm) > _MOST_BYTES:
            _LOGGER.warning("Home Assistant says too much at once: what is longer than %d MB is not played", _MOST_BYTES // 1024**2)
            self.finish()
            return
        self._bytes += len(pcm)
        self._blocks.append(SpeechBlock(pcm, source))
        self._changed.set()

    def finish(self) -> None:
        """Nothing more comes."""
        self._finished = True
        self._changed.set()

    async def blocks(self) -> AsyncIterator[SpeechBlock]:
        """The speech; ends with it, or when nothing comes for 30 s."""
        while True:
            while self._blocks:
                block = self._blocks.popleft()
                self._bytes -= len(block.pcm)
                yield block
            if self._finished:
                return
            self._changed.clear()
            try:
                async with asyncio.timeout(_GAP_S):
                    await self._changed.wait()
            except TimeoutError:
                _LOGGER.warning("Home Assistant has sent no sound for %g s in the middle of a sentence", _GAP_S)
                return

    def played(self) -> None:
        """Its last sample has been heard, or nobody will hear it."""
        if not self._over.is_set():
            self._over.set()
            self._blocks.clear()
            self._send_played()

    async def over(self) -> None:
        """Waits until it has been heard."""
        await self._over.wait()


def tell(peer: Peer, event: Event) -> None:
    """Sends a small event without waiting."""
    if not peer.gone:
        peer.send_soon(encode_event(event))


class PipelineRun:
    """From run-pipeline to the answer. Made by the link, driven by one turn."""

    def __init__(self, peer: Peer, *, behind_another: bool = False, heard_elsewhere: bool = False) -> None:
        """behind_another: an older run may still send something, up to the moment when this one is transcribed.
        heard_elsewhere: Home Assistant has the microphone already; this run sends no sound of its own."""
        self._peer = peer
        self._events: asyncio.Queue[Event | AssistantError | HomeSpeech] = asyncio.Queue()
        self.heard_elsewhere = heard_elsewhere
        self._hushed = asyncio.Event()
        self.transcribing = not behind_another
        """True once what comes is certainly this run's."""
        self.transcribed = False
        self.text = ""
        """What Home Assistant says it will speak."""
        self.speech: HomeSpeech | None = None
        """The answer, from its audio-start on."""
        self.closed = False

    def take(self, event: Event) -> None:
        """Something that Home Assistant says about this run."""
        if event.type == "transcribe":
            self.transcribing = True
        if event.type == "transcript":
            self.transcribed = True
        if event.type == "synthesize" and isinstance(text := event.data.get("text"), str):
            self.text = text
        if event.type in ("transcript", "voice-stopped", "error"):
            self._hushed.set()
        self._events.put_nowait(event)

    def answered(self, speech: HomeSpeech) -> None:
        """The answer begins."""
        self.speech = speech
        self._events.put_nowait(Event("audio-start"))

    def displaced(self, speech: HomeSpeech) -> None:
        """Home Assistant has given the run up for an announcement."""
        self._hushed.set()
        self._events.put_nowait(speech)

    def fail(self, error: AssistantError) -> None:
        """It will not be answered; counts once everything before it was taken."""
        self._hushed.set()
        self._events.put_nowait(error)

    async def next(self) -> Event:
        """What Home Assistant says next.

        Raises: HomeLostError, AssistantError; DisplacedError when an announcement took its place.
        """
        found = await self._events.get()
        if isinstance(found, HomeSpeech):
            raise DisplacedError(found)
        if isinstance(found, AssistantError):
            raise found
        return found

    @property
    def hushed(self) -> bool:
        """True once nothing more of the user is sent."""
        return self._hushed.is_set()

    async def until_hushed(self) -> None:
        """Waits until nothing more of the user is sent."""
        await self._hushed.wait()

    async def send(self, pcm: bytes, timestamp_ms: int) -> None:
        """Sends 16 kHz mono sound of the user.

        Raises: HomeLostError.
        """
        if self.heard_elsewhere or self.hushed:
            return
        try:
            await self._peer.send(AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=pcm, timestamp=timestamp_ms).event())
        except (OSError, AssistantError) as err:
            raise HomeLostError(f"Home Assistant takes no sound: {err}") from None

    def stop_audio(self) -> None:
        """The user has finished: tells Home Assistant so, unless it knows."""
        if not self.hushed:
            self._hushed.set()
            tell(self._peer, AudioStop().event())

    def close(self) -> None:
        """Whatever still comes of it is for nobody."""
        self.closed = True
        self._hushed.set()
        if self.speech:
            self.speech.played()


def failure(event: Event) -> HomeFailedError:
    """Home Assistant's `error` as ours."""
    text, code = str(event.data.get("text") or ""), str(event.data.get("code") or "")
    return HomeFailedError(f"Home Assistant: {text[:200] or code or 'an error without a text'}", code[:60])
