"""Turns in real time: engines in a process of their own, real sockets. What is left above the critical path is ours."""

import asyncio
import selectors
from collections.abc import Sequence
from dataclasses import dataclass, field

from .apart import Effort
from .day import Measured, live
from .lag import loop_lag
from .profile import load

PROFILES = ("zero", "spark", "h100")
_SCENES = ("s1", "s2-0.3", "s3", "s4")
_SEEDS = 3


@dataclass
class RealTime:
    """What was measured."""

    turns: list[Measured] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    """How late the event loop was, every 5 ms."""
    waited: float = 0.0
    """The share of the time in which this process could have gone on and had no processor."""


def run(turns_per_profile: int, arms: Sequence[str] = ("ours",)) -> RealTime:
    """So many turns of each arm in each house, in three parts; arms and houses take turns, so that the machine's moods hit all."""
    measured, effort = RealTime(), Effort()
    scenes = [_SCENES[at % len(_SCENES)] for at in range(-(-turns_per_profile // _SEEDS))]
    for seed in range(_SEEDS):
        for profile in PROFILES:
            for arm in arms:
                with asyncio.Runner(loop_factory=_exact_loop) as runner:
                    runner.run(_part(measured, arm, profile, scenes, seed))
    measured.waited = effort.told()["waited"]
    return measured


def _exact_loop() -> asyncio.AbstractEventLoop:
    """epoll's timers are up to 1 ms late, and the room and the loudspeaker of the benchmark are nothing but timers."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def _part(measured: RealTime, arm: str, profile: str, scenes: Sequence[str], seed: int) -> None:
    async with loop_lag(measured.lags_s):
        measured.turns += await live(arm, load(profile), scenes, apart=True, seed=seed)
