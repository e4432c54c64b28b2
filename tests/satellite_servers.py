"""Servers that follow a script: a wake word server, a recogniser, an intent server and a voice, as a satellite's peers."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import (
    Artifact,
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    TtsProgram,
    TtsVoice,
    WakeModel,
    WakeProgram,
)
from wyoming.wake import Detection

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import RATE_HZ
from wyoming_servers.shared.service import Peer, Service, Session

PATIENCE_S = 60.0
"""On the satellite's clock: what has not happened by then will not happen."""
HANG = object()
HANG_UP = object()
_BY = {"attribution": Attribution("tests", ""), "installed": True, "description": "", "version": "1"}


@dataclasses.dataclass(frozen=True)
class Late:
    """A reply that takes its time."""

    after_s: float
    reply: Any


class _Scripted(Service):
    """A server that answers each request with the next line of its script."""

    def __init__(self, *script: Any) -> None:
        """Each entry: a reply, `HANG` (never answers), or `HANG_UP` (closes the connection)."""
        self.script = list(script)
        self.requests: list[Any] = []
        self.asked = asyncio.Event()
        self.cancelled = asyncio.Event()
        """Set when nobody waits for a reply any more that hangs."""

    async def reply(self, request: Any) -> Any:
        self.requests.append(request)
        self.asked.set()
        line = self.script.pop(0) if self.script else ""
        if isinstance(line, Late):
            await asyncio.sleep(line.after_s)
            line = line.reply
        if line is HANG:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        if line is HANG_UP:
            raise ConnectionResetError
        return line


class ScriptedVoice(_Scripted):
    """A voice that makes one sound of every text; `HANG_UP` comes after half of it. `languages` are those it was asked for."""

    kind = "tts"
    events = frozenset({"synthesize"})
    SOUND = np.resize(np.arange(-3000, 3000, 17, dtype=np.int16), PLAYBACK_RATE_HZ)

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.languages: list[str] = []
        self.sound = self.SOUND

    def sound_of(self, text: str) -> np.ndarray:
        """What it makes of a text, (n,) int16."""
        return self.sound if text.strip() else self.sound[:0]

    def programs(self) -> Sequence[Artifact]:
        return [TtsProgram(name="scripted", voices=[TtsVoice(name="scripted", languages=["en"], **_BY)], **_BY)]

    def session(self, peer: Peer) -> Session:
        return _VoiceSession(self, peer)


class TwoSoundsVoice(ScriptedVoice):
    """A voice that makes another sound of single words than of sentences."""

    def sound_of(self, text: str) -> np.ndarray:
        return self.sound if " " in text else self.sound[: len(self.sound) // 2] // 2


class _VoiceSession(Session):
    busy = False

    def __init__(self, service: ScriptedVoice, peer: Peer) -> None:
        self._service = service
        self._peer = peer

    async def handle(self, event: Event) -> None:
        spoken = self._service.sound_of(event.data["text"])
        half = len(spoken) // 2
        sound = {"rate": PLAYBACK_RATE_HZ, "width": 2, "channels": 1}
        self._service.languages.append((event.data.get("voice") or {}).get("language", ""))
        await self._peer.send(AudioStart(**sound).event())
        await self._peer.send(AudioChunk(audio=spoken[:half].tobytes(), **sound).event())
        await self._service.reply(event.data["text"])
        await self._peer.send(AudioChunk(audio=spoken[half:].tobytes(), **sound).event())
        await self._peer.send(AudioStop().event())


class ScriptedWake(Service):
    """A wake word server that takes any sound for one: it says when that word of `word_s` ended, but says it `late_s` afterwards."""

    kind = "wake"
    events = frozenset({"detect"})
    takes_audio = True

    def __init__(self, word_s: float, late_s: float) -> None:
        self.word = round(word_s * RATE_HZ)
        self.late = round(late_s * RATE_HZ)

    def programs(self) -> Sequence[Artifact]:
        model = WakeModel(name="scripted", languages=["en"], phrase="any sound", **_BY)
        return [WakeProgram(name="scripted", models=[model], **_BY)]

    def session(self, peer: Peer) -> Session:
        return _WakeSession(self, peer)


class ToldWake(ScriptedWake):
    """A wake word server that hears a wake word when the test says so, in the sound it has got; `samples` of it so far."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0)
        self.samples = 0
        self.peers: list[Peer] = []
        self._grown = asyncio.Event()

    def session(self, peer: Peer) -> Session:
        self.peers.append(peer)
        return _ToldWakeSession(self, peer)

    async def hears(self, name: str = "okay_nabu") -> None:
        """The wake word ends now."""
        await self.peers[-1].send(Detection(name=name).event())

    def add(self, samples: int) -> None:
        """So much more sound."""
        self.samples += samples
        self._grown.set()

    async def grows(self) -> None:
        """Waits for more sound."""
        self._grown.clear()
        async with asyncio.timeout(PATIENCE_S):
            await self._grown.wait()


class _ToldWakeSession(Session):
    busy = False

    def __init__(self, service: ToldWake, peer: Peer) -> None:
        self._service = service
        self._peer = peer

    async def handle(self, event: Event) -> None:
        if event.type == "audio-chunk":
            self._service.add(len(event.payload or b"") // 2)


class _WakeSession(Session):
    busy = False

    def __init__(self, service: ScriptedWake, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._samples = 0
        self._end: int | None = None
        self._told = False

    async def handle(self, event: Event) -> None:
        if event.type != "audio-chunk":
            return
        loud = np.flatnonzero(np.abs(np.frombuffer(event.payload or b"", "<i2").astype(int)) > 150)
        if self._end is None and len(loud):
            self._end = self._samples + int(loud[0]) + self._service.word
        self._samples += len(event.payload or b"") // 2
        if self._end is not None and self._samples >= self._end + self._service.late and not self._told:
            self._told = True
            await self._peer.send(Detection(name="scripted", timestamp=self._end * 1000 // RATE_HZ).event())


class ScriptedAsr(_Scripted):
    """A recogniser; `requests` are the utterances it got, as (n,) int16.

    Of one utterance it was sent more and more of, it says the same line, and only the longest counts as a request.
    """

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True

    def programs(self) -> Sequence[Artifact]:
        return [AsrProgram(name="scripted", models=[AsrModel(name="scripted", languages=["en"], **_BY)], **_BY)]

    def session(self, peer: Peer) -> Session:
        return _AsrSession(self, peer)

    async def reply(self, request: np.ndarray) -> Any:
        before = self.requests[-1] if self.requests else None
        if before is not None and len(before) < len(request) and np.array_equal(before, request[: len(before)]):
            self.requests.pop()
            self.script.insert(0, self._said)
        self._said = self.script[0] if self.script else ""
        return await super().reply(request)


class _AsrSession(Session):
    busy = False

    def __init__(self, service: ScriptedAsr, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._pcm = b""

    async def handle(self, event: Event) -> None:
        if event.type == "audio-chunk":
            self._pcm += event.payload or b""
        elif event.type == "audio-stop":
            text = await self._service.reply(np.frombuffer(self._pcm, "<i2"))
            await self._peer.send(Transcript(text=text).event())


@dataclasses.dataclass(frozen=True)
class Reply:
    """What the scripted intent server answers."""

    text: str
    intent: str | None = "Test"
    handled: bool = True
    ask: str | None = None
    """What it asks for."""


class ScriptedHandle(_Scripted):
    """An intent server with timers on command; `requests` are the `transcript` events' data."""

    kind = "handle"
    events = frozenset({"transcript", "earshot-subscribe", "earshot-acknowledge", "earshot-dismiss", "earshot-spoken", "earshot-woken"})

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.links: list[Peer] = []
        self.told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.unheard: set[str] = set()
        self.spoken: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.woken: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.subscribed = asyncio.Event()

    def programs(self) -> Sequence[Artifact]:
        return [HandleProgram(name="scripted", models=[HandleModel(name="scripted", languages=["en"], **_BY)], **_BY)]

    def session(self, peer: Peer) -> Session:
        return _HandleSession(self, peer)

    async def finish_timer(self, timer_id: str, text: str, **more: Any) -> None:
        """A timer ends."""
        async with asyncio.timeout(PATIENCE_S):
            await self.subscribed.wait()
        await self.links[-1].send(
            Event("timer-finished", {"id": timer_id, "name": None, "text": text, "late_s": 0, "total_seconds": 1, **more})
        )

    async def say(self, text: str, **more: Any) -> None:
        """Has a sentence spoken."""
        async with asyncio.timeout(PATIENCE_S):
            await self.subscribed.wait()
        await self.links[-1].send(Event("earshot-say", {"text": text, **more}))

    async def switch_microphone(self, *, off: bool) -> None:
        """Switches the satellite's microphone."""
        async with asyncio.timeout(PATIENCE_S):
            await self.subscribed.wait()
        await self.links[-1].send(Event("earshot-microphone", {"muted": off}))

    async def cancel_timer(self, timer_id: str) -> None:
        """A timer is cancelled elsewhere."""
        await self.links[-1].send(Event("timer-cancelled", {"id": timer_id}))


class _HandleSession(Session):
    busy = False

    def __init__(self, service: ScriptedHandle, peer: Peer) -> None:
        self._service = service
        self._peer = peer

    async def handle(self, event: Event) -> None:
        if event.type == "earshot-subscribe":
            self._service.links.append(self._peer)
            await self._peer.send(Event("earshot-subscribed", {"satellite_id": event.data["satellite_id"], "timers": []}))
            self._service.subscribed.set()
        elif event.type == "transcript":
            reply = await self._service.reply(event.data)
            reply = Reply(reply) if isinstance(reply, str) else reply
            context = {"earshot": {"intent": reply.intent, "slots": {}, **({"ask": reply.ask} if reply.ask else {})}}
            answer = Handled if reply.handled else NotHandled
            await self._peer.send(answer(text=reply.text, context=context).event())
        elif event.type == "earshot-woken":
            self._service.woken.put_nowait(event.data)
        elif event.type == "earshot-spoken":
            self._service.spoken.put_nowait(event.data)
        else:
            if event.data.get("unheard"):
                self._service.unheard.add(event.data["id"])
            self._service.told.put_nowait((event.type, event.data["id"]))
