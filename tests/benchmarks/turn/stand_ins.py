"""Engines that take their time and nothing else: real Wyoming servers that follow a profile, know what is said, and log what they do."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop
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
from wyoming.tts import SynthesizeStopped
from wyoming.wake import Detection

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import RATE_HZ
from wyoming_servers.shared.sentences import Splitter
from wyoming_servers.shared.service import Peer, Service, Session
from wyoming_servers.shared.tasks import TaskOwner

from .coding import marked, runs
from .profile import PIECE_S, Profile
from .spoken import Saying

WAKE_SOUND = 255
"""The number of the wake word's sound."""
SPEECH_PER_TOKEN_S = 0.3
"""A word is a token here, and is spoken in this time."""
_BY = {"attribution": Attribution("bench", ""), "installed": True, "description": "", "version": "1"}


@dataclass(frozen=True)
class Answer:
    """What the house answers to one text."""

    text: str
    by: str = "intent"
    """intent: a template; llm: a model writes it; tool: a model calls a tool whose sentence it is."""


@dataclass
class Busy:
    """One piece of work of one engine."""

    kind: str
    what: str
    begin: float
    end: float = 0.0
    used: bool = False
    """False when it was given up."""


@dataclass
class House:
    """What the stand-ins share: how quick they are, what is said and answered, and what they did."""

    profile: Profile
    sayings: Mapping[int, Saying]
    answers: Mapping[str, Answer]
    work: list[Busy] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    """Texts that were carried out, in order."""
    spoken: dict[int, str] = field(default_factory=dict)
    """Texts by the number of their sound."""

    @asynccontextmanager
    async def busy(self, kind: str, what: str) -> AsyncIterator[None]:
        """Logs work from begin to end."""
        now = asyncio.get_running_loop().time
        work = Busy(kind, what, now())
        self.work.append(work)
        try:
            yield
            work.used = True
        finally:
            work.end = now()


class _StandIn(Service):
    def __init__(self, house: House, slots: int = 1) -> None:
        self.house = house
        self.slots = asyncio.Semaphore(slots)


class _Session(Session):
    """Answers in a task of its own, so that a further event is taken at once."""

    def __init__(self, service: _StandIn, peer: Peer) -> None:
        self.service = service
        self.house = service.house
        self.peer = peer
        self.owner = TaskOwner()
        self.waiting = 0

    @property
    def busy(self) -> bool:
        return self.waiting > 0

    def answer(self, work, name: str) -> None:
        """Starts the work that answers a request."""
        self.waiting += 1
        self.owner.start(self._answer(work), name)

    async def _answer(self, work) -> None:
        try:
            await work
        except Exception as err:
            self.peer.fail(err)
        finally:
            self.waiting -= 1

    async def close(self) -> None:
        await self.owner.close()


class WakeStandIn(_StandIn):
    """Hears the wake word the moment its sound ends."""

    kind = "wake"
    events = frozenset({"detect"})
    takes_audio = True

    def programs(self) -> Sequence[Artifact]:
        return [WakeProgram(name="bench", models=[WakeModel(name="bench", languages=["en"], phrase="bench", **_BY)], **_BY)]

    def session(self, peer: Peer) -> Session:
        return _WakeSession(self, peer)


class _WakeSession(_Session):
    _heard = np.empty(0, np.int16)
    _position = 0

    async def handle(self, event: Event) -> None:
        if not AudioChunk.is_type(event.type):
            return
        samples = np.frombuffer(event.payload, "<i2")
        self._heard = np.concatenate((self._heard, samples))
        self._position += len(samples)
        word = self.house.sayings[WAKE_SOUND]
        for run in runs(self._heard):
            if run.sound == WAKE_SOUND and run.begin + run.samples >= len(word.samples):
                at = self._position - len(self._heard) + run.at + run.samples
                await self.peer.send(Detection(name="bench", timestamp=at * 1000 // RATE_HZ).event())
                self._heard = self._heard[run.at + run.samples :]
                return
        self._heard = self._heard[-2 * len(word.samples) :]


class AsrStandIn(_StandIn):
    """Knows by the marks which words it was sent."""

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True

    def programs(self) -> Sequence[Artifact]:
        return [AsrProgram(name="bench", models=[AsrModel(name="bench", languages=["en"], **_BY)], **_BY)]

    def session(self, peer: Peer) -> Session:
        return _AsrSession(self, peer)


class _AsrSession(_Session):
    def __init__(self, service: _StandIn, peer: Peer) -> None:
        super().__init__(service, peer)
        self._heard: list[np.ndarray] = []

    async def handle(self, event: Event) -> None:
        if AudioStart.is_type(event.type):
            self._heard = []
        elif AudioChunk.is_type(event.type):
            self._heard.append(np.frombuffer(event.payload, "<i2"))
        elif AudioStop.is_type(event.type):
            heard, self._heard = self._heard, []
            self.answer(self._transcribe(np.concatenate(heard) if heard else np.empty(0, np.int16)), "transcribe")

    async def _transcribe(self, samples: np.ndarray) -> None:
        text, asr = heard_text(samples, self.house.sayings), self.house.profile.asr
        async with self.service.slots, self.house.busy("asr", text):
            work = asyncio.ensure_future(asyncio.sleep(asr.cost_s(len(samples) / RATE_HZ)))
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                if not asr.abortable:
                    await work  # the slot is free when the engine is
                raise
        await self.peer.send(Transcript(text=text).event())


def heard_text(samples: np.ndarray, sayings: Mapping[int, Saying]) -> str:
    """The words that are in (n,) int16 at 16 kHz."""
    said = [sayings[run.sound].heard(run.begin, run.begin + run.samples) for run in runs(samples) if run.sound not in (WAKE_SOUND,)]
    return " ".join(filter(None, said))


class HandleStandIn(_StandIn):
    """Templates, and a language model that writes as quickly as the profile says."""

    kind = "handle"
    events = frozenset({"transcript"})

    def programs(self) -> Sequence[Artifact]:
        model = HandleModel(name="bench", languages=["en"], **_BY)
        return [HandleProgram(name="bench", models=[model], supports_handled_streaming=True, **_BY)]

    def session(self, peer: Peer) -> Session:
        return _HandleSession(self, peer)


class _HandleSession(_Session):
    async def handle(self, event: Event) -> None:
        self.answer(self._handle(Transcript.from_event(event).text), "handle")

    async def _handle(self, text: str) -> None:
        house, profile = self.house, self.house.profile
        answer = house.answers.get(text)
        async with house.busy("intent", text):
            await asyncio.sleep(profile.intent_s)
        if answer is None:
            await self.peer.send(Handled(text="").event())
            return
        if answer.by == "intent" or profile.llm is None:
            house.effects.append(text)
            await self._send(answer.text)
            return
        async with self.service.slots, house.busy("llm", text):
            await self._read(text)
            if answer.by == "tool":
                await asyncio.sleep(profile.llm.tool_tokens / profile.llm.decode_per_s)
                house.effects.append(text)
                await self._send(answer.text)
            else:
                await self._write(answer.text)

    async def _read(self, text: str) -> None:
        """Reads what of the prompt is not in the cache yet. The system prompt was read at the start."""
        llm = self.house.profile.llm
        assert llm is not None
        await asyncio.sleep(llm.first_s + len(text.split()) / llm.prefill_per_s)

    async def _write(self, text: str) -> None:
        llm = self.house.profile.llm
        assert llm is not None
        await self.peer.send(HandledStart().event())
        words = text.split()
        for at, word in enumerate(words):
            await asyncio.sleep(1 / llm.decode_per_s)
            await self.peer.send(HandledChunk(text=word if at == 0 else f" {word}").event())
        await self.peer.send(Handled(text=text).event())
        await self.peer.send(HandledStop().event())

    async def _send(self, text: str) -> None:
        for event in (HandledStart(), HandledChunk(text=text), Handled(text=text), HandledStop()):
            await self.peer.send(event.event())


class TtsStandIn(_StandIn):
    """Speaks tones whose samples say which text they belong to."""

    kind = "tts"
    events = frozenset({"synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"})

    def programs(self) -> Sequence[Artifact]:
        voice = TtsVoice(name="bench", languages=["en"], **_BY)
        return [TtsProgram(name="bench", voices=[voice], supports_synthesize_streaming=True, **_BY)]

    def session(self, peer: Peer) -> Session:
        return _TtsSession(self, peer)


class _TtsSession(_Session):
    def __init__(self, service: _StandIn, peer: Peer) -> None:
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
        tts = self.house.profile.tts
        speech_s = max(1, len(text.split())) * SPEECH_PER_TOKEN_S
        number = len(self.house.spoken) % WAKE_SOUND
        self.house.spoken[number] = text
        sound = tone(number, speech_s)
        step = round(PIECE_S * PLAYBACK_RATE_HZ) if tts.pieces == "clause" else len(sound)
        async with self.service.slots, self.house.busy("tts", text):
            await asyncio.sleep(tts.fixed_s)
            for first in range(0, len(sound), step):
                piece = sound[first : first + step]
                await asyncio.sleep(tts.rtf * len(piece) / PLAYBACK_RATE_HZ)
                await self.peer.send(AudioChunk(rate=PLAYBACK_RATE_HZ, width=2, channels=1, audio=piece.astype("<i2").tobytes()).event())


_START = AudioStart(rate=PLAYBACK_RATE_HZ, width=2, channels=1).event()


def tone(number: int, speech_s: float) -> np.ndarray:
    """The sound of one text: (n,) int16 at PLAYBACK_RATE_HZ, audible from its first sample."""
    times = np.arange(round(speech_s * PLAYBACK_RATE_HZ)) / PLAYBACK_RATE_HZ
    samples = 6000 * np.cos(2 * np.pi * (300 + 5 * number) * times)
    return marked(samples.astype(np.int16), number)
