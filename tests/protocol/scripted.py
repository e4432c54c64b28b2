"""A service whose engine does what a test tells it: the listener, the connection and the host around it are the real ones."""

import asyncio
import threading
from collections.abc import Sequence

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_servers.shared.engine_host import EngineHost
from wyoming_servers.shared.errors import InvalidRequestError
from wyoming_servers.shared.occupancy import Occupancy
from wyoming_servers.shared.service import Peer, Service, Session

_NOBODY = Attribution(name="nobody", url="https://example.org")


class GatedEngine:
    """Blocks its thread while the gate is shut."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False

    def count(self, pcm: bytes) -> str:
        """What it recognises: how much it heard."""
        self.gate.wait(20)
        return f"{len(pcm)} bytes"

    def close(self) -> None:
        self.closed = True


class Scripted(Service):
    """An asr server. `transcribe` with the language "xx" fails, with "crash" it breaks, with "later" work outside of it fails."""

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True

    def __init__(self, slots: int = 2, waiting: int = 4, loads_behind_gate: bool = False) -> None:
        self.engine = GatedEngine()
        if loads_behind_gate:
            self.engine.gate.clear()
        self.host = EngineHost("scripted", self._load, slots=slots, waiting=waiting)
        self._loads_behind_gate = loads_behind_gate
        self.working = asyncio.Event()
        """A request is being worked on."""
        self.cancelled = asyncio.Event()
        """A request was given up."""
        self.session_closed = asyncio.Event()
        self.open_sessions = 0
        self.heard_bytes = 0
        self.languages = ["en"]

    async def start(self) -> None:
        self.host.start()

    async def stop(self) -> None:
        self.engine.gate.set()
        await self.host.close()

    def _load(self) -> GatedEngine:
        if self._loads_behind_gate:
            self.engine.gate.wait(20)
        return self.engine

    def occupancy(self) -> Occupancy:
        return self.host.occupancy

    def programs(self) -> Sequence[AsrProgram]:
        model = AsrModel("small", _NOBODY, True, "A model — with ünïcode", "1", self.languages)
        return [AsrProgram("scripted", _NOBODY, True, "For tests", "1", [model])]

    def session(self, peer: Peer) -> Session:
        self.open_sessions += 1
        return _Session(self, peer)


class _Session(Session):
    def __init__(self, service: Scripted, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._pcm = bytearray()
        self._busy = False

    @property
    def busy(self) -> bool:
        return self._busy

    async def handle(self, event: Event) -> None:
        if event.type == "transcribe":
            if event.data.get("language") == "xx":
                raise InvalidRequestError("there is no language 'xx' here")
            if event.data.get("language") == "crash":
                raise ZeroDivisionError("secret detail")
            if event.data.get("language") == "later":
                self._peer.fail(InvalidRequestError("it failed later"))
            self._busy = True
        elif AudioChunk.is_type(event.type):
            self._busy = True
            self._pcm += event.payload or b""
            self._service.heard_bytes += len(event.payload or b"")
        elif event.type == "audio-stop":
            await self._answer()

    async def _answer(self) -> None:
        self._service.working.set()
        try:
            async with self._service.host.slot() as slot:
                text = await slot.run(slot.engine.count, bytes(self._pcm))
        except asyncio.CancelledError:
            self._service.cancelled.set()
            raise
        self._pcm.clear()
        self._busy = False
        await self._peer.send(Transcript(text=text).event())

    async def close(self) -> None:
        self._service.open_sessions -= 1
        self._service.session_closed.set()
