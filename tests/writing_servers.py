"""An intent server that writes its answers as the test dictates, and a voice that speaks texts while they come."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from satellite_servers import ScriptedHandle
from unix_servers import serve_all
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled
from wyoming.info import Attribution, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeStopped

from wyoming_servers.satellite.directory import Directory
from wyoming_servers.satellite.speech import SpeechBlock
from wyoming_servers.satellite.turn import Asker, Turn, TurnId
from wyoming_servers.satellite.wording import Wording
from wyoming_servers.shared.protocol import encode_event
from wyoming_servers.shared.sentences import Splitter
from wyoming_servers.shared.service import Peer, Service, Session
from wyoming_servers.shared.settings import PeersSection, SatelliteSection, load

RATE_HZ = 22_050
SENTENCE = np.resize(np.arange(-3000, 3000, 17, dtype=np.int16), RATE_HZ // 2)
"""What the streaming voice makes of every sentence: half a second."""
PATIENCE_S = 8.0


class WritingHandle(ScriptedHandle):
    """Writes what the test dictates: `write` a piece, `done`, `refuse`, or `die`."""

    def __init__(self) -> None:
        super().__init__()
        self.dictated: asyncio.Queue[list[Event] | None] = asyncio.Queue()
        self.hung_up = asyncio.Event()

    def session(self, peer: Peer) -> Session:
        return _WritingSession(self, peer)

    def write(self, text: str) -> None:
        """A piece of the answer."""
        self.dictated.put_nowait([HandledStart(context={}).event(), HandledChunk(text=text).event()])

    def done(self, text: str, **told: Any) -> None:
        """All of it, and what it was."""
        context = {"earshot": {"route": "llm", **told}}
        self.dictated.put_nowait([Handled(text=text, context=context).event(), HandledStop().event()])

    def at_once(self, text: str) -> None:
        """The whole answer in one piece, as templates give it."""
        start, chunk = HandledStart(context={}).event(), HandledChunk(text=text).event()
        self.dictated.put_nowait([start, chunk, Handled(text=text, context={}).event(), HandledStop().event()])

    def refuse(self, text: str) -> None:
        """It cannot be done."""
        self.dictated.put_nowait([NotHandled(text=text).event()])

    def die(self) -> None:
        """The server is gone."""
        self.dictated.put_nowait(None)


class _WritingSession(Session):
    busy = False

    def __init__(self, service: WritingHandle, peer: Peer) -> None:
        self._service = service
        self._peer = peer

    async def handle(self, event: Event) -> None:
        if event.type != "transcript":
            return
        self._service.requests.append(event.data)
        try:
            while (events := await self._service.dictated.get()) is not None:
                await self._peer.send_bytes(b"".join(map(encode_event, events)))
                if events[-1].type in ("handled-stop", "not-handled"):
                    return
            raise ConnectionResetError
        except asyncio.CancelledError:
            self._service.hung_up.set()
            raise


class StreamingVoice(Service):
    """Speaks sentence by sentence while the text comes; `events` that it got are in `got`, the sentences it spoke in `spoken`."""

    kind = "tts"
    events = frozenset({"synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"})

    def __init__(self, *, dies_after: int | None = None, hangs: bool = False) -> None:
        """dies_after: hangs up, once, when it has spoken so many sentences. hangs: takes text and never says anything."""
        self.got: list[str] = []
        self.spoken: list[str] = []
        self.changed = asyncio.Event()
        self.dies_after = dies_after
        self.hangs = hangs

    def programs(self) -> Sequence[TtsProgram]:
        by: dict[str, Any] = {"attribution": Attribution("tests", ""), "installed": True, "description": "", "version": "1"}
        voice = TtsVoice(name="streaming", languages=["en"], **by)
        return [TtsProgram(name="streaming", voices=[voice], supports_synthesize_streaming=True, **by)]

    def session(self, peer: Peer) -> Session:
        return _StreamingSession(self, peer)


class _StreamingSession(Session):
    busy = False

    def __init__(self, service: StreamingVoice, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._splitter = Splitter("en")

    async def handle(self, event: Event) -> None:
        service = self._service
        service.got.append(event.type)
        if service.hangs:
            return
        text = event.data.get("text", "")
        if event.type == "synthesize":
            await self._say([text])
            await self._peer.send(AudioStop().event())
        elif event.type == "synthesize-chunk":
            await self._say(self._splitter.feed(text))
        elif event.type == "synthesize-stop":
            await self._say(self._splitter.finish())
            await self._peer.send(AudioStop().event())
            await self._peer.send(SynthesizeStopped().event())

    async def _say(self, sentences: Sequence[str]) -> None:
        service, sound = self._service, {"rate": RATE_HZ, "width": 2, "channels": 1}
        for sentence in sentences:
            if service.dies_after == 0:
                service.dies_after = None
                raise ConnectionResetError
            await self._peer.send(AudioStart(**sound).event())
            await self._peer.send(AudioChunk(audio=SENTENCE.tobytes(), **sound).event())
            service.spoken.append(sentence)
            service.dies_after = None if service.dies_after is None else service.dies_after - 1


class Heard:
    """A turn's output: what was heard, in sentences of the streaming voice or in seconds."""

    def __init__(self) -> None:
        self.blocks: list[SpeechBlock] = []
        self.endings = 0
        self.failed = False
        self.given_up = asyncio.Event()
        self._changed = asyncio.Event()

    async def speak(self, blocks: AsyncIterator[SpeechBlock], wording: Wording | None = None) -> float:
        async for block in blocks:
            self.blocks.append(block)
            self._changed.set()
        self.endings += 1
        return asyncio.get_running_loop().time()

    async def fail(self) -> None:
        self.failed = True
        self.given_up.set()

    @property
    def seconds(self) -> float:
        """So much was heard."""
        return sum(block.seconds for block in self.blocks)

    async def something(self, seconds: float = 0.0) -> None:
        """Waits until more than this was heard."""
        async with asyncio.timeout(PATIENCE_S):
            while self.seconds <= seconds:
                self._changed.clear()
                await self._changed.wait()


class Written:
    """A turn among servers that the test holds in its hands."""

    def __init__(self, directory: Directory, **satellite: Any) -> None:
        settings = load(environment={})
        section = SatelliteSection(name="test", **satellite)
        self.heard = Heard()
        self.turn = Turn(TurnId(1), directory, dataclasses.replace(settings, satellite=section), Asker("test", "talk"))
        self.turn.commit(asyncio.get_running_loop().time())
        self.running = asyncio.create_task(self.turn.run("tell me", self.heard), name="turn under test")

    async def report(self) -> Any:
        """What became of it."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.running


@asynccontextmanager
async def asked(handle: Service, voice: Service, folder: Path, **satellite: Any) -> AsyncIterator[Written]:
    """Somebody has asked something. satellite: settings of its section."""
    async with AsyncExitStack() as stack:
        uris = await serve_all(stack, folder, (handle, voice))
        directory = Directory(PeersSection(**uris), browse=False)
        await directory.start()
        stack.push_async_callback(directory.stop)
        written = Written(directory, **satellite)
        try:
            yield written
        finally:
            written.running.cancel()
            await asyncio.wait([written.running])
