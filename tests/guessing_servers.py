"""A recogniser, an intent server that takes provisional transcripts, and a voice, each as slow as the test says, and a turn among them.

The transcript of n samples is `n samples`, the answer to that `Answer to n samples.`, and a text's sound is the text itself.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from unix_servers import serve_all
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop
from wyoming.info import Artifact, AsrModel, AsrProgram, Attribution, HandleModel, HandleProgram, TtsProgram, TtsVoice

from wyoming_servers.satellite.directory import Directory
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.satellite.speculation import Speculation
from wyoming_servers.satellite.speech import SpeechBlock
from wyoming_servers.satellite.turn import Asker, Turn, TurnId
from wyoming_servers.satellite.utterance import Utterance
from wyoming_servers.shared.errors import BusyError
from wyoming_servers.shared.service import Peer, Service, Session
from wyoming_servers.shared.settings import PeersSection, SatelliteSection, load
from wyoming_servers.shared.tasks import TaskOwner

RATE_HZ = 16_000
PATIENCE_S = 60.0
_BY: dict[str, Any] = {"attribution": Attribution("tests", ""), "installed": True, "description": "", "version": "1"}


class _Working(Service):
    """Works on each request for `delay_s`. `begun`, `finished` and `given_up` count them; `given_up_at` are loop times."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.begun = self.finished = 0
        self.given_up_at: list[float] = []

    def session(self, peer: Peer) -> Session:
        return _SESSIONS[self.kind](self, peer)

    async def work(self) -> None:
        """Takes its time."""
        self.begun += 1
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.given_up_at.append(asyncio.get_running_loop().time())
            raise
        self.finished += 1


class GuessingAsr(_Working):
    """`heard`: samples of each stream that was ended, in order."""

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__(delay_s)
        self.heard: list[int] = []

    def programs(self) -> Sequence[Artifact]:
        return [AsrProgram(name="guessing", models=[AsrModel(name="guessing", languages=["en"], **_BY)], **_BY)]


class GuessingHandle(_Working):
    """`provisional` and `asked` are the events' data; `done` the sentences that were carried out."""

    kind = "handle"

    def __init__(
        self, delay_s: float = 0.0, *, judges: str = "complete", harmless: bool = True, stock: bool = False, hangs_up: bool = False
    ) -> None:
        """judges: the class it tells. harmless: it answers before the commit. stock: it does not know provisional transcripts.
        hangs_up: it takes one for an attack."""
        super().__init__(delay_s)
        self.events = frozenset({"transcript"} if stock else {"transcript", "earshot-provisional"})
        self.judges = judges
        self.harmless = harmless
        self.hangs_up = hangs_up
        self.refuses = False
        """Set it, and commits are refused for want of room."""
        self.provisional: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.done: list[str] = []

    def programs(self) -> Sequence[Artifact]:
        model = HandleModel(name="guessing", languages=["en"], **_BY)
        return [HandleProgram(name="guessing", models=[model], supports_handled_streaming=True, **_BY)]


class GuessingVoice(_Working):
    """`spoken`: the texts it was given."""

    kind = "tts"
    events = frozenset({"synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"})

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__(delay_s)
        self.spoken: list[str] = []

    def programs(self) -> Sequence[Artifact]:
        return [TtsProgram(name="guessing", voices=[TtsVoice(name="guessing", languages=["en"], **_BY)], **_BY)]


class _Session(Session):
    busy = False

    def __init__(self, service: Any, peer: Peer) -> None:
        self.service = service
        self.peer = peer
        self.owner = TaskOwner()

    async def close(self) -> None:
        await self.owner.close()


class _AsrSession(_Session):
    samples = 0

    async def handle(self, event: Event) -> None:
        if AudioChunk.is_type(event.type):
            self.samples += len(event.payload or b"") // 2
        elif AudioStop.is_type(event.type):
            self.service.heard.append(self.samples)
            self.owner.start(self._transcribe(), "transcribe")

    async def _transcribe(self) -> None:
        await self.service.work()
        await self.peer.send(Transcript(text=f"{self.samples} samples").event())


class _HandleSession(_Session):
    """Goes on reading while it works; what it streamed before the commit it does not send again."""

    def __init__(self, service: Any, peer: Peer) -> None:
        super().__init__(service, peer)
        self._preparing: asyncio.Task | None = None
        self._streamed = False

    async def handle(self, event: Event) -> None:
        service = self.service
        if event.type == "earshot-provisional":
            service.provisional.append(event.data)
            if service.hangs_up:
                raise ConnectionResetError
            promise = {"waiting": False} if event.data.get("holds") else {}
            await self.peer.send(Event("earshot-prospect", {"class": service.judges, "text": event.data["text"]} | promise))
            self._preparing = self.owner.start(self._prepare(event.data["text"], holds=bool(promise)), "prepare")
        elif event.type == "transcript":
            service.asked.append(event.data)
            if service.refuses:
                raise BusyError("no room")
            self.owner.start(self._answer(event.data["text"]), "answer")

    async def _prepare(self, text: str, *, holds: bool) -> None:
        if self.service.harmless:
            await self._stream(text)
        if holds:
            await self.peer.send(Event("earshot-waiting", {"text": text}))

    async def _stream(self, text: str) -> None:
        await self.service.work()
        self._streamed = True
        await self.peer.send(HandledStart().event())
        await self.peer.send(HandledChunk(text=f"Answer to {text}.").event())

    async def _answer(self, text: str) -> None:
        self.service.done.append(text)
        if self._preparing:
            await self._preparing
        if not self._streamed:
            await self._stream(text)
        await self.peer.send(Handled(text=f"Answer to {text}.", context={"earshot": {"intent": "Test"}}).event())
        await self.peer.send(HandledStop().event())


class _VoiceSession(_Session):
    text = ""

    async def handle(self, event: Event) -> None:
        if event.type == "synthesize":
            self.owner.start(self._speak(event.data["text"]), "speak")

    async def _speak(self, text: str) -> None:
        self.service.spoken.append(text)
        sound = {"rate": RATE_HZ, "width": 2, "channels": 1}
        await self.peer.send(AudioStart(**sound).event())
        await self.service.work()
        await self.peer.send(AudioChunk(audio=sound_of(text), **sound).event())
        await self.peer.send(AudioStop().event())


_SESSIONS = {"asr": _AsrSession, "handle": _HandleSession, "tts": _VoiceSession}


def sound_of(text: str) -> bytes:
    """What the voice makes of it."""
    return (text + " " * (len(text) % 2)).encode("ascii")


class Loud:
    """A turn's output, at no distance: what was heard, and when it began (loop time)."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.failed = False

    async def speak(self, blocks: AsyncIterator[SpeechBlock], wording: Any = None) -> float:
        async for block in blocks:
            self.heard.append((asyncio.get_running_loop().time(), block.pcm))
        return self.heard[0][0] if self.heard else 0.0

    async def fail(self) -> None:
        self.failed = True

    @property
    def words(self) -> str:
        """All that was heard."""
        return b"".join(pcm for _, pcm in self.heard).decode("ascii").strip()


class Spoken:
    """Turns that are told by hand what the user does. `judged`: what they were told by the intent server."""

    def __init__(self, directory: Directory, speculation: Speculation) -> None:
        self.speculation = speculation
        self._directory = directory
        self._settings = dataclasses.replace(load(environment={}), satellite=SatelliteSection(name="test"))
        self.judged: list[tuple[int, Any]] = []
        self.begin()

    def begin(self, number: int = 1) -> None:
        """The user begins to speak."""
        self.words, self.output = Utterance(), Loud()
        asker = Asker("test", "talk")
        told = {"speculation": self.speculation, "judged": self._judged}
        self.turn = Turn(TurnId(number), self._directory, self._settings, asker, **told)
        self.running = asyncio.create_task(self.turn.run(self.words, self.output), name="turn under test")

    async def says(self, seconds: float = 0.5) -> None:
        """Goes on speaking for so long."""
        self.turn.go_on()
        self.words.append(np.zeros(round(seconds * RATE_HZ), np.int16))
        await asyncio.sleep(seconds)

    async def pauses(self, seconds: float = 0.5) -> None:
        """Is silent for so long."""
        self.turn.pause(len(self.words) / RATE_HZ)
        await asyncio.sleep(seconds)

    def ends(self, *, settled: bool = True) -> None:
        """The turn is committed, now. settled: False when the user may go on, as long as nothing was done or heard."""
        self.words.finish()
        self.turn.commit(asyncio.get_running_loop().time(), settled=settled)

    async def report(self) -> TurnReport:
        """What became of it."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.running

    async def stop(self) -> None:
        """Nobody wants it any more."""
        self.running.cancel()
        await asyncio.wait([self.running])

    async def _judged(self, turn: TurnId, revision: int, prospect: Any) -> None:
        self.judged.append((revision, prospect))
        self.turn.judge(revision, prospect)


@asynccontextmanager
async def spoken_to(folder: Path, asr: Service, handle: Service, voice: Service, speculation: Speculation | None = None):
    """Yields Spoken: somebody has begun to speak."""
    async with AsyncExitStack() as stack:
        uris = await serve_all(stack, folder, (asr, handle, voice))
        directory = Directory(PeersSection(**uris), browse=False)
        await directory.start()
        stack.push_async_callback(directory.stop)
        spoken = Spoken(directory, speculation or Speculation(0.6))
        try:
            yield spoken
        finally:
            await spoken.stop()
