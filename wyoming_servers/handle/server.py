"""The Wyoming face of the intent server: `transcript`, `recognize`, and the links to satellites."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wyoming.info import Artifact, Attribution, HandleModel, HandleProgram

from .. import __version__
from ..shared import ledger, paths, templates
from ..shared.errors import EngineError
from ..shared.gate import Gate
from ..shared.service import Peer, Service, Session
from ..shared.settings import Settings
from ..shared.tasks import TaskOwner
from ..shared.tool import Clock, Endpoint
from .calls import Calls
from .clock import SystemClock
from .conversation import Conversations
from .fallback import Fallback, Hands
from .handing_over import HOME
from .http import Web
from .links import Links
from .matcher import Matcher
from .router import Patience, Router
from .session import PROVISIONAL, SPOKEN, SUBSCRIBE, HandleSession
from .toolbox import Toolbox, ToolHome
from .turns import TURNS, Turns
from .understanding import Understanding
from .wakes import WOKEN, Wakes

_LOGGER = logging.getLogger(__name__)
_LLM, _LLM_WHY = "llm", "an answer of the language model"
"""How the egress ledger names what is sent to a language model outside the house."""
_START_S = 20.0  # tools have 15 s to start


def serve(settings: Settings) -> "HandleService":
    """The intent server of this house."""
    return HandleService(settings)


class HandleService(Service):
    """Sentence templates, tools, conversations, and satellites to tell about timers."""

    kind = "handle"
    router: Router
    toolbox: Toolbox
    web: Web

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        tool_folders: Sequence[Path] | None = None,
        matcher: Matcher | None = None,
        fallback: Callable[[Settings, Hands, Gate], Fallback | None] | None = None,
    ) -> None:
        """The machine's clock, the shipped and the owner's tools, the house language's sentences and the language model that the settings
        name, unless given."""
        self._settings = settings
        self._understanding = Understanding(settings, matcher)
        self._open_fallback = fallback or _agent
        self._clock = clock or SystemClock()
        self._tool_folders = tool_folders or (paths.content("tools"), paths.data_dir() / "tools")
        self.events = frozenset({"transcript", "recognize", PROVISIONAL, SUBSCRIBE, SPOKEN, TURNS, WOKEN})
        self.links = Links()
        self.wakes = Wakes(self.links.send, self._clock.steady)
        self.turns = Turns(settings.web, self._clock.now)
        self._shared: dict[str, Any] = {}
        self._owner = TaskOwner()
        self._prepared = False
        self._ready = asyncio.Event()

    async def prepare(self) -> None:
        """Reads sentences and tools.

        Raises: SettingsError that names the file or the option; UnsupportedLanguageError.
        """
        await asyncio.to_thread(self._prepare)

    async def start(self) -> None:
        """Warms up the matcher of the house's language, starts the tools and what answers behind them, and watches the sentences."""
        self._understanding.matchers.start()
        self._owner.start(self._bring_up(), "start tools")
        self._owner.start(self._understanding.watch(), "watch sentences")
        self._owner.start(self._understanding.follow(), "follow the names of the house")
        self._understanding.source.start()

    @property
    def revision(self) -> int:
        """Goes up whenever there is something to be said in another language."""
        return self._understanding.revision

    def programs(self) -> Sequence[Artifact]:
        """One program with one model. A language model answers in every language; without one those count that tools speak."""
        answered = self._understanding.answered()
        languages = [*answered, *(name for name in templates.languages() if self._fallback and name not in answered)]
        common = {"attribution": Attribution(name="Earshot", url=""), "installed": bool(languages), "version": __version__}
        model = HandleModel(name="templates", description="Sentence templates and tools", languages=languages, **common)
        return [
            HandleProgram(
                name="earshot",
                description="Sentence templates and tools, and a language model where one is set up",
                models=[model],
                supports_handled_streaming=True,
                supports_home_control=self.toolbox.has(HOME),
                **common,
            )
        ]

    def session(self, peer: Peer) -> Session:
        """One connection."""
        return HandleSession(self, peer)

    async def stop(self) -> None:
        """Ends tools and threads."""
        await self._owner.close()
        if not self._prepared:
            return
        await self._understanding.source.stop()
        if self._fallback:
            await self._fallback.stop()
        await self.toolbox.stop()
        await self.web.close()
        await self._understanding.matchers.close()

    async def ready(self) -> None:
        """Waits until the tools have started.

        Raises: EngineError when that takes too long.
        """
        try:
            async with asyncio.timeout(_START_S):
                await self._ready.wait()
        except TimeoutError:
            raise EngineError("the intent server is still starting; try again") from None

    def _prepare(self) -> None:
        settings, understanding = self._settings, self._understanding
        understanding.prepare()
        own = settings.handle.database
        self._database = Path(own).expanduser() if own else paths.state_dir() / "timers.db"
        kept = self._database.parent if own else paths.cache_dir()
        self.web = Web(settings.network, self._database.with_name(ledger.FILE_NAME), kept / "web.db", self._clock.now)
        self.toolbox = Toolbox(self._tool_folders, settings.handle.tools, self._home)
        self.toolbox.load()
        self.events |= self.toolbox.events
        conversations = Conversations(self._clock.steady)
        calls = Calls(self.toolbox, understanding.languages, conversations)
        self._fallback = self._open_fallback(settings, calls, self.web.gate(_LLM, _LLM_WHY))
        patience = Patience(settings.handle.deadline_s, settings.handle.language_s)
        self.router = Router(understanding.matchers, calls, conversations, self._fallback, understanding.house_language, patience)
        self._prepared = True

    def _home(self, tool: str) -> ToolHome:
        understanding, web = self._understanding, self.web.http(tool)
        home = ToolHome(tool, self._clock, self._database, understanding.languages, self.links, web, understanding.source, self._shared)
        home.toolbox = self.toolbox
        llm = self._settings.llm
        home.endpoint = Endpoint(llm.base_url, llm.key, llm.key_file)
        return home

    async def _bring_up(self) -> None:
        try:
            await self.toolbox.start()
        finally:
            self._ready.set()
        if self._fallback:
            self._owner.start(self._fallback.start(), "start the language model")
        await self._understanding.matchers.ready()
        _LOGGER.info("handle: ready")


def _agent(settings: Settings, hands: Hands, gate: Gate) -> Fallback | None:
    """The language model, where there is one: nobody else pays for its libraries."""
    if not settings.llm.base_url:
        return None
    from .agent import open_agent

    return open_agent(settings, hands, gate)
