"""Turns in real time: engines in a process of their own, real sockets. What is left above the critical path is ours."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from wyoming_servers.shared.tasks import cancel

from .day import Measured, live
from .profile import load

PROFILES = ("zero", "spark", "h100")
_SCENES = ("s1", "s2-0.3", "s3", "s4")
_SEEDS = 3
_TICK_S = 0.005


@dataclass
class RealTime:
    """What was measured."""

    turns: list[Measured] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    """How late the event loop was, every 5 ms."""


def run(turns_per_profile: int, arms: Sequence[str] = ("ours",)) -> RealTime:
    """So many turns of each arm in each house, in three parts; arms and houses take turns, so that the machine's moods hit all."""
    measured = RealTime()
    scenes = [_SCENES[at % len(_SCENES)] for at in range(-(-turns_per_profile // _SEEDS))]
    for seed in range(_SEEDS):
        for profile in PROFILES:
            for arm in arms:
                asyncio.run(_part(measured, arm, profile, scenes, seed))
    return measured


async def _part(measured: RealTime, arm: str, profile: str, scenes: Sequence[str], seed: int) -> None:
    async with loop_lag(measured.lags_s):
        measured.turns += await live(arm, load(profile), scenes, apart=True, seed=seed)


@asynccontextmanager
async def loop_lag(lags_s: list[float]) -> AsyncIterator[None]:
    """Adds how late the event loop is, as long as this is open."""

    async def sample() -> None:
        now = asyncio.get_running_loop().time
        while True:
            due = now() + _TICK_S
            await asyncio.sleep(_TICK_S)
            lags_s.append(now() - due)

    sampling = asyncio.create_task(sample(), name="lag of the loop")
    try:
        yield
    finally:
        await cancel(sampling)
