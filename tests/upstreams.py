"""Wyoming servers for engines to stand on: real ones, and one that does what a test tells it. Each runs on a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from wyoming_servers.shared.engine_service import EngineService
from wyoming_servers.shared.portal import Portal
from wyoming_servers.shared.protocol import EventReader, encode_event
from wyoming_servers.shared.server import WyomingServer

START_S = 20.0
STOP_S = 8.0
NOBODY = Attribution("nobody", "https://example.org")
ASR_INFO = Info(
    asr=[
        AsrProgram(
            "whisper",
            NOBODY,
            True,
            "Whisper",
            "1",
            [
                AsrModel("large", NOBODY, True, "Large", "1", ["de", "fr"]),
                AsrModel("small", NOBODY, True, "Small", "1", ["en", "fr"]),
                AsrModel("tiny", NOBODY, False, None, None, ["en"]),
            ],
        )
    ]
)
TTS_INFO = Info(
    tts=[
        TtsProgram(
            "piper",
            NOBODY,
            True,
            "Piper",
            "1",
            [
                TtsVoice("anna", NOBODY, True, "Anna", "1", ["de-DE"]),
                TtsVoice("bert", NOBODY, False, "Bert", "1", ["en-GB"]),
                TtsVoice("carl", NOBODY, True, "Carl", "1", ["en-US"], [TtsVoiceSpeaker("calm"), TtsVoiceSpeaker("loud")]),
            ],
        )
    ]
)


@contextmanager
def real(make: Callable[[], EngineService], uri: str = "tcp://127.0.0.1:0") -> Iterator[str]:
    """A real server whose engine is loaded; its address. make: called on the server's event loop."""

    @asynccontextmanager
    async def running() -> AsyncIterator[str]:
        service = make()
        server = WyomingServer(uri, [service])
        await server.start()
        try:
            await service.host.ready()
            yield server.uri
        finally:
            await server.stop()

    portal = Portal("upstream")
    context = running()
    try:
        yield portal.call(context.__aenter__(), START_S)
        portal.call(context.__aexit__(None, None, None), STOP_S)
    finally:
        portal.close()


class Talk:
    """One connection to a Scripted upstream, past the `describe`."""

    def __init__(self, reader: EventReader, writer: asyncio.StreamWriter, first: Event | None) -> None:
        self._reader = reader
        self.writer = writer
        self._first = first

    async def read(self) -> Event | None:
        """The next event; None after a hang-up."""
        first, self._first = self._first, None
        return first or await self._reader.read()

    async def until(self, kind: str) -> list[Event]:
        """Events up to the first of this type."""
        events: list[Event] = []
        while (event := await self.read()) is not None:
            events.append(event)
            if event.type == kind:
                break
        return events

    async def say(self, kind: str, payload: bytes | None = None, **data: object) -> None:
        """Sends one event."""
        self.writer.write(encode_event(Event(kind, data, payload)))
        await self.writer.drain()


class Scripted:
    """Answers `describe` with `info`; every other connection goes to `play`. `uri` stays when it is down."""

    def __init__(self, info: Info | None) -> None:
        self.info = info
        """None: it accepts and says nothing."""
        self.play: Callable[[Talk], Awaitable[None]] = _hang_up
        self.gone = threading.Event()
        """A client has hung up before `play` came to its end."""
        self.begun = threading.Event()
        """A client has sent something besides `describe`."""
        self.uri = ""
        self._portal = Portal("scripted upstream")
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task] = set()

    def up(self) -> None:
        """Listens, always on the same port."""
        self._portal.call(self._listen(), START_S)

    def down(self) -> None:
        """Is gone, with all its connections."""
        self._portal.call(self._close(), STOP_S)

    def end(self) -> None:
        """Frees everything."""
        self.down()
        self._portal.close()

    async def _listen(self) -> None:
        port = int(self.uri.rpartition(":")[2]) if self.uri else 0
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.uri = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._talks.add(task)
        try:
            events = EventReader(reader)
            event = await events.read()
            if event is not None and event.type == "describe":
                await self._describe(reader, writer)
            elif event is not None:
                self.begun.set()
                await self._talk(events, writer, event)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._talks.discard(task)
            writer.close()

    async def _describe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.info is None:
            await reader.read()
        else:
            writer.write(encode_event(self.info.event()))
            with suppress(ConnectionError):
                await writer.drain()

    async def _talk(self, reader: EventReader, writer: asyncio.StreamWriter, first: Event) -> None:
        try:
            await self.play(Talk(reader, writer, first))
        except ConnectionError:
            self.gone.set()


@contextmanager
def scripted(info: Info | None) -> Iterator[Scripted]:
    """A scripted upstream that listens."""
    upstream = Scripted(info)
    upstream.up()
    try:
        yield upstream
    finally:
        upstream.end()


async def _hang_up(talk: Talk) -> None:
    """Says nothing at all."""
