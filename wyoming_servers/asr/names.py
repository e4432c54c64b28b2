"""The names and sentences of the house, followed while the recogniser runs."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..shared.engine_host import EngineHost
from ..shared.errors import AssistantError
from ..shared.house import House
from ..shared.house_source import HouseSource
from ..shared.sentence_watch import changes, look
from ..shared.tasks import TaskOwner
from .glossary import house_names

_LOGGER = logging.getLogger(__name__)


class Names:
    """What people call things here. The engine that has built something of it is told when it changes; others get it with each request."""

    def __init__(self, source: HouseSource, intents_dirs: Sequence[Path], reload_s: float) -> None:
        """intents_dirs: folders of sentences. reload_s: seconds between looks at them; 0 never looks."""
        self._source = source
        self._folders = intents_dirs
        self._reload_s = reload_s
        self._given = source.house
        self._said: tuple[House, tuple[str, ...]] = (source.house, ())
        self._owner = TaskOwner()
        self._news = asyncio.Event()

    def said(self) -> tuple[str, ...]:
        """Names that have come since the engine was loaded, for its next request; those before are in its context."""
        house = self._source.house
        if house is not self._said[0]:
            before = set(house_names(self._given))
            self._said = house, tuple(name for name in house_names(house) if name not in before)
        return self._said[1]

    def start(self, host: EngineHost[Any]) -> None:
        """Follows them, for the engine of `host`."""
        self._source.start()
        self._owner.start(self._follow_house(), "follow the names of the house")
        if self._reload_s:
            self._owner.start(self._follow_sentences(), "watch sentences")
        self._owner.start(self._renew(host), "renew what is heard")

    async def stop(self) -> None:
        """Ends that."""
        await self._owner.close()
        await self._source.stop()

    async def _follow_house(self) -> None:
        async for _ in self._source.changes():
            self._news.set()

    async def _follow_sentences(self) -> None:
        async for _ in changes(self._folders, await asyncio.to_thread(look, self._folders), self._reload_s):
            self._news.set()

    async def _renew(self, host: EngineHost[Any]) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                engine = await host.ready()
                await asyncio.to_thread(engine.renew, self._source.house)
                _LOGGER.info("asr: names and sentences were changed and are in use")
            except AssistantError as err:
                _LOGGER.error("asr: changed names or sentences are not used: %s; what was heard before stays in use", err)
            except Exception:  # hassil has errors of its own for templates that lead nowhere
                _LOGGER.exception("asr: changed names or sentences are not used; what was heard before stays in use")
