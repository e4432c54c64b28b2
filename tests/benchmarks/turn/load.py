"""Many satellites at once: what one processor core carries, and what the slowest turn loses by it.

Three processes: the satellites, the engines, and this one, which speaks at random moments and listens. Nothing is decoded before the
end. Where one of the others has no processor left, or this one is late, that is said, and nothing is held against the satellites.
"""

import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import RATE_HZ

from .apart import DISTURBED, Effort, apart
from .coding import BLOCK, Run, runs
from .day import Commit, chosen, rules_of
from .engines import Engines, engines_apart
from .house import SPEECH_PER_TOKEN_S, WAKE_SOUND, House
from .profile import load
from .scenes import SCENES, Scene, house_of
from .spoken import Saying
from .tape import Rooms

_PROFILE = "zero"
_SCENES = ("s1", "s2-0.3", "s2-0.6")
_GAP_S = 0.6  # between the wake word and the command
_BETWEEN_S = 1.0  # turns of one satellite, at the mean; how long is chance, as with people
_LEAD_S = 0.3  # what is said is in the room so much earlier than it sounds
_LATE_S = 1.0  # an answer that has not begun so long after its time is lost
_WARM_S = 8.0  # until then everybody has had a turn, which does not count
_READY_S = 120.0
_FULL = 0.9
"""Of a core: an engine process that needs more may be what a turn waits for."""
_Pipes = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""Output and input of a process."""


@dataclass(frozen=True)
class LoadTurn:
    """One turn."""

    lost_s: float | None
    """Above the critical path; None when the answer was not heard, or not whole."""
    took_s: float
    """From the wake word to the end of the answer."""


@dataclass(frozen=True)
class Load:
    """What so many satellites cost."""

    satellites: int
    turns: Sequence[LoadTurn]
    efforts: Mapping[str, Mapping[str, float]]
    """As `Effort.told`, by process: satellites, engines, rooms (this one)."""
    seconds: float
    """How long that was looked at."""
    satellite_mb: float
    """Memory of one."""
    unspoken: int
    """Turns that this process began too late."""

    @property
    def at_once(self) -> float:
        """Turns under way that came to their end, at the mean."""
        return sum(turn.took_s for turn in self.turns if turn.lost_s is not None) / self.seconds

    @property
    def lost_ms(self) -> list[float]:
        """Of those turns that were answered."""
        return [turn.lost_s * 1000 for turn in self.turns if turn.lost_s is not None]

    @property
    def unanswered(self) -> int:
        """Turns without an answer, or with one that was not whole."""
        return len(self.turns) - len(self.lost_ms)

    @property
    def disturbed(self) -> str:
        """Why this says little of the satellites; empty when it says all."""
        if self.unspoken:
            return f"not measured: this process was too busy to speak in time, {self.unspoken} times"
        engines, waited = self.efforts["engines"], max(effort["waited"] for effort in self.efforts.values())
        if engines["cores"] > _FULL:
            return f"not measured: the stand-in engines had no processor left ({engines['cores']:.2f} cores)"
        if waited > DISTURBED:
            return f"not measured: there was other work, one of the three processes waited {waited:.0%} of the time for a processor"
        return ""


@dataclass
class _Spoken:
    """What was said in one room, and what was heard after it."""

    room: int
    scene: Scene
    saying: Saying
    began: float
    speech_end: int
    """Position at the microphone."""
    ended: float
    """Loop time of that."""
    heard_from: float = 0.0
    heard: np.ndarray = field(default_factory=lambda: np.empty(0, np.int16))


async def load_of(satellites: int, seconds: float, warm_s: float = _WARM_S) -> Load:
    """So many satellites for so long, each in one turn after the other, with pauses of random length between them.

    warm_s: before that, for turns that do not count.
    """
    house = house_of(load(_PROFILE), SCENES)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        rooms = Rooms(Path(folder), satellites, made=True)
        async with (
            engines_apart(_PROFILE, never_repeats=True) as engines,
            apart("turn.crowd", folder, str(satellites), json.dumps(engines.uris)) as crowd,
        ):
            async with asyncio.timeout(_READY_S):
                if not await crowd[0].readline():
                    raise RuntimeError(f"{satellites} satellites could not be started; what they wrote above says why")
            speakers = [_Speaker(house, rooms, room) for room in range(satellites)]
            return await _measured(house, engines, crowd, speakers, warm_s, seconds)


async def _measured(house: House, engines: Engines, crowd: _Pipes, speakers: "Sequence[_Speaker]", warm_s: float, seconds: float) -> Load:
    effort, began = Effort(), time.monotonic() + warm_s
    async with effort.watched(), asyncio.TaskGroup() as group:
        for speaker in speakers:
            group.create_task(speaker.speak(warm_s / 2, began, began + seconds))
        await asyncio.sleep(began - time.monotonic())
        await _costs(crowd, engines, effort)
        await asyncio.sleep(began + seconds - time.monotonic())
        told, theirs, own = await _costs(crowd, engines, effort)
    last = await _told(crowd)
    commits: dict[int, list[Commit]] = {room: [] for room in range(len(speakers))}
    for room, commit in told["commits"] + last["commits"]:
        commits[room].append(Commit(commit["at"], commit["speech_end"], dict(commit["waits_s"])))
    return Load(
        len(speakers),
        [_turn(house, spoken, commits[spoken.room]) for speaker in speakers for spoken in speaker.spoken],
        {"satellites": told["effort"], "engines": theirs, "rooms": own},
        seconds,
        told["memory_mb"] / len(speakers),
        sum(speaker.unspoken for speaker in speakers),
    )


async def _costs(crowd: _Pipes, engines: Engines, effort: Effort) -> tuple[dict, dict, dict]:
    """Of satellites, engines, and this process, since this was asked last."""
    told, theirs = await asyncio.gather(_told(crowd), engines.effort())
    return told, theirs, effort.told()


async def _told(crowd: _Pipes) -> dict:
    crowd[1].write(b"\n")
    async with asyncio.timeout(_READY_S):
        return json.loads(await crowd[0].readline())


class _Speaker:
    """Who lives in one of the rooms."""

    def __init__(self, house: House, rooms: Rooms, room: int) -> None:
        self.spoken: list[_Spoken] = []
        self.unspoken = 0
        self._house, self._rooms, self._room = house, rooms, room
        self._random = random.Random(room)

    async def speak(self, within_s: float, began: float, until: float) -> None:
        """Turns until that loop time, the first at any moment within so many seconds; those before `began` do not count."""
        now, scenes = asyncio.get_running_loop().time, chosen(self._house, _SCENES)
        await asyncio.sleep(self._random.uniform(0.0, within_s))
        while now() < until:
            spoken = await self._take_turn(*self._random.choice(scenes))
            if began <= spoken.began < until:
                self.spoken.append(spoken)
            await asyncio.sleep(self._random.expovariate(1 / _BETWEEN_S))

    async def _take_turn(self, scene: Scene, saying: Saying) -> _Spoken:
        rooms, room, now = self._rooms, self._room, asyncio.get_running_loop().time
        silence = np.zeros(round(_GAP_S * RATE_HZ), np.int16)
        sound = np.concatenate((self._house.sayings[WAKE_SOUND].samples, silence, saying.samples))
        opened_at, heard_at = map(float, rooms.opened[room])
        at = round((now() + _LEAD_S - opened_at) * RATE_HZ)
        rooms.microphone(room).write(at, sound)
        if rooms.given[room] > at:
            self.unspoken += 1
        speech_end = at + len(sound) - len(saying.samples) + saying.speech_end
        ended = opened_at + speech_end / RATE_HZ
        answer_s = _answer_s(scene) + _LATE_S
        first, count = round((ended - heard_at) * PLAYBACK_RATE_HZ), round(answer_s * PLAYBACK_RATE_HZ)
        rooms.loudspeaker(room).write(first, np.zeros(count, np.int16))
        rooms.exact_from[room] = ended
        await asyncio.sleep(ended + answer_s - now())
        heard = rooms.loudspeaker(room).read(first, count)
        rooms.hush(room, at, len(sound))
        began = opened_at + at / RATE_HZ
        return _Spoken(room, scene, saying, began, speech_end, ended, heard_at + first / PLAYBACK_RATE_HZ, heard)


def _answer_s(scene: Scene) -> float:
    return (len(scene.answer.text.split()) + 1) * SPEECH_PER_TOKEN_S  # a word that makes it another one each time


def _turn(house: House, spoken: _Spoken, commits: Sequence[Commit]) -> LoadTurn:
    found = runs(spoken.heard)
    last_s = (found[-1].at + found[-1].samples) / PLAYBACK_RATE_HZ if found else 0.0
    took_s = spoken.heard_from + last_s - spoken.began
    commit = next((commit for commit in reversed(commits) if spoken.began < commit.at < spoken.ended + _LATE_S), None)
    if commit is None or not _is_whole(found, spoken.scene):
        return LoadTurn(None, took_s)
    v2v_s = spoken.heard_from + found[0].at / PLAYBACK_RATE_HZ - spoken.ended
    return LoadTurn(v2v_s - rules_of(house, spoken.saying.text, commit, spoken.speech_end).commit_s, took_s)


def _is_whole(found: Sequence[Run], scene: Scene) -> bool:
    """All of the answer, without a gap."""
    gaps = [after.at - before.at - before.samples for before, after in pairwise(found)]
    missing = _answer_s(scene) * PLAYBACK_RATE_HZ - sum(run.samples for run in found)
    return bool(found) and max(gaps, default=0) <= BLOCK and missing <= BLOCK * len(found)
