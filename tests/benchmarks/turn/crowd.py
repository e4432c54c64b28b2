"""Many satellites of ours in one process, each with a room of its own, and nothing else: its processor time is theirs.

`python -m turn.crowd FOLDER COUNT URIS`: says "ready" when all listen; at each line on its standard input it says, as JSON, what it has
cost since the last one and which turns were committed.
"""

import asyncio
import dataclasses
import json
import logging
import math
import resource
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import numpy as np

from wyoming_servers.satellite import loop as satellite_loop
from wyoming_servers.satellite.microphones import Microphone, at_the_clocks_pace
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ, Pull, Speaker
from wyoming_servers.shared.audio import FRAME_SAMPLES
from wyoming_servers.shared.tasks import TaskOwner

from .apart import Effort
from .day import Commit, commits_noted, settings_for
from .tape import Rooms

_BLOCK_S, _EXACT_S = 0.02, 0.002
_APART_S = 0.037
"""Between the starts of two satellites: their frames come at different times, as in different rooms."""


class TapeMicrophone(Microphone):
    """Gives what was put into its room."""

    name = "the tape"

    def __init__(self, rooms: Rooms, room: int) -> None:
        self._rooms, self._room = rooms, room

    async def frames(self) -> AsyncIterator[np.ndarray]:
        ring = self._rooms.microphone(self._room)
        self._rooms.opened[self._room, 0] = asyncio.get_running_loop().time()
        async for number in at_the_clocks_pace():
            yield ring.read(number * FRAME_SAMPLES, FRAME_SAMPLES)
            self._rooms.given[self._room] = (number + 1) * FRAME_SAMPLES


class TapeLoudspeaker(Speaker):
    """Takes its samples at the pace of the clock, when there is something to be heard, as a sound card does."""

    name = "the tape"

    def __init__(self, rooms: Rooms, room: int) -> None:
        self._rooms, self._room = rooms, room
        self._owner = TaskOwner()
        rooms.opened[room, 1] = asyncio.get_running_loop().time()

    async def open(self, pull: Pull) -> None:
        self._owner.start(self._play(pull), "the loudspeaker")

    async def close(self) -> None:
        await self._owner.close()

    async def _play(self, pull: Pull) -> None:
        """Where the time of the next sound matters, little is taken at a time, and what comes too late is heard late."""
        ring, now = self._rooms.loudspeaker(self._room), asyncio.get_running_loop().time
        began, exact_from = self._rooms.opened[self._room, 1], self._rooms.exact_from
        taken = round((now() - began) * PLAYBACK_RATE_HZ)
        while True:
            passed = round((now() - began) * PLAYBACK_RATE_HZ)
            exact = now() >= exact_from[self._room]
            taken = max(taken, passed) if exact else taken
            due = max(taken, passed + round((_EXACT_S if exact else _BLOCK_S) * PLAYBACK_RATE_HZ))
            sound = pull(due - taken)
            ring.write(taken, sound)
            if exact and sound.any():
                exact_from[self._room] = math.inf
            taken = due
            await asyncio.sleep(taken / PLAYBACK_RATE_HZ - now() + began)


async def _live(folder: Path, count: int, uris: Mapping[str, str]) -> None:
    rooms, effort, without_mb = Rooms(folder, count), Effort(), _memory_mb()
    commits: list[tuple[int, Commit]] = []

    def note(satellite_id: str, commit: Commit) -> None:
        commits.append((int(satellite_id.split("-")[1]), commit))

    with commits_noted(note):
        async with asyncio.TaskGroup() as group, effort.watched():
            living = []
            ready = [asyncio.Event() for _ in range(count)]
            for room in range(count):
                settings = settings_for(uris, f"bench-{room}", slow=False)
                devices = {"microphone": TapeMicrophone(rooms, room), "speaker": TapeLoudspeaker(rooms, room)}
                living.append(group.create_task(satellite_loop.run(settings, lambda _: None, ready[room].set, **devices)))
                await asyncio.sleep(_APART_S)
            await asyncio.gather(*(each.wait() for each in ready))
            print("ready", flush=True)
            while await asyncio.to_thread(sys.stdin.readline):
                told = [(room, {**dataclasses.asdict(commit), "waits_s": list(commit.waits_s.items())}) for room, commit in commits]
                commits.clear()
                print(json.dumps({"effort": effort.told(), "commits": told, "memory_mb": _memory_mb() - without_mb}), flush=True)
            for task in living:
                task.cancel()


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # what overload makes satellites warn of is in the figures
    asyncio.run(_live(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))
