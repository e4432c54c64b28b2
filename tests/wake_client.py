"""For tests of the wake word server: the stock client with whole streams in one call, and words to send it."""

import asyncio
import dataclasses
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from speech import silence, speak
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.wake import Detection, NotDetected

from wyoming_servers.shared.client import describe
from wyoming_servers.wake.words import models_dir

TIMEOUT_S = 8.0
START = AudioStart(16000, 2, 1).event()


@dataclasses.dataclass
class Heard:
    """What came back for one stream."""

    detections: list[Detection]
    missed: bool
    """There was a not-detected."""

    @property
    def names(self) -> list[str]:
        return [detection.name for detection in self.detections]


class Client(AsyncTcpClient):
    """The stock client, with the events of one stream in one call."""

    def __init__(self, uri: str) -> None:
        host, _, port = uri.removeprefix("tcp://").rpartition(":")
        super().__init__(host, int(port))

    async def next(self) -> Event | None:
        async with asyncio.timeout(TIMEOUT_S):
            return await self.read_event()

    async def send(self, samples: np.ndarray, chunk_samples: int = 160) -> None:
        """A stream's chunks; as Home Assistant cuts them."""
        for start in range(0, len(samples), chunk_samples):
            await self.write_event(AudioChunk(16000, 2, 1, samples[start : start + chunk_samples].tobytes()).event())

    async def stream(self, samples: np.ndarray, chunk_samples: int = 160) -> Heard:
        """One whole stream."""
        await self.write_event(START)
        await self.send(samples, chunk_samples)
        await self.write_event(AudioStop().event())
        return await self.ended()

    async def ended(self) -> Heard:
        """What came for the stream that was just stopped. An empty stream behind it tells that nothing more comes."""
        await self.write_event(START)
        await self.write_event(AudioStop().event())
        events = [await self.next()]
        while not NotDetected.is_type(events[-1].type):
            events.append(await self.next())
        missed = len(events) == 1
        if missed:
            assert NotDetected.is_type((await self.next()).type)
        return Heard([Detection.from_event(event) for event in events[:-1]], missed)


def say(words: str) -> np.ndarray:
    """Said by the voice whose "hey jarvis" and "alexa" score 0.97 at least, wherever the 80 ms frames cut them."""
    return speak(words, voice="en-gb")


def spoken(*words: str, gap_s: float = 1.0) -> np.ndarray:
    """The words with silence before, between and after them."""
    pieces = [piece for word in words for piece in (silence(gap_s), say(word))]
    return np.concatenate((*pieces, silence(gap_s)))


async def error_of(client: Client) -> Error:
    """The error that comes next; afterwards the server hangs up."""
    event = await client.next()
    assert Error.is_type(event.type)
    assert await client.next() is None
    return Error.from_event(event)


async def busy(uri: str) -> bool:
    """Whether one more stream is refused."""
    async with Client(uri) as client:
        await client.write_event(START)
        await client.write_event(AudioStop().event())
        event = await client.next()
        return Error.is_type(event.type) and event.data["code"] == "busy"


async def names_until(uri: str, wanted: Callable[[list[str]], bool]) -> list[str]:
    """The words in `info` once `wanted(names)` holds; asked again and again."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            names = [model.name for model in (await describe(uri)).wake[0].models]
            if wanted(names):
                return names


def drop(folder: Path, name: str, contents: bytes | None = None, age_s: float = 60) -> Path:
    """A model file of this age: another word's, or these bytes."""
    path = folder / name
    if contents is None:
        shutil.copyfile(models_dir() / "hey_jarvis.tflite", path)
    else:
        path.write_bytes(contents)
    os.utime(path, (time.time() - age_s,) * 2)
    return path
