"""The microphone's switch: while it is off, no sound leaves this process. Remembered over restarts."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..shared.tasks import TaskOwner
from .remembered import Remembered


class Mute:
    """Off and on by the settings, by voice, by signal, by the intent server and by the owner's broker."""

    def __init__(self, name: str, configured: bool, folder: Path | None = None) -> None:
        """What was switched last counts until the owner changes the settings. Blocking.

        name: the satellite's. configured: satellite.muted. folder: where it is remembered; None means Earshot's state folder.
        """
        self._remembered = Remembered("microphone", name, configured, folder)
        muted = self._remembered.read().get("muted")
        self.muted = muted if isinstance(muted, bool) else configured
        """True while the microphone is off."""
        self.tell: Callable[[bool], Awaitable[None]] | None = None
        """Called with every change."""

    def state(self) -> dict[str, Any]:
        """As it is told to the intent server."""
        return {"muted": self.muted}

    async def change(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Does what `earshot-microphone` asks for and tells how it is now. What makes no sense changes nothing."""
        muted = wanted.get("muted")
        if isinstance(muted, bool) and muted != self.muted:
            self.muted = muted
            if self.tell:
                await self.tell(muted)
            await asyncio.to_thread(self._remembered.write, self.state())
        return self.state()

    async def toggle(self) -> None:
        """Off when it is on, on when it is off."""
        await self.change({"muted": not self.muted})

    @contextmanager
    def on_signal(self, owner: TaskOwner) -> Iterator[None]:
        """While inside, SIGUSR1 toggles it; where there are no signals (a thread, another system), nothing does."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(signal.SIGUSR1, lambda: owner.start(self.toggle(), "switch the microphone"))
        try:
            yield
        finally:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(signal.SIGUSR1)
