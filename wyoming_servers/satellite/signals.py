"""The satellite's own sounds on its loudspeaker, and when it lets be heard that it is still at work."""

import asyncio

import numpy as np

from ..shared.tasks import TaskOwner
from . import chimes
from .home_turn import ROUTE as HOME_ROUTE
from .playback import Player
from .report import TurnReport

QUIET_INTENTS = ("EarshotStop", "HassNevermind")
"""Who says that wants silence."""
_NAMES = ("wake", "done", "error", "muted", "unmuted", "working")
_FIRST_S = 1.2  # of silence after a command: people begin to wonder
_AGAIN_S = 8.0


class Signals:
    """Belongs to the state machine."""

    def __init__(self, player: Player, owner: TaskOwner, *, wanted: bool) -> None:
        """wanted: False when the owner has switched them off."""
        self._player = player
        self._owner = owner
        self._sounds = {name: getattr(chimes, name)() for name in _NAMES} if wanted else {}
        self._waiting: asyncio.Task | None = None

    def sound(self, name: str) -> np.ndarray | None:
        """(n,) int16 at the player's rate; None when it is not wanted."""
        return self._sounds.get(name)

    def play(self, name: str) -> None:
        """One of them, behind what is being heard."""
        if name in self._sounds:
            self._player.play(self._sounds[name])

    def end(self, report: TurnReport, *, addressed: bool) -> None:
        """The end of a turn in which somebody spoke to us, and nothing is said in answer."""
        if report.ended == "empty" or (report.ended == "answered" and not report.answer):
            done = report.handled or report.route == HOME_ROUTE  # to Home Assistant it is no failure that nothing was understood
            if addressed or report.intent not in QUIET_INTENTS:
                self.play("done" if done else "error")

    def wait(self) -> None:
        """A command has ended: until `answered`, silence is broken now and then. Nothing that is to be heard waits for that."""
        self.answered()
        if self._sounds:
            self._waiting = self._owner.start(self._wait(), "still at work")

    def answered(self) -> None:
        """Nobody waits any more."""
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    async def _wait(self) -> None:
        pause_s = _FIRST_S
        while True:
            await asyncio.sleep(pause_s)
            if not self._player.playing:
                self._player.play(self._sounds["working"], gives_way=True)
            pause_s = _AGAIN_S
