"""One day in the house: the same scenes for every arm, each turn measured on what the loudspeaker played."""

import asyncio
import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from wyoming_servers.satellite import loop as satellite_loop
from wyoming_servers.satellite.gate import MOST_GUESSES
from wyoming_servers.satellite.listening import Listening
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.satellite.speculation import PAUSE_S
from wyoming_servers.shared.audio import RATE_HZ
from wyoming_servers.shared.patience import Prospect, prospect_of
from wyoming_servers.shared.settings import KINDS, PeersSection, SatelliteSection, Settings, load
from wyoming_servers.shared.tasks import cancel

from .baselines import Baseline
from .coding import BLOCK, Reader, Run
from .engines import Engines, engines_apart, engines_here
from .house import WAKE_SOUND, Busy, House
from .path import Path as CriticalPath
from .path import Rules, path_of
from .profile import Profile
from .rooms import Loudspeaker, Room
from .scenes import SCENES, Scene, house_of
from .spoken import Saying

ARMS = ("ours", "ha", "seq")
_GAP_S = 0.6  # between the wake word and the command
_QUIET_S = 1.0  # an answer has ended when nothing of it was heard for so long
_SILENT_S = 6.0  # and there is none when nothing came for so long after the end of speech, and no engine works
_LATEST_S = 180.0
_SATELLITE = SatelliteSection(name="bench", uri="none", handle_s=_LATEST_S)


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
    path: CriticalPath | None
    """What it costs at least; None for the other arms, and when nothing was heard."""
    heard: tuple[str, ...]
    """Texts as they were spoken, in order."""
    effects: int
    """How often something was carried out."""
    work: tuple[Busy, ...] = ()
    """What the engines did; times as above."""

    @property
    def efficiency(self) -> float:
        """1 when nothing was lost."""
        return self.path.critical_s / self.v2v_s if self.path and self.v2v_s else 0.0

    @property
    def overhead_s(self) -> float | None:
        """What was lost."""
        return self.v2v_s - self.path.critical_s if self.path and self.v2v_s else None

    @property
    def wasted(self) -> float:
        """Seconds of work that was given up for each second that was not."""
        used, lost = (sum(work.end - work.begin for work in self.work if work.used is kind) for kind in (True, False))
        return lost / used if used else 0.0


@dataclass(frozen=True)
class Commit:
    """When a turn was committed."""

    at: float
    """Loop time."""
    speech_end: int | None = None
    """Position in the room's sound, in samples, where the satellite takes the user's speech to end: that a frame came late does not
    change it, as it does every clock."""
    waits_s: Mapping[Prospect | None, float] = field(default_factory=dict)
    """How long it would have waited after what; longer than usual after pauses that this speaker made before."""


@dataclass
class Day:
    """What is running."""

    house: House
    engines: Engines
    room: Room = field(default_factory=Room)
    loudspeaker: Loudspeaker = field(default_factory=Loudspeaker)
    commits: list[Commit] = field(default_factory=list)
    reports: list[TurnReport] = field(default_factory=list)
    """What the satellite says of its turns; nothing is measured by it."""
    woken: Callable[[int], None] = field(default=lambda _: None)
    name: str = "bench"
    """The satellite's."""


async def live(arm: str, profile: Profile, names: Sequence[str] | None = None, *, apart: bool = False, seed: int = 0) -> list[Measured]:
    """Scenes one after the other, by one arm; None for every one once. In virtual time when the running loop is.

    apart: with the engines in a process of their own. seed: of the room's noise.
    """
    house = house_of(profile, SCENES)
    async with engines_of(house, apart) as engines, running(arm, Day(house, engines, Room(seed))) as day:
        return [await take_turn(day, arm, scene, saying) for scene, saying in chosen(house, names)]


def chosen(house: House, names: Sequence[str] | None = None) -> list[tuple[Scene, Saying]]:
    """Scenes by name that this house can answer, with their sound; None for all."""
    there = {scene.name: (scene, house.sayings[at]) for at, scene in enumerate(SCENES, 1) if house.profile.llm or not scene.needs_llm}
    return [there[name] for name in (there if names is None else names) if name in there]


@asynccontextmanager
async def engines_of(house: House, apart: bool) -> AsyncIterator[Engines]:
    """Those of a house; apart: in a process of their own."""
    if apart:
        async with engines_apart(house.profile.name) as engines:
            yield engines
    else:
        with tempfile.TemporaryDirectory() as folder:
            async with engines_here(house, Path(folder)) as engines:
                yield engines


async def take_turn(day: Day, arm: str, scene: Scene, saying: Saying) -> Measured:
    """The wake word, what is said, and what is heard of the answer."""
    engines, room = day.engines, day.room
    await engines.refresh()
    before, effects, commits = len(engines.work), len(engines.effects), len(day.commits)
    day.loudspeaker.heard()
    wake = day.house.sayings[WAKE_SOUND].samples
    wake_end = room.play(wake) + len(wake)
    room.play(np.zeros(round(_GAP_S * RATE_HZ), np.int16))
    day.woken(wake_end)
    speech_end = room.play(saying.samples) + saying.speech_end
    ended = room.clock(speech_end)
    spoken = await _until_quiet(day, ended)
    at = [day.loudspeaker.clock(run.at) - ended for run in spoken]
    last = max((start + run.samples / PLAYBACK_RATE_HZ for start, run in zip(at, spoken, strict=True)), default=None)
    commit = day.commits[-1] if len(day.commits) > commits else None
    work = tuple(_since(ended, each) for each in engines.work[before:])
    return Measured(
        arm,
        day.house.profile.name,
        scene.name,
        min(at, default=None),
        last,
        _stalls(spoken),
        commit and commit.at - ended,
        _path(day, scene, saying, work, commit, speech_end) if commit and arm == "ours" else None,
        tuple(engines.spoken[number] for number in dict.fromkeys(run.sound for run in spoken)),
        len(engines.effects) - effects,
        work,
    )


def _path(day: Day, scene: Scene, saying: Saying, work: Sequence[Busy], commit: Commit, speech_end: int) -> CriticalPath | None:
    """work: of this turn; times count from the end of the user's speech, which is at this position."""
    asked = [each.begin for each in work if each.kind == "asr"]
    ended = day.room.clock(speech_end)
    guessed = not asked or len(asked) <= MOST_GUESSES or asked[-1] < commit.at - ended
    return path_of(work, scene, rules_of(day.house, saying.text, commit, speech_end, guessed=guessed))


def rules_of(house: House, text: str, commit: Commit, speech_end: int, *, guessed: bool = True) -> Rules:
    """How long a turn waits on purpose whose speech ends at this position of the microphone.

    guessed: False when the recogniser could be asked at the commit only, because as often as may be it was asked in vain before."""
    lag_s = 0.0 if commit.speech_end is None else (commit.speech_end - speech_end) / RATE_HZ
    unknown_s = commit.waits_s[None]
    if house.profile.slow or not guessed:
        return Rules(lag_s, unknown_s, unknown_s)
    return Rules(lag_s, PAUSE_S, commit.waits_s[prospect_of(house.prospect(text))])


def _since(zero: float, work: Busy) -> Busy:
    return dataclasses.replace(work, begin=work.begin - zero, first=work.first - zero, end=work.end - zero)


def _stalls(spoken: list[Run]) -> float:
    """Silence within the answer, in seconds."""
    gaps = [after.at - before.at - before.samples for before, after in pairwise(spoken)]
    return sum(gap for gap in gaps if gap > BLOCK) / PLAYBACK_RATE_HZ  # marks come in whole blocks


async def _until_quiet(day: Day, ended: float) -> list[Run]:
    """What of the answer was heard, once it has ended."""
    now = asyncio.get_running_loop().time
    reader, origin, seen, changed_at = Reader(), None, -1, now()
    await asyncio.sleep(ended - now())
    day.loudspeaker.exact = True
    while now() < ended + _LATEST_S:
        await asyncio.sleep(_QUIET_S / 2)
        await day.engines.refresh()
        at, samples = day.loudspeaker.heard()
        origin = at if origin is None else origin
        reader.feed(samples)
        total = sum(run.samples for run in reader.runs)
        if total != seen or not day.engines.idle:
            seen, changed_at = total, now()
        if day.engines.idle and now() > changed_at + (_QUIET_S if total else _SILENT_S):
            return [dataclasses.replace(run, at=run.at + origin) for run in reader.runs]
    return []


@asynccontextmanager
async def running(arm: str, day: Day, settle_s: float = 1.0, **settings: Any) -> AsyncIterator[Day]:
    """Somebody listens to the day's room. settings: of the satellite, where they are not the usual ones."""
    ready = asyncio.Event()
    with contextlib.ExitStack() as stack:
        if arm == "ours":
            stack.enter_context(commits_noted(lambda who, commit: day.commits.append(commit) if who.startswith(f"{day.name}-") else None))
            given = settings_for(day.engines.uris, day.name, slow=day.house.profile.slow, **settings)
            work = satellite_loop.run(given, day.reports.append, ready.set, microphone=day.room, speaker=day.loudspeaker)
        else:
            baseline = Baseline(arm, day.engines.uris, day.room, day.loudspeaker, lambda at: day.commits.append(Commit(at)))
            day.woken = baseline.woken.put_nowait
            work = baseline.run()
            ready.set()
        running = asyncio.create_task(work, name=arm)
        try:
            await ready.wait()
            await asyncio.sleep(settle_s)
            yield day
        finally:
            await cancel(running)
            if not running.cancelled() and (error := running.exception()):
                raise error


@contextlib.contextmanager
def commits_noted(note: Callable[[str, Commit], None]) -> Iterator[None]:
    """Tells when a turn is committed, with the id of its satellite: nothing else tells it to the sample."""
    commit = Listening.commit

    def noted(self: Listening, **settled: bool) -> None:
        waits_s = {prospect: self._speculation.wait_s(prospect) for prospect in (None, *Prospect)}
        note(self.turn._asker.satellite_id, Commit(asyncio.get_running_loop().time(), self.speech_end, waits_s))
        commit(self, **settled)

    Listening.commit = noted
    try:
        yield
    finally:
        Listening.commit = commit


def settings_for(uris: Mapping[str, str], name: str, *, slow: bool, **more: Any) -> Settings:
    """A satellite's, with these peers. slow: nothing is done on suspicion."""
    settings = load(file=None, environment={})
    more = {"speculate": "off" if slow else "auto"} | more
    peers = PeersSection(**{kind: uris[kind] for kind in KINDS})
    section = dataclasses.replace(_SATELLITE, name=name, peers=peers, **more)
    network = dataclasses.replace(settings.network, zeroconf=False)
    return dataclasses.replace(settings, satellite=section, network=network)
