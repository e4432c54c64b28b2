"""A Home Assistant, our servers in it, and pipelines of them; made once for all tests of this folder."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from core import Core
from household import House, Server, move_in, serving
from kitchen import Kitchen, kitchen


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """Home Assistant with an owner."""
    if "EARSHOT_HOME_ASSISTANT" not in os.environ:
        pytest.skip("needs a Home Assistant: script/test --home-assistant")
    core = Core(tmp_path_factory.mktemp("home-assistant"))
    try:
        core.wait()
        asyncio.run(core.onboard())
        yield core
    finally:
        core.stop()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """All four on one port, as an add-on serves them, with what is in the package."""
    with serving(tmp_path_factory.mktemp("servers"), "wake", "asr", "tts", "handle", "--set", "asr.engine=phrases") as server:
        yield server


@pytest.fixture(scope="session")
def eager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A recogniser that ends the turn itself."""
    settings = ("--set", "asr.engine=phrases", "--set", "asr.end_of_speech=true")
    with serving(tmp_path_factory.mktemp("eager"), "asr", *settings) as server:
        yield server


@pytest.fixture(scope="session")
def house(core: Core, servers: Server, eager: Server) -> House:
    """Home Assistant with our servers in it."""
    return asyncio.run(move_in(core, servers, eager))


@pytest.fixture(scope="session")
def in_kitchen(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    """A satellite that Home Assistant uses."""
    with kitchen(tmp_path_factory.mktemp("kitchen"), house.servers) as found:
        with found.used_again():
            asyncio.run(_add(house, found))
        yield found


@pytest.fixture(params=["stream", "vad"])
def in_hall(house: House, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Kitchen]:
    """A satellite that leaves the wake word to Home Assistant: it sends all sound, or what may be speech."""
    with kitchen(tmp_path, house.servers, "satellite.name=Hall", f"satellite.mode={request.param}") as found:
        with found.used_again():
            asyncio.run(_add(house, found))
        yield found
        asyncio.run(_remove(house, found))


async def _remove(house: House, found: Kitchen) -> None:
    async with house.core.client() as client:
        await client.http.delete(f"{house.core.url}api/config/config_entries/entry/{found.entry}")


async def _add(house: House, found: Kitchen) -> None:
    async with house.core.client() as client:
        made = await client.add(found.port)
        assert made["type"] == "create_entry", made
        async with client.socket() as socket:
            known = await socket.command("config/entity_registry/list")
        ids = [entity["entity_id"] for entity in known if entity["config_entry_id"] == made["result"]["entry_id"]]
        found.entry = made["result"]["entry_id"]
        found.satellite = next(each for each in ids if each.startswith("assist_satellite."))
        found.pipeline = next(each for each in ids if re.fullmatch(r"select\..*_assistant", each))
        found.mute = next(each for each in ids if re.fullmatch(r"switch\..*_mute", each))
