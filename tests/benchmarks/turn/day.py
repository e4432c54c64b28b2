"""One day in the house: the same scenes for every arm, each turn measured on what the loudspeaker played."""

import asyncio
import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from wyoming_servers.satellite import loop as satellite_loop
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.satellite.turn import Turn
from wyoming_servers.shared.audio import RATE_HZ
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import KINDS, PeersSection, SatelliteSection, Settings, load
from wyoming_servers.shared.tasks import cancel

from .answering import HandleStandIn
from .baselines import Baseline
from .coding import BLOCK, Run, runs
from .hearing import AsrStandIn, WakeStandIn
from .house import WAKE_SOUND, Busy, House
from .path import critical_s
from .profile import Profile
from .rooms import Loudspeaker, Room
from .scenes import Scene, prospects_of, sayings
from .speaking import TtsStandIn
from .spoken import Saying

ARMS = ("ours", "ha", "seq")
_GAP_S = 0.6  # between the wake word and the command
_QUIET_S = 1.0  # an answer has ended when nothing of it was heard for so long
_LATEST_S = 180.0


@dataclass(frozen=True)
class Measured:
    """One turn, in seconds; times count from the end of the user's speech."""

    arm: str
    profile: str
    scene: str
    v2v_s: float | None
    """To the first audible sample of the answer; None when there was none."""
    last_s: float | None
    """To its last sample."""
    stall_s: float
    """Silence between them that was not meant."""
    commit_s: float | None
    """To the decision that the user has finished."""
    critical_s: float
    """What the engines and the commit cost at least."""
    heard: tuple[str, ...]
    """Texts as they were spoken, in order."""
    effects: int
    """How often something was carried out."""
    work: tuple[Busy, ...] = ()
    """What the engines did; times as above."""

    @property
    def efficiency(self) -> float:
        """1 when nothing was lost."""
        return self.critical_s / self.v2v_s if self.v2v_s else 0.0


@dataclass
class _Day:
    house: House
    room: Room
    loudspeaker: Loudspeaker
    commits: list[float]
    woken: Callable[[int], None] = field(default=lambda _: None)


async def live(arm: str, profile: Profile, scenes: Sequence[Scene]) -> list[Measured]:
    """Every scene once, by one arm. In virtual time when the running loop is."""
    scenes = [scene for scene in scenes if profile.llm or not scene.needs_llm]
    sounds = sayings(scenes)
    answers = {sounds[at].text: scene.answer for at, scene in enumerate(scenes, 1)}
    house = House(profile, sounds, answers, prospects_of(scenes))
    async with _running(arm, house) as day:
        return [await _turn(day, arm, scene, sounds[at]) for at, scene in enumerate(scenes, 1)]


async def _turn(day: _Day, arm: str, scene: Scene, saying: Saying) -> Measured:
    house, room = day.house, day.room
    before, effects, commits = len(house.work), len(house.effects), len(day.commits)
    heard_before = len(day.loudspeaker.heard())
    wake = house.sayings[WAKE_SOUND].samples
    wake_end = room.play(wake) + len(wake)
    room.play(np.zeros(round(_GAP_S * RATE_HZ), np.int16))
    day.woken(wake_end)
    ended = room.clock(room.play(saying.samples) + saying.speech_end)
    spoken = await _until_quiet(day, ended, heard_before)
    at = [day.loudspeaker.clock(run.at) - ended for run in spoken]
    last = max((start + run.samples / PLAYBACK_RATE_HZ for start, run in zip(at, spoken, strict=True)), default=None)
    commit = day.commits[-1] - ended if len(day.commits) > commits else None
    work = tuple(
        dataclasses.replace(each, begin=each.begin - ended, first=each.first - ended, end=each.end - ended) for each in house.work[before:]
    )
    return Measured(
        arm,
        house.profile.name,
        scene.name,
        min(at, default=None),
        last,
        _stalls(spoken),
        commit,
        critical_s(house.profile, scene, saying, max(0.0, commit or 0.0)),
        tuple(house.spoken[number] for number in dict.fromkeys(run.sound for run in spoken)),
        len(house.effects) - effects,
        work,
    )


def _stalls(spoken: list[Run]) -> float:
    """Silence within the answer, in seconds."""
    gaps = [after.at - before.at - before.samples for before, after in pairwise(spoken)]
    return sum(gap for gap in gaps if gap > BLOCK) / PLAYBACK_RATE_HZ  # marks come in whole blocks


async def _until_quiet(day: _Day, ended: float, since: int) -> list[Run]:
    """What of the answer was heard, once it has ended."""
    now = asyncio.get_running_loop().time
    seen, changed_at = -1, now()
    while now() < ended + _LATEST_S:
        await asyncio.sleep(_QUIET_S / 2)
        samples = day.loudspeaker.heard()[since:]
        found = [dataclasses.replace(run, at=run.at + since) for run in runs(samples)]
        total = sum(run.samples for run in found)
        if total != seen:
            seen, changed_at = total, now()
        working = any(not work.end for work in day.house.work)
        if total and not working and now() > changed_at + _QUIET_S:
            return found
    return []


@asynccontextmanager
async def _running(arm: str, house: House) -> AsyncIterator[_Day]:
    day = _Day(house, Room(), Loudspeaker(), [])
    slots = house.profile
    services = {
        "wake": WakeStandIn(house),
        "asr": AsrStandIn(house, slots.asr.slots),
        "handle": HandleStandIn(house, slots.llm.slots if slots.llm else 1),
        "tts": TtsStandIn(house, slots.tts.slots),
    }
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        uris = {}
        for kind, service in services.items():
            server = WyomingServer(f"unix://{folder}/{kind}.sock", [service])
            await server.start()
            stack.push_async_callback(server.stop)
            uris[kind] = server.uri
        ready = asyncio.Event()
        if arm == "ours":
            stack.enter_context(_commits_noted(day.commits))
            work = satellite_loop.run(_settings(uris), _nothing, ready.set, microphone=day.room, speaker=day.loudspeaker)
        else:
            baseline = Baseline(arm, uris, day.room, day.loudspeaker)
            day.commits, day.woken = baseline.commits, baseline.woken.put_nowait
            work = baseline.run()
            ready.set()
        running = asyncio.create_task(work, name=arm)
        stack.push_async_callback(_end, running)
        await ready.wait()
        await asyncio.sleep(1.0)
        yield day


async def _end(running: asyncio.Task) -> None:
    await cancel(running)
    if not running.cancelled() and (error := running.exception()):
        raise error


@contextlib.contextmanager
def _commits_noted(times: list[float]):
    """Notes when turns are committed: nothing else tells it to the sample."""
    commit = Turn.commit

    def noted(self: Turn, *args, **kwargs) -> None:
        times.append(asyncio.get_running_loop().time())
        commit(self, *args, **kwargs)

    Turn.commit = noted
    try:
        yield
    finally:
        Turn.commit = commit


def _settings(uris: dict[str, str]) -> Settings:
    settings = load(file=None, environment={})
    section = dataclasses.replace(
        SatelliteSection(name="bench", handle_s=_LATEST_S), peers=PeersSection(**{kind: uris[kind] for kind in KINDS})
    )
    network = dataclasses.replace(settings.network, zeroconf=False)
    return dataclasses.replace(settings, satellite=section, network=network)


def _nothing(_: TurnReport) -> None:
    """The harness measures what was heard, not what was reported."""
