"""How loud this satellite is: changed while it runs, and remembered."""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..shared import paths

_LOGGER = logging.getLogger(__name__)


class Loudness:
    """The volume in percent of the loudest, which is sound as it comes, or what the settings say when that is louder still."""

    def __init__(self, name: str, configured: float, apply: Callable[[float], None], folder: Path | None = None) -> None:
        """What was set before counts until the owner changes the settings. Blocking.

        name: the satellite's. configured: satellite.volume. apply: called with each new loudness, 1 is as it comes.
        folder: where it is remembered; None means Earshot's state folder.
        """
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]  # a name may hold anything, a file name must not
        self._file = (folder or paths.state_dir()) / f"volume-{digest}.json"
        self._configured = configured
        self._loudest = max(1.0, configured)
        self._apply = apply
        self._percent = round(100 * configured / self._loudest)
        self._muted = False
        self._read()
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
            await asyncio.to_thread(self._write, {**self.state(), "configured": self._configured})
        return self.state()

    def _use(self) -> None:
        self._apply(0.0 if self._muted else self._percent / 100 * self._loudest)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads(self._file.read_text("utf-8"))
            if isinstance(kept, dict) and kept.get("configured") == self._configured and _is_number(kept.get("percent")):
                self._percent, self._muted = _within(kept["percent"]), kept.get("muted") is True

    def _write(self, kept: Mapping[str, Any]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(kept, out)
            Path(draft).replace(self._file)
        except OSError as err:
            _LOGGER.warning("the volume is not remembered: %s cannot be written: %s", self._file, err.strerror)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1000


def _within(percent: float) -> int:
    return min(100, max(0, round(percent)))
