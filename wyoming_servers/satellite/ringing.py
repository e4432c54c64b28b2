"""Timers, alarms and reminders that are due: a sound and a spoken sentence, again and again, until the user or the clock ends it."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from .links import FinishedTimer
from .playback import Player

_SAY_AGAIN = 4  # the sentence is spoken with every so many rings
_LOUDER = (1.0, 1.4, 2.0)
_LOUDER_AFTER = 8  # rings, about half a minute


class Ringing:
    """What rings now. Changed by the state machine only; `run` is its sound."""

    def __init__(self, player: Player, sound: np.ndarray, say: Callable[[str], Awaitable[None]], ring_s: float) -> None:
        """say: speaks a sentence to its end; must not raise AssistantError. ring_s: how long it rings after the last timer."""
        self._player = player
        self._sounds = [np.clip(sound * gain, -32768, 32767).astype(sound.dtype) for gain in _LOUDER]
        self._say = say
        self._ring_s = ring_s
        self._until = 0.0
        self._unsaid: list[FinishedTimer] = []
        self._said: dict[str, int] = {}
        self.timers: dict[str, FinishedTimer] = {}
        """By id, in the order they finished."""

    def add(self, timer: FinishedTimer) -> None:
        """Rings for this one as well."""
        if timer.id not in self.timers:
            self.timers[timer.id] = timer
            self._said[timer.id] = 0
            self._unsaid.append(timer)
            if not timer.times:
                self._until = asyncio.get_running_loop().time() + self._ring_s

    def remove(self, timer_id: str) -> None:
        """Rings no more for this one."""
        if timer := self.timers.pop(timer_id, None):
            self._unsaid = [other for other in self._unsaid if other != timer]
            del self._said[timer_id]

    async def run(self) -> None:
        """Rings until nothing is left to ring for, at the latest `ring_s` after the last timer; each is said at least once, and what is to
        be said so many times, as often."""
        rings = 0
        while self._goes_on():
            sound = self._sounds[min(rings // _LOUDER_AFTER, len(self._sounds) - 1)]
            await self._player.play(sound, rings=True).over()
            rings += 1
            if rings % _SAY_AGAIN == 0:
                self._unsaid = [timer for timer in self.timers.values() if not timer.times or self._is_owed(timer)]
            while self._unsaid:
                timer = self._unsaid.pop(0)
                self._said[timer.id] += 1
                await self._say(timer.text)

    def _goes_on(self) -> bool:
        in_time = asyncio.get_running_loop().time() < self._until
        return bool(self._unsaid) or any(self._is_owed(timer) if timer.times else in_time for timer in self.timers.values())

    def _is_owed(self, timer: FinishedTimer) -> bool:
        return self._said[timer.id] < timer.times
