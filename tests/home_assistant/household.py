"""Our servers in a Home Assistant: how they are started, added and made into pipelines."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from core import Client, Core
from kept import Kept, answers, until
from running import free_port
from wyoming.client import AsyncTcpClient
from wyoming.tts import SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

_READY_S = 60.0


@dataclass(frozen=True)
class Server:
    """One of our processes."""

    kept: Kept
    port: int
    home: Path
    """Its owner's home folder."""

    async def speak(self, text: str) -> np.ndarray:
        """A text as its voice says it to Home Assistant, (n,) int16 at 22 050 Hz."""
        async with asyncio.timeout(30), AsyncTcpClient("127.0.0.1", self.port) as client:
            await client.write_event(SynthesizeStart(voice=SynthesizeVoice(language="en-US")).event())
            await client.write_event(SynthesizeChunk(text=text).event())
            await client.write_event(SynthesizeStop().event())
            pcm = b""
            while (event := await client.read_event()) and event.type != "synthesize-stopped":
                pcm += event.payload or b""
            return np.frombuffer(pcm, "<i2")

    def wait(self) -> None:
        """Until it answers."""
        until(lambda: answers(self.port), _READY_S, f"our server does not answer ({self.kept.log})")


def environment(folder: Path) -> dict[str, str]:
    """This process's, with a home of its own and without its owner's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("EARSHOT_", "XDG_"))}
    return kept | {"HOME": str(folder), "PYTHONUNBUFFERED": "1"}


@contextmanager
def serving(folder: Path, *arguments: str, announced: bool = False) -> Iterator[Server]:
    """`earshot serve` with these arguments. announced: by mDNS, and open to the house."""
    port = free_port()
    where = ["--uri", f"tcp://[::]:{port}"] if announced else ["--uri", f"tcp://127.0.0.1:{port}", "--no-zeroconf"]
    command = [sys.executable, "-m", "wyoming_servers", "serve", *arguments, *where]
    server = Server(Kept(command, folder / "earshot.log", environment(folder)), port, folder)
    try:
        server.wait()
        yield server
    finally:
        server.kept.stop()


@dataclass(frozen=True)
class House:
    """Home Assistant with our servers."""

    core: Core
    servers: Server
    entities: dict[str, str]
    """Entity ids by what they are: stt, tts, wake_word, conversation, and `eager` for the recogniser that ends the turn itself."""
    pipeline: str
    """Ours: wake word, recogniser, agent and voice."""
    eager_pipeline: str
    """The same with the recogniser that ends the turn itself."""


async def move_in(core: Core, servers: Server, eager: Server) -> House:
    """Adds both servers and makes two pipelines, as an owner does."""
    async with core.client() as client:
        ours, eagers = await client.add(servers.port), await client.add(eager.port)
        assert (ours["type"], eagers["type"]) == ("create_entry", "create_entry"), (ours, eagers)
        entities = await entities_of(client, ours["result"]["entry_id"])
        entities["eager"] = (await entities_of(client, eagers["result"]["entry_id"]))["stt"]
        pipelines = [await make_pipeline(client, name, entities | {"stt": entities[name]}) for name in ("stt", "eager")]
        return House(core, servers, entities, *pipelines)


async def entities_of(client: Client, entry: str) -> dict[str, str]:
    """The entity ids of one config entry, by domain."""
    async with client.socket() as socket:
        known = await socket.command("config/entity_registry/list")
    ids = [entity["entity_id"] for entity in known if entity["config_entry_id"] == entry]
    return {entity.partition(".")[0]: entity for entity in ids}


async def make_pipeline(client: Client, name: str, entities: dict[str, str]) -> str:
    """A pipeline of these; returns its id."""
    async with client.socket() as socket:
        languages = await socket.command("stt/engine/list", language="en")
        speaks = next(engine["supported_languages"] for engine in languages["providers"] if engine["engine_id"] == entities["stt"])
        words = await socket.command("wake_word/info", entity_id=entities["wake_word"])
        assert "hey_jarvis" in [word["id"] for word in words["wake_words"]]
        made = await socket.command(
            "assist_pipeline/pipeline/create",
            name=name,
            language="en",
            stt_engine=entities["stt"],
            stt_language=speaks[0],
            conversation_engine=entities["conversation"],
            conversation_language="en",
            tts_engine=entities["tts"],
            tts_language="en-US",
            tts_voice=None,
            wake_word_entity=entities["wake_word"],
            wake_word_id="hey_jarvis",
            prefer_local_intents=False,
        )
    return made["id"]
