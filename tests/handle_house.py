"""An intent server for tests: its own database, a clock that the test moves, and peers that talk to it."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from wire import Message, Wire, event, wire

from wyoming_servers.handle.fallback import Fallback
from wyoming_servers.handle.matcher import Matcher
from wyoming_servers.handle.phrases import read_responses
from wyoming_servers.handle.server import HandleService
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.house import Area, Device, House
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import HandleSection, LlmSection, NetworkSection, Settings, WebSection
from wyoming_servers.shared.tool import Clock

HOUSE = House(areas=(Area("Kitchen"), Area("Bedroom")), devices=(Device("Bed Lamp", "light", "Bedroom"),), places=("Paris",))
_AT_HOME = NetworkSection(egress="deny")
"""A test asks nobody on the internet, whatever it says."""
DECISIVE = ("handled", "not-handled", "intent", "not-recognized", "error")


class MovedClock(Clock):
    """Stands still until the test moves it."""

    boot = "first start"

    def __init__(self, zone: tzinfo = UTC) -> None:
        """zone: the house's."""
        self.zone = zone
        self.wall = datetime(2026, 11, 21, 17, 8, tzinfo=zone).timestamp()
        self.elapsed = 1000.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self.wall

    def steady(self) -> float:
        return self.elapsed

    def local(self) -> datetime:
        return datetime.fromtimestamp(self.wall, self.zone)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.elapsed += seconds
        self.set_wall(self.wall + seconds)

    def set_wall(self, wall: float) -> None:
        """Somebody sets the wall clock."""
        self.wall = wall
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        until = math.inf if timeout_s is None else self.elapsed + timeout_s
        while not event.is_set() and self.elapsed < until:
            waits = [asyncio.create_task(event.wait()), asyncio.create_task(self._moved.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)


def service(
    folder: Path,
    clock: Clock | None = None,
    tools: Sequence[Path] | None = None,
    options: dict | None = None,
    fallback: Fallback | None = None,
    web: WebSection | None = None,
    network: NetworkSection | None = None,
    llm: LlmSection | None = None,
    **handle: Any,
) -> HandleService:
    """An intent server that keeps its timers in `folder`; sentences of one's own are in `folder/intents`.

    tools: folders of tools instead of the shipped ones. options: of tools. fallback: answers what no template fits. web: of the
    status page. network: what may leave the house; nothing, unless given. llm: the language model for everybody. handle: other settings.
    """
    own_files = {"database": str(folder / "timers.db"), "intents": str(folder / "intents")}
    patient = {"language_s": 30.0}  # a busy machine takes longer than the usual 3 s to load a language
    section = HandleSection(**own_files, tools=options or {}, **patient | handle)
    matcher = _matcher(_Own(folder / "intents"))
    settings = Settings(house=HOUSE, handle=section, network=network or _AT_HOME, web=web or WebSection(), llm=llm or LlmSection())
    return HandleService(settings, clock, tools, matcher, lambda *_: fallback)


class _Own:
    """A folder of sentences, equal to another with the same content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts = tuple(path.read_text("utf-8") for path in sorted(folder.rglob("*.yaml")))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Own) and self.texts == other.texts

    def __hash__(self) -> int:
        return hash(self.texts)


@lru_cache
def _matcher(own: _Own) -> Matcher:
    """The house's sentences, made once for all tests that have the same."""
    folders = [paths.content("intents"), own.folder]
    common = read_responses("en", folders)["common"]
    return Matcher(templates.load("en", HOUSE, folders, scope="text"), common["conjunctions"], common["unfinished"])


@asynccontextmanager
async def running(folder: Path, clock: Clock | None = None, **options: Any) -> AsyncIterator[str]:
    """Serves on a free port of the loopback."""
    server = WyomingServer("tcp://127.0.0.1:0", [service(folder, clock, **options)])
    await server.start()
    try:
        yield server.uri
    finally:
        await server.stop()


def sentence(text: str, kind: str = "transcript", **context: Any) -> bytes:
    """A request."""
    data: dict[str, Any] = {"text": text}
    if context:
        data["context"] = context
    return event(kind, data)


async def decisive(peer: Wire) -> Message:
    """The answer itself."""
    while (message := await peer.receive()) is not None:
        if message.type in DECISIVE:
            return message
    raise AssertionError("the server hung up without an answer")


async def ask(uri: str, text: str, kind: str = "transcript", **context: Any) -> Message:
    """One sentence on a connection of its own, as Home Assistant does it."""
    async with wire(uri) as peer:
        await peer.send(sentence(text, kind, **context))
        return await decisive(peer)


async def said(uri: str, text: str, **context: Any) -> str:
    """What is spoken."""
    return (await ask(uri, text, **context)).data["text"]


async def talk(uri: str, *texts: str, **context: Any) -> str:
    """Says all of it in one conversation; the last answer."""
    answer = ""
    for text in texts:
        answer = await said(uri, text, **{"conversation_id": "talk", **context})
    return answer


async def tell(link: Wire, uri: str, message: bytes) -> None:
    """Sends it over a satellite's link; returns when what it changes is on disk, for changes come one after the other."""
    await link.send(message)
    await said(uri, "what timers do I have")


@asynccontextmanager
async def linked(uri: str, satellite_id: str = "kitchen", **details: str) -> AsyncIterator[Wire]:
    """A satellite's link, open."""
    async with wire(uri) as peer:
        await peer.send(event("earshot-subscribe", {"satellite_id": satellite_id, **details}))
        assert (await peer.receive()).type == "earshot-subscribed"
        yield peer
