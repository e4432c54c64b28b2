"""Many satellites at once, all of them in turns all the time: what one processor core carries, and what the slowest turn loses by it."""

import asyncio
import random
import resource
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from .day import Day, Measured, chosen, engines_of, running, take_turn
from .profile import load
from .real_time import loop_lag
from .rooms import Room
from .scenes import SCENES, house_of

_PROFILE = "zero"
_SCENES = ("s1", "s2-0.3", "s3")


@dataclass(frozen=True)
class Load:
    """What so many satellites cost."""

    satellites: int
    turns: Sequence[Measured]
    cores: float
    """Processor time of all satellites, for each second."""
    satellite_mb: float
    """Memory of one."""
    lags_s: Sequence[float]


async def load_of(satellites: int, turns_each: int) -> Load:
    """Satellites in this process, engines in another. Each takes its turns one after the other, begun at random."""
    house = house_of(load(_PROFILE), SCENES)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lags: list[float] = []
    async with engines_of(house, apart=True) as engines, AsyncExitStack() as stack:
        days = [Day(house, engines, Room(seed), name=f"bench-{seed}", alone=False) for seed in range(satellites)]
        for day in days:
            await stack.enter_async_context(running("ours", day, settle_s=0.0))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        await asyncio.sleep(2.0)
        began, used = time.monotonic(), time.process_time()
        async with loop_lag(lags):
            turns = await asyncio.gather(*(_turns(day, turns_each) for day in days))
        cores = (time.process_time() - used) / (time.monotonic() - began)
    return Load(satellites, [turn for each in turns for turn in each], cores, memory / 1024 / satellites, lags)


async def _turns(day: Day, count: int) -> list[Measured]:
    scenes = chosen(day.house, _SCENES)
    await asyncio.sleep(random.Random(day.name).uniform(0.0, 4.0))
    return [await take_turn(day, "ours", *scenes[at % len(scenes)]) for at in range(count)]
