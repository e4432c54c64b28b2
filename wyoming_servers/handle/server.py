"""The Wyoming face of the intent server: `transcript`, `recognize`, and the links to satellites."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled
from wyoming.info import Artifact, Attribution, HandleModel, HandleProgram
from wyoming.intent import Entity, Intent, IntentsStart, IntentsStop, NotRecognized

from .. import __version__
from ..shared import paths, templates
from ..shared.context import intents_dirs
from ..shared.engine_host import EngineHost
from ..shared.errors import EngineError, InvalidRequestError
from ..shared.protocol import encode_event
from ..shared.service import Peer, Service, Session
from ..shared.settings import Settings
from ..shared.tasks import TaskOwner
from ..shared.templates import Templates
from ..shared.tool import Clock
from . import ledger
from .clock import SystemClock
from .conversation import Conversations
from .http import Web
from .links import Links, satellite_from
from .matcher import Matcher
from .phrases import COMMON, family, read_responses
from .router import Answer, Request, Router, Step
from .toolbox import Languages, Toolbox, ToolHome

_LOGGER = logging.getLogger(__name__)
_SUBSCRIBE = "earshot-subscribe"
_MAX_ID_CHARS = 200
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
        sentences: Templates | None = None,
    ) -> None:
        """The machine's clock, the shipped and the owner's tools, and the sentence templates that the settings name, unless given."""
        self._settings = settings
        self._sentences = sentences
        self._clock = clock or SystemClock()
        self._tool_folders = tool_folders or (paths.content("tools"), paths.data_dir() / "tools")
        self._language = family(settings.language)
        self.events = frozenset({"transcript", "recognize", _SUBSCRIBE})
        self.links = Links()
        self._shared: dict[str, Any] = {}
        self._owner = TaskOwner()
        self._ready = asyncio.Event()

    async def prepare(self) -> None:
        """Reads sentences and tools.

        Raises: SettingsError that names the file or the option; UnsupportedLanguageError.
        """
        await asyncio.to_thread(self._prepare)

    async def start(self) -> None:
        """Warms up the matcher and starts the tools."""
        self._matching.start()
        self._owner.start(self._bring_up(), "start tools")

    def programs(self) -> Sequence[Artifact]:
        """One program with one model."""
        speaks = self._languages.has(self._language, COMMON)
        common = {"attribution": Attribution(name="Earshot", url=""), "installed": speaks, "version": __version__}
        model = HandleModel(name="templates", description="Sentence templates and tools", languages=[self._language], **common)
        return [
            HandleProgram(
                name="earshot",
                description="Timers, time and date, by sentence templates",
                models=[model],
                supports_handled_streaming=True,
                **common,
            )
        ]

    def session(self, peer: Peer) -> Session:
        """One connection."""
        return HandleSession(self, peer)

    async def stop(self) -> None:
        """Ends tools and threads."""
        await self._owner.close()
        await self.toolbox.stop()
        await self.web.close()
        await self._matching.close()

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
        settings, folders = self._settings, intents_dirs(self._settings)
        loaded = self._sentences or templates.load(settings.language, settings.house, folders, scope="text")
        self._languages = Languages(self._language, {self._language: read_responses(self._language, folders)})
        if not self._languages.has(self._language, COMMON):
            _LOGGER.warning("Earshot has no answers in language %r yet; it can only say that it does not understand", self._language)
        own = settings.handle.database
        self._database = Path(own).expanduser() if own else paths.state_dir() / "timers.db"
        kept = self._database.parent if own else paths.cache_dir()
        self.web = Web(settings.network, self._database.with_name(ledger.FILE_NAME), kept / "web.db", self._clock.now)
        self.toolbox = Toolbox(self._tool_folders, settings.handle.tools, self._home)
        self.toolbox.load()
        self.events |= self.toolbox.events
        conjunctions = self._languages.phrases(self._language, COMMON).items("conjunctions")
        self._matching = EngineHost("templates", lambda: Matcher(loaded, conjunctions), slots=1, waiting=settings.handle.waiting)
        conversations = Conversations(self._clock.steady)
        self.router = Router(self._matching, self.toolbox, self._languages, conversations, settings.handle.deadline_s)

    def _home(self, tool: str) -> ToolHome:
        web, house = self.web.http(tool), self._settings.house
        return ToolHome(tool, self._clock, self._database, self._languages, self.links, web, house, self._shared)

    async def _bring_up(self) -> None:
        try:
            await self.toolbox.start()
        finally:
            self._ready.set()
        await self._matching.ready()
        _LOGGER.info("handle: ready")


class HandleSession(Session):
    """One connection: any number of sentences, one after the other, and perhaps a link."""

    busy = False  # every event is a whole request

    def __init__(self, service: HandleService, peer: Peer) -> None:
        self._service = service
        self._peer = peer

    async def handle(self, event: Event) -> None:
        """Takes one event."""
        data = event.data or {}
        if event.type == "transcript":
            await self._send(_answer_events(await self._service.router.answer(self._request(data))))
        elif event.type == "recognize":
            await self._send(_intent_events(await self._service.router.recognize(self._request(data))))
        else:
            await self._link_event(event.type, data)

    async def close(self) -> None:
        """Closes the link, if it was one."""
        self._service.links.leave(self._peer)

    async def _link_event(self, event_type: str, data: Mapping[str, Any]) -> None:
        links, toolbox = self._service.links, self._service.toolbox
        if event_type == _SUBSCRIBE:
            satellite = satellite_from(data)
            await self._service.ready()
            links.leave(self._peer)
            links.join(satellite, self._peer, toolbox.greeting(satellite))
            await toolbox.joined(satellite)
        elif satellite := links.of(self._peer):
            await toolbox.satellite_event(satellite, event_type, data)
        else:
            _LOGGER.debug("%s sent %r without a link", self._peer.name, event_type)

    def _request(self, data: Mapping[str, Any]) -> Request:
        """Everything but the text may be missing or of a type we do not know.

        Raises: InvalidRequestError.
        """
        text = data.get("text")
        if not isinstance(text, str):
            raise InvalidRequestError("a sentence must come as text")
        context = data.get("context")
        context = context if isinstance(context, dict) else {}
        satellite_id = _id(context, "satellite_id") or _id(context, "device_id")
        satellite = self._service.links.get(satellite_id)
        return Request(
            text=text,
            language=_id(data, "language") or _id(context, "language"),
            conversation_id=_id(context, "conversation_id"),
            satellite_id=satellite_id,
            area=_id(context, "area") or (satellite.area if satellite else ""),
        )

    async def _send(self, events: Sequence[Event]) -> None:
        """All in one piece."""
        for event in events[:-1]:
            self._peer.send_soon(encode_event(event))
        await self._peer.send(events[-1])


def _id(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value[:_MAX_ID_CHARS] if isinstance(value, str) else ""


def _answer_events(answer: Answer) -> list[Event]:
    context = answer.context()
    if not answer.handled:
        return [NotHandled(text=answer.text, context=context).event()]
    handled = Handled(text=answer.text, context=context).event()
    if not answer.text:
        return [handled]
    return [HandledStart(context=context).event(), HandledChunk(text=answer.text).event(), handled, HandledStop().event()]


def _intent_events(answer: Answer) -> list[Event]:
    context = answer.context()
    if not answer.handled:
        return [NotRecognized(text=answer.text, context=context).event()]
    intents = [_intent(step, context).event() for step in answer.steps]
    if len(intents) == 1:
        return intents
    return [IntentsStart(context=context).event(), *intents, IntentsStop(context=context).event()]


def _intent(step: Step, context: dict[str, Any]) -> Intent:
    entities = [Entity(name=name, value=value) for name, value in step.slots.items()]
    return Intent(name=str(step.intent), entities=entities, context=context)
