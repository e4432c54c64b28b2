"""A satellite among real servers on real sockets, heard and spoken to through sound, in virtual time."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from satellite_servers import PATIENCE_S

from wyoming_servers.satellite import loop as satellite_loop
from wyoming_servers.satellite.microphones import Microphone, at_the_clocks_pace
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.satellite.speakers import ClockSpeaker, SoundError
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.service import Service
from wyoming_servers.shared.settings import KINDS, PeersSection, SatelliteSection, Settings, load
from wyoming_servers.shared.tasks import cancel


class Room(Microphone):
    """A microphone in a quiet room; what is said there is heard at once."""

    name = "the room"

    def __init__(self) -> None:
        self._sound = np.empty(0, np.int16)
        self._noise = np.random.default_rng(1)
        self.silent = asyncio.Event()
        self.silent.set()
        self.plugged_in = True
        self.missed = asyncio.Event()

    async def frames(self) -> AsyncIterator[np.ndarray]:
        async for _ in at_the_clocks_pace():
            if not self.plugged_in:
                self.missed.set()
                raise SoundError("the room is gone")
            frame, self._sound = self._sound[:FRAME_SAMPLES], self._sound[FRAME_SAMPLES:]
            if not len(self._sound):
                self.silent.set()
            frame = np.pad(frame, (0, FRAME_SAMPLES - len(frame)))
            sound = frame + self._noise.normal(0, 8, FRAME_SAMPLES) + self.surroundings()
            yield np.clip(sound, -32768, 32767).astype(np.int16)

    def surroundings(self) -> np.ndarray | float:
        """What is heard besides those who speak here and a little noise, for the next frame."""
        return 0.0

    async def hear(self, *sounds: np.ndarray) -> None:
        """Plays (n,) int16 16 kHz pieces into the room, one after the other; returns when the last was heard."""
        self.silent.clear()
        self._sound = np.concatenate((self._sound, *sounds))
        await self.silent.wait()


class Recorder(ClockSpeaker):
    """A loudspeaker that keeps what was heard."""

    def __init__(self) -> None:
        super().__init__("the recorder")
        self.heard: list[np.ndarray] = []
        self._changed = asyncio.Event()

    def take(self, samples: np.ndarray) -> None:
        self.heard.append(samples)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until the condition on what was heard holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    @property
    def sound(self) -> np.ndarray:
        """Everything heard so far, (n,) int16 at the player's rate."""
        return np.concatenate(self.heard) if self.heard else np.empty(0, np.int16)

    def count(self, sound: np.ndarray) -> int:
        """How often exactly this was heard."""
        return self.sound.astype("<i2").tobytes().count(sound.astype("<i2").tobytes())

    def contains(self, sound: np.ndarray) -> bool:
        """True when exactly this was heard."""
        return self.count(sound) > 0


class Rig:
    """A running satellite, its room, its loudspeaker, and the turns it has had."""

    def __init__(self, room: Room | None = None, recorder: Recorder | None = None) -> None:
        self.room = room or Room()
        self.recorder = recorder or Recorder()
        self.turns: asyncio.Queue[TurnReport] = asyncio.Queue()
        self.ready = asyncio.Event()
        self.uris: dict[str, str] = {}
        self.home_uri = ""
        self.servers: dict[str, WyomingServer] = {}
        self.running: asyncio.Task | None = None

    async def turn(self) -> TurnReport:
        """The report of the next turn."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.turns.get()

    async def heard(self, sound: np.ndarray, times: int = 1) -> None:
        """Waits until the loudspeaker has played a sound so often."""
        await self.recorder.until(lambda: self.recorder.count(sound) >= times)

    async def quiet(self) -> None:
        """Waits until the loudspeaker has been silent for a second."""
        await self.recorder.until(lambda: not np.any(np.concatenate(self.recorder.heard[-50:] or [np.ones(1)])))

    async def stop(self) -> None:
        """Ends the satellite."""
        await cancel(self.running)

    async def kill(self, kind: str) -> None:
        """Ends a server; what it was doing is lost."""
        await self.servers.pop(kind).stop()

    async def revive(self, kind: str, service: Service) -> None:
        """Puts a server at the address of the one that was killed."""
        server = WyomingServer(self.uris[kind], [service])
        await server.start()
        self.servers[kind] = server


def settings_for(uris: dict[str, str], **satellite: Any) -> Settings:
    """Settings with these servers."""
    settings = load(file=None, environment={})
    section = dataclasses.replace(SatelliteSection(name="test", uri="none"), peers=PeersSection(**uris), **satellite)
    network = dataclasses.replace(settings.network, zeroconf=False)
    return dataclasses.replace(settings, satellite=section, network=network)


@asynccontextmanager
async def satellite(
    services: dict[str, Service], tmp_path: Path, devices: tuple[Room, Recorder] | None = None, **section: Any
) -> AsyncIterator[Rig]:
    """A satellite that is ready to listen. services: by kind, every kind that there is. devices: in place of a quiet room's."""
    rig = Rig(*devices or ())
    async with AsyncExitStack() as stack:
        for kind in KINDS:
            if kind in services:
                server = WyomingServer(f"unix://{tmp_path}/{kind}.sock", [services[kind]])
                await server.start()
                rig.servers[kind] = server
            rig.uris[kind] = f"unix://{tmp_path}/{kind}.sock"
        settings = settings_for(rig.uris, **section)
        work = satellite_loop.run(settings, rig.turns.put_nowait, rig.ready.set, microphone=rig.room, speaker=rig.recorder)
        rig.running = asyncio.create_task(work, name="satellite")
        stack.push_async_callback(_stop, rig.running, rig)
        if "wake" in services:
            async with asyncio.timeout(PATIENCE_S):
                await rig.ready.wait()
            await rig.room.hear(seconds(0.5))  # nobody speaks the moment the satellite is switched on
        yield rig


async def _stop(running: asyncio.Task, rig: Rig) -> None:
    await cancel(running)
    for server in rig.servers.values():
        await server.stop()
    if not running.cancelled() and (error := running.exception()):
        raise error


def seconds(count: float) -> np.ndarray:
    """So much silence at 16 kHz."""
    return np.zeros(round(count * RATE_HZ), np.int16)


def overlap(heard: np.ndarray, spoken: np.ndarray) -> float:
    """How much of `spoken` is in `heard`: the greatest correlation, 0 to 1. Both (n,) int16."""
    padded = np.pad(heard.astype(np.float64), len(spoken))
    spectrum = np.fft.rfft(padded) * np.conj(np.fft.rfft(spoken.astype(np.float64), len(padded)))
    at = int(np.argmax(np.fft.irfft(spectrum, len(padded))))
    there, wanted = padded[at : at + len(spoken)], spoken.astype(np.float64)
    return float(np.dot(there, wanted) / np.dot(wanted, wanted))
