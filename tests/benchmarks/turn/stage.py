"""A house in which things go wrong: what is said, when, over what is being answered, and what is heard of it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import RATE_HZ

from .coding import Reader, Run
from .day import Commit, Day, running
from .engines import engines_here
from .house import WAKE_SOUND, Busy
from .profile import load
from .scenes import Scene, house_of
from .shim import Shim

_POLL_S = 0.005
_PATIENCE_S = 120.0


class Stage:
    """What can be done and seen while a satellite runs. Times are the loop's."""

    def __init__(self, day: Day, scenes: Sequence[Scene], to_voice: Shim | None = None) -> None:
        self.house = day.house
        self.engines = day.engines
        self.to_voice = to_voice
        """The network between satellite and voice; None where there is none."""
        self._day = day
        self._numbers = {scene.name: at for at, scene in enumerate(scenes, 1)}
        self._reader = Reader()
        self._origin: int | None = None
        self._loud: list[float] = []
        self._recording: list[np.ndarray] = []

    @property
    def commits(self) -> list[Commit]:
        """Of all turns so far."""
        return self._day.commits

    @property
    def reports(self) -> list:
        """Of all turns that are over."""
        return self._day.reports

    def say(self, name: str, *, wake: bool = True, gap_s: float = 0.6, late_s: float = 0.0, softer_db: float = 0.0) -> tuple[float, float]:
        """A scene's words, after the wake word or without; returns when they begin and end.

        late_s, softer_db: how much later and softer than usual all of it is heard here.
        """
        room, saying = self._day.room, self.house.sayings[self._numbers[name]]
        room.play(np.zeros(round(late_s * RATE_HZ), np.int16))
        if wake:
            room.play(self.house.sayings[WAKE_SOUND].softer(softer_db))
            room.play(np.zeros(round(gap_s * RATE_HZ), np.int16))
        began = room.play(saying.softer(softer_db))
        return room.clock(began), room.clock(began + saying.speech_end)

    def make_sound(self, samples: np.ndarray) -> tuple[float, float]:
        """Anything else, (n,) int16 at 16 kHz; returns when it begins and ends."""
        began = self._day.room.play(samples)
        return self._day.room.clock(began), self._day.room.clock(began + len(samples))

    def jam(self) -> float:
        """The loudspeaker takes nothing any more; returns since when."""
        self._day.loudspeaker.stuck = True
        return self.now

    def wake(self) -> float:
        """The wake word alone; returns when it ends."""
        return self.make_sound(self.house.sayings[WAKE_SOUND].samples)[1]

    async def until(self, condition: Callable[[], bool], every_s: float = _POLL_S) -> None:
        """Waits for something that can be seen or heard; looks so often."""
        async with asyncio.timeout(_PATIENCE_S):
            while not condition():
                await asyncio.sleep(every_s)
                self._listen()
                await self.engines.refresh()

    async def pass_by(self, seconds: float, every_s: float = _POLL_S) -> None:
        """So much time goes by."""
        until = self.now + seconds
        await self.until(lambda: self.now >= until, every_s)

    @property
    def now(self) -> float:
        """The time."""
        return asyncio.get_running_loop().time()

    @property
    def speech(self) -> list[tuple[float, float, str]]:
        """What was heard of answers: from when to when, and which text."""
        return [(self._at(run.at), self._at(run.at + run.samples), self.engines.spoken.get(run.sound, "")) for run in self._runs]

    def heard_since(self, moment: float) -> bool:
        """Whether anything at all was heard after this, chimes included."""
        return any(at > moment for at in self._loud)

    def times_of(self, chime: np.ndarray) -> list[float]:
        """When exactly this sound, (n,) int16 at PLAYBACK_RATE_HZ, was heard: its beginnings."""
        whole, sought = (samples.astype("<i2").tobytes() for samples in (np.concatenate(self._recording), chime))
        times, at = [], whole.find(sought)
        while at >= 0:
            times.append(self._at(at // 2))
            at = whole.find(sought, at + 2)
        return times

    def work(self, kind: str) -> list[Busy]:
        """What one kind of engine did."""
        return [work for work in self.engines.work if work.kind == kind]

    @property
    def _runs(self) -> list[Run]:
        return self._reader.runs

    def _at(self, position: int) -> float:
        return self._day.loudspeaker.clock(position + (self._origin or 0))

    def _listen(self) -> None:
        at, samples = self._day.loudspeaker.heard()
        self._origin = at if self._origin is None else self._origin
        self._reader.feed(samples)
        self._recording.append(samples)
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 100)
        if len(loud):
            self._loud.append(self._day.loudspeaker.clock(at) + int(loud[-1]) / PLAYBACK_RATE_HZ)


@asynccontextmanager
async def staged(scenes: Sequence[Scene], profile: str = "zero", gone: Sequence[str] = (), **settings: Any) -> AsyncIterator[Stage]:
    """A house that knows these scenes, with a satellite of ours in it. gone: kinds of servers that are not there."""
    house = house_of(load(profile), scenes)
    with tempfile.TemporaryDirectory() as folder:
        shim = Shim(Path(folder) / "to-tts.sock", Path(folder) / "tts.sock")
        async with engines_here(house, Path(folder)) as engines, shim.open():
            nowhere = {kind: f"unix://{folder}/nowhere.sock" for kind in gone}
            engines.uris = {**engines.uris, "tts": shim.uri, **nowhere}
            async with running("ours", Day(house, engines), **settings) as day:
                yield Stage(day, scenes, shim)
