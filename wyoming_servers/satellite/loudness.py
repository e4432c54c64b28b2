"""How loud this satellite is: changed while it runs, and remembered."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .remembered import Remembered


class Loudness:
    """The volume in percent of the loudest, which is sound as it comes, or what the settings say when that is louder still."""

    def __init__(self, name: str, configured: float, apply: Callable[[float], None], folder: Path | None = None) -> None:
        """What was set before counts until the owner changes the settings. Blocking.

        name: the satellite's. configured: satellite.volume. apply: called with each new loudness, 1 is as it comes.
        folder: where it is remembered; None means Earshot's state folder.
        """
        self._remembered = Remembered("volume", name, configured, folder)
        self._loudest = max(1.0, configured)
        self._apply = apply
        self._percent = round(100 * configured / self._loudest)
        self._muted = False
        kept = self._remembered.read()
        if _is_number(kept.get("percent")):
            self._percent, self._muted = _within(kept["percent"]), kept.get("muted") is True
        self.told: Callable[[dict[str, Any]], None] = lambda state: None
        """Called with the new state after every change."""
        self._use()

    def state(self) -> dict[str, Any]:
        """As it is told to the intent server."""
        return {"percent": self._percent, "muted": self._muted}

    async def change(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Does what `earshot-volume` asks for, keeps it, and tells how loud it is now. What makes no sense changes nothing."""
        percent, by, muted = wanted.get("percent"), wanted.get("by"), wanted.get("muted")
        before = self.state()
        if _is_number(percent):
            self._percent, self._muted = _within(percent), False
        elif _is_number(by):
            self._percent, self._muted = _within(self._percent + by), False
        if isinstance(muted, bool):
            self._muted = muted
        if self.state() != before:
            self._use()
            self.told(self.state())
            await asyncio.to_thread(self._remembered.write, self.state())
        return self.state()

    def _use(self) -> None:
        self._apply(0.0 if self._muted else self._percent / 100 * self._loudest)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1000


def _within(percent: float) -> int:
    return min(100, max(0, round(percent)))
