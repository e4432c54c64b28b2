"""A satellite's directory and the one voice that it is given: of ours, or on the library's own server."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from satellite_servers import PATIENCE_S, ScriptedVoice
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.tts import Synthesize

from wyoming_servers.satellite.directory import Directory
from wyoming_servers.satellite.known_peer import Patience
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.satellite.speech import SpeechBlock, synthesize
from wyoming_servers.satellite.wording import Wording
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.service import Service
from wyoming_servers.shared.settings import PeersSection

ANSWER = "The light is on."
QUICK = Patience(healthy_s=0.5, first_retry_s=0.1)


class House:
    """A satellite's directory, and the one voice that it is given; both can go and come."""

    def __init__(self, folder: Path) -> None:
        self.uri = f"unix://{folder}/voice.sock"
        self.directory = Directory(PeersSection(tts=self.uri), browse=False, patience=QUICK)
        self.server: WyomingServer | StockServer | None = None

    async def let_in(self, voice: Service) -> None:
        """A voice is there from now on."""
        self.server = WyomingServer(self.uri, [voice])
        await self.server.start()

    async def send_away(self) -> None:
        """It is not there any more."""
        assert self.server
        await self.server.stop()
        self.server = None

    async def noticed(self, there: bool) -> None:
        """Waits until the directory knows whether there is a voice."""
        async with asyncio.timeout(PATIENCE_S):
            while bool(self.directory.available("tts")) is not there:
                await asyncio.sleep(0.05)

    async def say(self, text: str | Wording = ANSWER, language: str = "en") -> list[SpeechBlock]:
        """Has a text spoken to its end."""
        return [block async for block in synthesize(self.directory, text, language, 1.0)]


@asynccontextmanager
async def house(folder: Path, voice: Service) -> AsyncIterator[House]:
    """A house with this voice."""
    there = House(folder)
    await there.let_in(voice)
    await there.directory.start()
    try:
        await there.noticed(True)
        yield there
    finally:
        await there.directory.stop()
        if there.server:
            await there.server.stop()


class StockVoice(AsyncEventHandler):
    """On the library's own server: knows no `ping`, and says the same of itself whichever model it has."""

    def __init__(self, requests: list[str], *streams: Any) -> None:
        super().__init__(*streams)
        self._requests = requests

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(Info(tts=list(ScriptedVoice().programs())).event())
        elif Synthesize.is_type(event.type):
            self._requests.append(event.data["text"])
            sound = {"rate": PLAYBACK_RATE_HZ, "width": 2, "channels": 1}
            await self.write_event(AudioStart(**sound).event())
            await self.write_event(AudioChunk(audio=ScriptedVoice.SOUND.tobytes(), **sound).event())
            await self.write_event(AudioStop().event())
        return True


class StockServer:
    """Starts and stops as one of ours does."""

    def __init__(self, uri: str, requests: list[str]) -> None:
        self._server = AsyncServer.from_uri(uri)
        self._requests = requests

    async def start(self) -> None:
        await self._server.start(functools.partial(StockVoice, self._requests))

    async def stop(self) -> None:
        await self._server.stop()
