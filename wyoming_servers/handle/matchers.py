"""The matchers of all languages: the house's is there from the start, others from their first use on, changed ones are exchanged."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping

from ..shared.engine_host import EngineHost
from ..shared.errors import BusyError, EngineError
from ..shared.patience import Prospect
from ..shared.tasks import TaskOwner
from .matcher import Context, Match, Matcher

_LOGGER = logging.getLogger(__name__)


class Matchers:
    """Loads matchers off the loop and gives sentences to them. At most so many languages are kept; the longest unused goes first."""

    def __init__(self, load: Callable[[str], Matcher], default: str, *, waiting: int, most: int) -> None:
        """load: makes the matcher of a language; blocking, on a thread of its own. default: the language that is always kept."""
        self._load = load
        self._default = default
        self._waiting = waiting
        self._most = most
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._owner = TaskOwner()

    def start(self) -> None:
        """Begins to load the house's language."""
        self._entry(self._default)

    async def ready(self) -> None:
        """Waits until the house's language is loaded.

        Raises: EngineError when it cannot be.
        """
        await self._entry(self._default).host.ready()

    def loaded(self) -> list[str]:
        """Languages in use, also those that still load; the longest unused first."""
        return list(self._entries)

    async def match(self, language: str, text: str, context: Context, patience_s: float) -> tuple[Match, ...] | None:
        """What is understood; None when the language is not loaded after so many seconds, which goes on. For the house's language it waits.

        Raises: BusyError; EngineError when the language cannot be loaded.
        """
        entry = self._entry(language)
        entry.users += 1
        try:
            if language != self._default and not await self._loads_within(entry, patience_s):
                return None
            async with entry.host.slot() as slot:
                return await slot.run(slot.engine.match, text, context)
        except EngineError:
            if entry.host.engine is None and self._entries.get(language) is entry and language != self._default:
                self._retire(self._entries.pop(language))  # the next sentence tries again
            raise
        finally:
            entry.users -= 1
            entry.unused()

    async def prospect(self, language: str, text: str, context: Context) -> Prospect | None:
        """What may still follow; None when the language is not loaded, which is begun, or has too much to do."""
        entry = self._entry(language)
        if entry.host.engine is None:
            return None
        entry.users += 1
        try:
            async with entry.host.slot() as slot:
                return await slot.run(slot.engine.prospect, text, context)
        except BusyError:
            return None
        finally:
            entry.users -= 1
            entry.unused()

    async def exchange(self, matchers: Mapping[str, Matcher], then: Callable[[], None]) -> None:
        """Puts matchers in the place of those in use, all in one moment, and calls `then` in it. Sentences under way end as they
        began."""
        fresh = {language: _Entry(self._host(language, lambda made=made: made)) for language, made in matchers.items()}
        try:
            for entry in fresh.values():
                entry.host.start()
                await entry.host.ready()
        except BaseException:
            for entry in fresh.values():
                await entry.host.close()
            raise
        old = [self._entries[language] for language in fresh if language in self._entries]
        self._entries.update(fresh)
        then()
        for entry in old:
            self._retire(entry)

    async def close(self) -> None:
        """Ends all threads."""
        await self._owner.close()
        entries, self._entries = list(self._entries.values()), OrderedDict()
        for entry in entries:
            await entry.host.close()

    def _entry(self, language: str) -> "_Entry":
        entry = self._entries.get(language)
        if entry is None:
            entry = _Entry(self._host(language, lambda: self._load(language)))
            self._entries[language] = entry
            entry.host.start()
            self._forget_one()
        self._entries.move_to_end(language)
        return entry

    def _host(self, language: str, load: Callable[[], Matcher]) -> EngineHost[Matcher]:
        return EngineHost(f"templates-{language}", load, slots=1, waiting=self._waiting)

    def _forget_one(self) -> None:
        others = [name for name in self._entries if name != self._default]
        if len(self._entries) > self._most and len(others) > 1:
            _LOGGER.info("language %s was not used for the longest time and is put away", others[0])
            self._retire(self._entries.pop(others[0]))

    async def _loads_within(self, entry: "_Entry", patience_s: float) -> bool:
        if entry.host.engine is None:
            try:
                async with asyncio.timeout(patience_s):
                    await entry.host.ready()
            except TimeoutError:
                return False
        return True

    def _retire(self, entry: "_Entry") -> None:
        self._owner.start(self._close_unused(entry), "put a language away")

    async def _close_unused(self, entry: "_Entry") -> None:
        try:
            await entry.idle()
        finally:
            await entry.host.close()


class _Entry:
    """One language's matcher and how many sentences it has."""

    def __init__(self, host: EngineHost[Matcher]) -> None:
        self.host = host
        self.users = 0
        self._idle = asyncio.Event()

    def unused(self) -> None:
        """Tells a waiting `idle` that the last user has gone."""
        if not self.users:
            self._idle.set()

    async def idle(self) -> None:
        """Waits until nobody uses it."""
        while self.users:
            self._idle.clear()
            await self._idle.wait()
