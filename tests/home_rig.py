"""An intent server with a Home Assistant beside it: the furnished house of `fake_home_assistant`, over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from fake_home_assistant import TOKEN, FakeHomeAssistant, furnish, home_assistant
from handle_house import ask

from wyoming_servers.handle.matcher import Matcher
from wyoming_servers.handle.phrases import read_responses
from wyoming_servers.handle.server import HandleService
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.home_assistant import copy_file
from wyoming_servers.shared.home_assistant_names import Known, Registries, known_from, write_copy
from wyoming_servers.shared.house import House
from wyoming_servers.shared.house_source import merged
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import HandleSection, HomeAssistantSection, NetworkSection, Settings

HERE = {"satellite_id": "kitchen", "area": "Kitchen", "conversation_id": "talk"}
"""Who asks: a satellite in the kitchen."""


class Home:
    """The house under test."""

    def __init__(self, fake: FakeHomeAssistant, uri: str) -> None:
        self.fake = fake
        self.uri = uri

    async def said(self, text: str, language: str = "en", **context: Any) -> str:
        """What is spoken."""
        return (await ask(self.uri, text, **{**HERE, "language": language, **context})).data["text"]


def known(fake: FakeHomeAssistant) -> Known:
    """What Earshot knows of it once it has read everything."""
    attributes = {id: state["a"] for id, state in fake.states.items()}
    devices = [{"id": row["device_id"], "area_id": row["device_area"]} for row in fake.entries.values()]
    return known_from(
        Registries(list(fake.areas.values()), list(fake.floors.values()), devices, fake.entries, sorted(fake.exposed), attributes)
    )


@lru_cache
def _matcher() -> Matcher:
    fake = FakeHomeAssistant()
    furnish(fake)
    folders = [paths.content("intents")]
    conjunctions = read_responses("en", folders)["common"]["conjunctions"]
    return Matcher(templates.load("en", merged(House(), known(fake)), folders, scope="text"), conjunctions)


def settings(folder: Path, fake: FakeHomeAssistant | None, **section: Any) -> Settings:
    """Of a house; nothing may leave it. section: of `home_assistant`."""
    own = HomeAssistantSection(url=fake.url, token=TOKEN, **section) if fake else HomeAssistantSection()
    handle = HandleSection(database=str(folder / "timers.db"), intents=str(folder / "intents"), tools=dict(_TOOLS))
    return Settings(home_assistant=own, handle=handle, network=NetworkSection(egress="deny"))


_TOOLS = {"home": {"verify_s": 0.5}}


@asynccontextmanager
async def serving_home(folder: Path, fake: FakeHomeAssistant | None, matcher: Matcher | None = None) -> AsyncIterator[str]:
    """An intent server with this Home Assistant, or without one; its names are known from the start."""
    if fake:
        write_copy(copy_file(), fake.url, known(fake))
    server = WyomingServer("tcp://127.0.0.1:0", [HandleService(settings(folder, fake), matcher=matcher or _matcher())])
    await server.start()
    try:
        yield server.uri
    finally:
        await server.stop()


@asynccontextmanager
async def at_home(folder: Path) -> AsyncIterator[Home]:
    """Both of them."""
    async with home_assistant() as fake, serving_home(folder, fake) as uri:
        yield Home(fake, uri)
