"""How fast the embedded voice answers over TCP, and whether `describe` waits for it."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from figures import Figure
from running import free_port, rss_mb
from tts_fakes import scripted, service
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.shared.server import WyomingServer

_TEXT = "Your pizza timer is set for five minutes. I will tell you when it is done."
_WARM_UP = 5
_ANSWERS = 100
_CLIENTS = 4
_DESCRIBES = 200
_START_S = 10.0


def measure() -> list[Figure]:
    """A TTS server in a process of its own, asked whole answers one at a time, then by four clients at once."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    async with _served() as (uri, pid):
        for _ in range(_WARM_UP):
            await _answer(uri)
        answers = [await _answer(uri) for _ in range(_ANSWERS)]
        idle = [await _describe(uri) for _ in range(_DESCRIBES)]
        load = [asyncio.create_task(_speak_on(uri)) for _ in range(_CLIENTS)]
        loaded = [await _describe(uri) for _ in range(_DESCRIBES)]
        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)
        return [
            Figure("connect to first sound", "ms", [first * 1000 for first, _, _ in answers], target=5.0),
            Figure("whole answer, as a share of its length", "", [whole / length for _, whole, length in answers]),
            Figure("describe", "ms", [seconds * 1000 for seconds in idle]),
            Figure(f"describe while {_CLIENTS} clients are spoken to", "ms", [seconds * 1000 for seconds in loaded], target=200.0),
            Figure("longest such describe", "ms", [max(loaded) * 1000], target=200.0),
            Figure("memory", "MB", [rss_mb(pid)], target=35.0),
            Figure("connect to first sound of a phrase kept on disk", "ms", [first * 1000 for first in await _kept()], target=5.0),
        ]


async def _kept() -> list[float]:
    """Seconds to the first sound of phrases that are kept; here server and client share one process, so it is rather more than less."""
    engine = scripted()
    with tempfile.TemporaryDirectory() as folder:
        server = WyomingServer("tcp://127.0.0.1:0", [service(engine, phrases=Path(folder))])
        await server.start()
        try:
            while sum(1 for _ in Path(folder).glob("*.phrase")) < 2:
                await _answer(server.uri)
            engine.requests.clear()
            answers = [await _answer(server.uri) for _ in range(_ANSWERS)]
            assert not engine.requests
        finally:
            await server.stop()
    return [first for first, _, _ in answers]


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[str, int]]:
    uri = f"tcp://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "wyoming_servers", "serve", "tts", "--uri", uri, "--no-zeroconf"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(_START_S):
            while True:
                with suppress(OSError):
                    await _describe(uri)
                    break
                await asyncio.sleep(0.05)
        yield uri, process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)


async def _answer(uri: str) -> tuple[float, float, float]:
    """(seconds from connecting to the first sound, to the end of the answer, seconds of speech)."""
    begun = time.perf_counter()
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("synthesize", {"text": _TEXT}))
        first, size, rate_hz = 0.0, 0, 1
        while (event := await client.read_event()) is not None and event.type != "audio-stop":
            if event.type == "audio-chunk":
                first = first or time.perf_counter() - begun
                size, rate_hz = size + len(event.payload or b""), event.data["rate"]
        return first, time.perf_counter() - begun, size / 2 / rate_hz


async def _describe(uri: str) -> float:
    begun = time.perf_counter()
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("describe"))
        await client.read_event()
        return time.perf_counter() - begun


async def _speak_on(uri: str) -> None:
    while True:
        await _answer(uri)
