"""A recogniser that does what its audio says, and the stock Wyoming client against any ASR server."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.asr.engine import AsrEngine, AsrRequest, AsrStream, Transcription
from wyoming_servers.asr.server import AsrService
from wyoming_servers.shared.engines import EngineContext, EngineSpec, Model
from wyoming_servers.shared.errors import EngineError
from wyoming_servers.shared.settings import AsrSection

TIMEOUT_S = 8.0
WAIT, CRASH = 1111, 2222
"""A first sample that makes the engine wait for its gate, or fail."""


@dataclass(frozen=True)
class NoOptions:
    """Nothing to set."""


class ScriptedEngine(AsrEngine):
    """Its transcript tells how many samples it heard, and the loudest."""

    Options = NoOptions
    streams_partials = True
    gate: threading.Event
    begun: threading.Event
    closed: threading.Event
    requests: list[AsrRequest]
    says: str
    believes: Sequence[str] = ()
    """Its hypothesis after each tenth of a second; without any it counts samples."""
    deaf = False
    """True: it never answers, until it is told that nobody waits any more."""
    told: threading.Event
    """Set once `cancel` has reached it."""

    @classmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        return [Model("small", "Small", ("en", "en-US"), "tests", ""), Model("large", "Large", ("de",), "tests", "")]

    def __init__(self, options: Any, context: EngineContext) -> None:
        """Nothing to load."""

    def open(self, request: AsrRequest) -> "ScriptedStream":
        self.requests.append(request)
        return ScriptedStream(self, request)


class ScriptedStream(AsrStream):
    """One utterance."""

    def __init__(self, engine: ScriptedEngine, request: AsrRequest) -> None:
        self._engine = engine
        self._language = request.language
        self._samples = np.empty(0, np.int16)

    def feed(self, samples: np.ndarray) -> str | None:
        self._samples = np.concatenate((self._samples, samples))
        if not self._engine.believes:
            return f"{len(self._samples)}"
        heard = min(len(self._samples) // 1600, len(self._engine.believes))
        return self._engine.believes[heard - 1] if heard else None

    def finish(self) -> Transcription:
        if self._engine.deaf:
            self._engine.begun.set()
            self._engine.told.wait()
            raise EngineError("the request was given up")
        if len(self._samples) and self._samples[0] in (WAIT, CRASH):
            self._engine.begun.set()
            if self._samples[0] == CRASH or not self._engine.gate.wait(TIMEOUT_S):
                raise RuntimeError("the scripted failure")
        loudest = int(np.abs(self._samples).max(initial=0))
        return Transcription(self._engine.says.format(samples=len(self._samples), loudest=loudest), 0.9, self._language)

    def cancel(self) -> None:
        self._engine.told.set()

    def close(self) -> None:
        self._engine.closed.set()


@dataclass(frozen=True)
class _Spec(EngineSpec):
    engine: type = ScriptedEngine

    def load_class(self) -> type:
        return self.engine


def scripted(says: str = "{samples} samples, loudest {loudest}", **more: Any) -> type[ScriptedEngine]:
    """A fresh engine class, so that tests do not share what it remembers."""
    events = {name: threading.Event() for name in ("gate", "begun", "closed", "told")}
    return type("Scripted", (ScriptedEngine,), {**events, "requests": [], "says": says, **more})


def service(engine: type[ScriptedEngine], **section: Any) -> AsrService:
    """A real ASR service with a scripted recogniser."""
    return AsrService(AsrSection(**section), EngineContext(), (_Spec("scripted", "", "for tests", engine=engine),))


def audio(samples: np.ndarray, *, rate_hz: int = 16_000, width: int = 2, channels: int = 1, chunk_bytes: int = 320) -> list[Event]:
    """A request's audio as a satellite sends it. samples: whatever the format makes of their bytes."""
    pcm = samples.tobytes()
    chunks = [AudioChunk(rate_hz, width, channels, pcm[first : first + chunk_bytes]).event() for first in range(0, len(pcm), chunk_bytes)]
    return [AudioStart(rate_hz, width, channels).event(), *chunks, AudioStop().event()]


def request(samples: np.ndarray, **transcribe: Any) -> list[Event]:
    """A whole request as Home Assistant sends it."""
    return [Transcribe(**transcribe).event(), *audio(samples)]


async def receive(client: AsyncClient, until: str = "transcript-stop") -> list[Event]:
    """Events up to the first of type `until`, `error` or the end of the connection."""
    events: list[Event] = []
    async with asyncio.timeout(TIMEOUT_S):
        while (event := await client.read_event()) is not None:
            events.append(event)
            if event.type in (until, "error"):
                break
    return events


async def send(client: AsyncClient, events: Sequence[Event]) -> None:
    """Writes the events of one request."""
    for event in events:
        await client.write_event(event)


async def ask(uri: str, events: Sequence[Event], until: str = "transcript-stop") -> list[Event]:
    """The answer to one request on a connection of its own."""
    async with AsyncClient.from_uri(uri) as client:
        await send(client, events)
        return await receive(client, until)


async def text(uri: str, events: Sequence[Event]) -> str:
    """The transcript of one request."""
    return next(event.data["text"] for event in await ask(uri, events) if event.type == "transcript")


async def happened(event: threading.Event) -> None:
    """Waits for something on an engine's thread."""
    assert await asyncio.to_thread(event.wait, TIMEOUT_S)
