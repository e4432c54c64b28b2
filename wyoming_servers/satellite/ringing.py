"""Timers that have finished: a sound and a spoken sentence, again and again, until the user or the clock ends it."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from .links import FinishedTimer
from .playback import Player

_SAY_AGAIN = 4  # the sentence is spoken with every so many rings


class Ringing:
    """What rings now. Changed by the state machine only; `run` is its sound."""

    def __init__(self, player: Player, sound: np.ndarray, say: Callable[[str], Awaitable[None]], ring_s: float) -> None:
        """say: speaks a sentence to its end; must not raise AssistantError. ring_s: how long it rings after the last timer."""
        self._player = player
        self._sound = sound
        self._say = say
        self._ring_s = ring_s
        self._until = 0.0
        self._unsaid: list[FinishedTimer] = []
        self.timers: dict[str, FinishedTimer] = {}
        """By id, in the order they finished."""

    def add(self, timer: FinishedTimer) -> None:
        """Rings for this one as well."""
        if timer.id not in self.timers:
            self.timers[timer.id] = timer
            self._unsaid.append(timer)
            self._until = asyncio.get_running_loop().time() + self._ring_s

    def remove(self, timer_id: str) -> None:
        """Rings no more for this one."""
        if timer := self.timers.pop(timer_id, None):
            self._unsaid = [other for other in self._unsaid if other != timer]

    async def run(self) -> None:
        """Rings until nothing is left to ring for, at the latest `ring_s` after the last timer; each is said at least once."""
        rings = 0
        while self.timers and (self._unsaid or asyncio.get_running_loop().time() < self._until):
            await self._player.play(self._sound, rings=True).over()
            rings += 1
            if rings % _SAY_AGAIN == 0:
                self._unsaid = list(self.timers.values())
            while self._unsaid:
                await self._say(self._unsaid.pop(0).text)
