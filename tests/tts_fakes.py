"""A voice that does what its text says, and the stock Wyoming client against any TTS server."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.shared.engines import EngineContext, EngineSpec, Model
from wyoming_servers.shared.settings import TtsSection
from wyoming_servers.tts.engine import AudioBlock, TtsEngine, TtsRequest
from wyoming_servers.tts.server import TtsService

RATE_HZ = 16_000
CHARACTER_SAMPLES = 80
TIMEOUT_S = 8.0


@dataclass(frozen=True)
class NoOptions:
    """Nothing to set."""


class ScriptedEngine(TtsEngine):
    """Every character becomes 80 samples of its code point. Words in the text make it wait, fail, stay silent, or never end."""

    Options = NoOptions
    gate: threading.Event
    """"wait" in a text holds it, after its first block, until this is set."""
    requests: list[TtsRequest]
    blocks_made: list[int]
    begun: threading.Event
    closed: threading.Event

    @classmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        return [
            Model("anna", "Anna", ("en-US", "en"), "tests", "", speakers=("calm", "loud", "3")),
            Model("bert", "Bert", ("de-DE", "de"), "tests", ""),
        ]

    def __init__(self, options: Any, context: EngineContext) -> None:
        """Nothing to load."""

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        self.requests.append(request)
        if "fail" in request.text:
            raise RuntimeError("the scripted failure")
        if "silent" in request.text:
            return
        try:
            while "endless" in request.text:
                self.blocks_made.append(len(self.blocks_made))
                yield AudioBlock(b"ab" * 2048, RATE_HZ)
            for number, word in enumerate(request.text.split()):
                yield AudioBlock(b"".join(ord(character).to_bytes(4, "little")[:2] * CHARACTER_SAMPLES for character in word), RATE_HZ)
                if not number:
                    self.begun.set()
                    if "wait" in request.text and not self.gate.wait(TIMEOUT_S):
                        raise RuntimeError("nobody opened the gate")
        finally:
            self.closed.set()


@dataclass(frozen=True)
class _Spec(EngineSpec):
    engine: type = ScriptedEngine

    def load_class(self) -> type:
        return self.engine


def scripted() -> type[ScriptedEngine]:
    """A fresh engine class, so that tests do not share what it remembers."""
    state = {"gate": threading.Event(), "requests": [], "blocks_made": [], "begun": threading.Event(), "closed": threading.Event()}
    return type("Scripted", (ScriptedEngine,), state)


def service(
    engine: type[TtsEngine],
    stand_in: type[TtsEngine] | None = None,
    *,
    phrases: Path | None = None,
    idle_s: float = 3600.0,
    context: EngineContext | None = None,
    **section: Any,
) -> TtsService:
    """A real TTS service with a scripted voice, and another one as its fallback."""
    specs = [_Spec("scripted", "", "for tests", engine=engine)]
    if stand_in:
        specs.append(_Spec("stand-in", "", "for tests", engine=stand_in))
    settings = TtsSection(**{"engine": "scripted", "fallback": "stand-in" if stand_in else ""} | section)
    return TtsService(settings, context or EngineContext(), tuple(specs), phrases=phrases, idle_s=idle_s)


def synthesize(text: str, **data: Any) -> Event:
    """A plain request."""
    return Event("synthesize", {"text": text, **data})


def stream(*fragments: str, compat: str | None = None, **start: Any) -> list[Event]:
    """A streaming request: start, one chunk per fragment, the copy for older servers, stop."""
    chunks = [Event("synthesize-chunk", {"text": fragment}) for fragment in fragments]
    copy = [synthesize("".join(fragments) if compat is None else compat)]
    return [Event("synthesize-start", start), *chunks, *copy, Event("synthesize-stop")]


async def receive(client: AsyncClient, until: str) -> list[Event]:
    """Events up to the first of type `until`, `error` or the end of the connection."""
    events: list[Event] = []
    async with asyncio.timeout(TIMEOUT_S):
        while (event := await client.read_event()) is not None:
            events.append(event)
            if event.type in (until, "error"):
                break
    return events


async def ask(uri: str, *events: Event) -> list[Event]:
    """The answer to one request on a connection of its own."""
    async with AsyncClient.from_uri(uri) as client:
        for event in events:
            await client.write_event(event)
        return await receive(client, "synthesize-stopped" if events[-1].type == "synthesize-stop" else "audio-stop")


def pcm(events: Sequence[Event]) -> bytes:
    """All audio of an answer."""
    return b"".join(event.payload or b"" for event in events)


def types(events: Sequence[Event]) -> list[str]:
    """The types of an answer's events, runs of audio-chunk as one."""
    named = [event.type for event in events]
    return [kind for number, kind in enumerate(named) if not (kind == "audio-chunk" and named[number - 1 : number] == ["audio-chunk"])]


async def happened(event: threading.Event) -> None:
    """Waits for something on an engine's thread."""
    assert await asyncio.to_thread(event.wait, TIMEOUT_S)


async def until(uri: str, condition: Callable[[], Any]) -> None:
    """Waits for something that a server does by itself, with one ping after the other."""
    async with asyncio.timeout(TIMEOUT_S), AsyncClient.from_uri(uri) as client:
        while not condition():
            await client.write_event(Event("ping"))
            await client.read_event()
