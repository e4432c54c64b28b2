"""Home Assistant finds our servers by itself, and sees what becomes of them."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from core import Core, Socket
from household import House, entities_of, serving

from wyoming_servers.wake.words import bundled_words

pytestmark = pytest.mark.home_assistant

POLL_S = 30.0
"""Home Assistant asks every server so often what it has."""


async def test_a_server_in_the_house_is_offered_by_home_assistant(core: Core, tmp_path: Path) -> None:
    async with core.client() as client:
        with serving(tmp_path, "tts", announced=True):
            flow = await client.discovered("espeak")
            made = await client.post(f"api/config/config_entries/flow/{flow}")
            assert made["type"] == "create_entry", made
            voice = (await entities_of(client, made["result"]["entry_id"]))["tts"]
            await client.available([voice])
        await client.http.delete(f"{core.url}api/config/config_entries/entry/{made['result']['entry_id']}")


async def test_a_wake_word_that_is_put_there_is_offered_within_a_minute(house: House) -> None:
    folder = house.servers.home / ".local/share/earshot/wake"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(bundled_words()[0].path, folder / "good_evening.tflite")
    async with house.core.client() as client, client.socket() as socket, asyncio.timeout(2 * POLL_S):
        while "good_evening" not in [word["id"] for word in await _words(house, socket)]:
            await asyncio.sleep(1)


async def _words(house: House, socket: Socket) -> list[dict[str, Any]]:
    return (await socket.command("wake_word/info", entity_id=house.entities["wake_word"]))["wake_words"]
