"""The tools of this server: loads them, starts them, finds the one for an intent, and calls it with checked arguments and a deadline."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import voluptuous as vol

from ..shared.errors import (
    AssistantError,
    DeadlineError,
    InvalidRequestError,
    MissingSentenceError,
    SettingsError,
    ToolError,
    UnknownNameError,
)
from ..shared.house_source import HouseSource
from ..shared.only_telling import check_change, only_telling
from ..shared.plugins import Broken, load_tools, own_options, switched_on
from ..shared.schema import explain, validator
from ..shared.tool import Ability, Clock, Home, House, Http, Phrases, Satellite, Tool, ToolContext, ToolResult
from .languages import Languages
from .links import Links
from .matcher import Match

_LOGGER = logging.getLogger(__name__)
_START_S = 15.0
FORM = "response"
"""The argument that takes which form of answer a template asks for, for tools that have it."""


class ToolHome(Home):
    """What one tool gets."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        database: Path,
        languages: Languages,
        links: Links,
        http: Http,
        source: HouseSource,
        shared: dict[str, Any],
    ) -> None:
        self.clock = clock
        self.http = http
        self.devices = source.devices
        self.shared = shared
        self.database = database
        self._name = name
        self._languages = languages
        self._links = links
        self._source = source
        self.toolbox: Toolbox | None = None
        """All tools of the server."""

    @property
    def house(self) -> House:  # type: ignore[override]
        """The names of the house, as they are now."""
        return self._source.house

    def phrases(self, language: str) -> Phrases:
        """This tool's sentences."""
        return self._languages.phrases(language, self._name)

    async def abilities(self, language: str) -> Sequence[Ability]:
        """The tools that are on, can work, and speak this language."""
        spoken = self._languages
        there = [tool for _, tool in sorted((await self.toolbox.started()).items())] if self.toolbox else []
        able = [tool for tool in there if tool.able]
        speaking = [tool for tool in able if language in (tool.languages or ()) or spoken.has(language, tool.name)]
        return [Ability(tool.name, tool.description, spoken.phrases(language, tool.name)) for tool in speaking]

    def satellites(self) -> Sequence[Satellite]:
        """Those with an open link."""
        return self._links.satellites()

    def announce(self, satellite_id: str, event_type: str, data: Mapping[str, Any], *, asks: bool = False) -> bool:
        """Sends an event down a link."""
        if not asks:
            check_change(f"send {event_type} to a satellite")
        return self._links.send(satellite_id, event_type, data)


@dataclass(frozen=True)
class Chosen:
    """A tool and the arguments an intent means for it."""

    tool: Tool
    args: Any
    given: Mapping[str, Any]
    """Those that somebody gave; the others have their defaults."""

    @property
    def changes(self) -> bool:
        """Whether the call may change something."""
        return self.tool.changes_by(self.args)


class Toolbox:
    """All tools that work. Broken ones are reported and left out."""

    def __init__(self, folders: Sequence[Path], options: Mapping[str, Any], home: Callable[[str], Home]) -> None:
        """options: the owner's, by tool. home: makes what a tool of this name gets."""
        self._folders = folders
        self._options = options
        self._home = home
        self.tools: dict[str, Tool] = {}
        self.broken: list[Broken] = []
        self._loaded: list[tuple[type[Tool], Any]] = []
        self._made: list[Tool] = []
        self._settled: dict[str, asyncio.Event] = {}

    def load(self) -> None:
        """Imports the tools and checks their options. Blocking.

        Raises: SettingsError for options that a tool does not know.
        """
        classes, self.broken = load_tools(self._folders)
        if unknown := sorted(self._options.keys() - {cls.name for cls in classes} - {broken.name for broken in self.broken}):
            known = ", ".join(sorted(cls.name for cls in classes))
            raise SettingsError(f"handle.tools: no tool {unknown[0]!r} (there are: {known})")
        wanted = [cls for cls in classes if switched_on(self._options, cls.name)]
        self._loaded = [(cls, self._checked_options(cls)) for cls in wanted]
        self._settled = {cls.name: asyncio.Event() for cls in wanted}

    async def start(self) -> None:
        """Makes and starts every tool; each answers as soon as it has started."""
        async with asyncio.TaskGroup() as group:
            for cls, options in self._loaded:
                group.create_task(self._start(cls, options), name=f"start tool {cls.name}")
        _LOGGER.info("tools: %s", ", ".join(sorted(self.tools)) or "none")

    def has(self, name: str) -> bool:
        """Whether a tool is switched on, and not broken."""
        return any(cls.name == name for cls, _ in self._loaded) and name not in {broken.name for broken in self.broken}

    async def started(self) -> Mapping[str, Tool]:
        """The tools that work, once each has started or failed to."""
        for settled in self._settled.values():
            await settled.wait()
        return self.tools

    @property
    def events(self) -> frozenset[str]:
        """What the tools want from satellites."""
        return frozenset().union(*(cls.events for cls, _ in self._loaded))

    async def stop(self) -> None:
        """Stops every tool, also one that has not started yet; one that fails does not keep the others from it."""
        made, self._made, self.tools = self._made, [], {}
        for tool in made:
            try:
                async with asyncio.timeout(tool.deadline_s):
                    await tool.stop()
            except Exception:
                _LOGGER.exception("tool %s did not stop in order", tool.name)

    async def choose(self, match: Match) -> Chosen | None:
        """The tool for what was understood, once it has started; None when there is none, or none that takes these slots."""
        async for tool in self._answering(match.intent):
            arguments = {**tool.intents[match.intent], **match.slots}
            known = {item.name for item in fields(tool.Args)}
            if match.response and FORM in known:
                arguments[FORM] = match.response
            if unknown := arguments.keys() - known:
                _LOGGER.debug("tool %s does not take %s of %s", tool.name, ", ".join(sorted(unknown)), match.intent)
                continue
            try:
                return Chosen(tool, tool.Args(**validator(tool.Args)(arguments)), arguments)
            except vol.Invalid as err:
                _LOGGER.debug("tool %s refuses the slots of %s: %s", tool.name, match.intent, err)
        return None

    def named(self, name: str, arguments: Mapping[str, Any]) -> Chosen:
        """A tool by its name, with arguments that it takes.

        Raises: UnknownNameError; InvalidRequestError that says which argument is wrong.
        """
        tool = self.tools.get(name)
        if tool is None:
            raise UnknownNameError(f"no tool {name!r}; there are: {', '.join(sorted(self.tools))}")
        try:
            return Chosen(tool, tool.Args(**validator(tool.Args)(dict(arguments))), dict(arguments))
        except vol.Invalid as err:
            raise InvalidRequestError(f"{name}: {explain(err, tool.Args)}") from None

    async def _answering(self, intent: str) -> AsyncIterator[Tool]:
        """The tools for one intent that work, the one loaded last first: the owner's before the shipped."""
        for cls, _ in reversed(self._loaded):
            if intent in cls.intents:
                await self._settled[cls.name].wait()
                if tool := self.tools.get(cls.name):
                    yield tool

    async def call(self, chosen: Chosen, context: ToolContext) -> ToolResult:
        """One call.

        Raises: ToolError (a sentence to be spoken), DeadlineError, AssistantError for a tool that failed; its traceback is logged.
        """
        tool = chosen.tool
        try:
            async with asyncio.timeout(tool.deadline_s) as limit:
                if chosen.changes or not tool.changes:
                    return await tool.call(chosen.args, context)
                with only_telling(tool.name):
                    return await tool.call(chosen.args, context)
        except ToolError:
            raise
        except MissingSentenceError as err:
            _LOGGER.error("tool %s: %s", tool.name, err)
            raise AssistantError(f"tool {tool.name} failed") from err
        except Exception as err:
            if isinstance(err, TimeoutError) and limit.expired():
                _LOGGER.warning("tool %s took longer than %g s and was given up", tool.name, tool.deadline_s)
                raise DeadlineError(f"tool {tool.name} took longer than {tool.deadline_s:g} s") from err
            _LOGGER.exception("tool %s failed", tool.name)
            raise AssistantError(f"tool {tool.name} failed") from err

    def greeting(self, satellite: Satellite) -> dict[str, Any]:
        """What all tools tell a satellite that subscribes."""
        greeting: dict[str, Any] = {}
        for tool in self.tools.values():
            try:
                greeting |= tool.greeting(satellite)
            except Exception:
                _LOGGER.exception("tool %s failed to greet a satellite", tool.name)
        return greeting

    async def joined(self, satellite: Satellite) -> None:
        """Tells all tools that a link is open."""
        await self._tell(list(self.tools.values()), lambda tool: tool.joined(satellite))

    async def satellite_event(self, satellite: Satellite, event_type: str, data: Mapping[str, Any]) -> None:
        """Passes an event on to the tools that want it.

        Raises: InvalidRequestError.
        """
        wanting = [tool for tool in self.tools.values() if event_type in tool.events]
        await self._tell(wanting, lambda tool: tool.satellite_event(satellite, event_type, data))

    async def _tell(self, tools: Sequence[Tool], call: Callable[[Tool], Any]) -> None:
        for tool in tools:
            try:
                async with asyncio.timeout(tool.deadline_s):
                    await call(tool)
            except InvalidRequestError:
                raise
            except Exception:
                _LOGGER.exception("tool %s failed with an event of a satellite", tool.name)

    def _checked_options(self, cls: type[Tool]) -> Any:
        try:
            return cls.Options(**validator(cls.Options)(own_options(self._options, cls.name)))
        except vol.Invalid as err:
            raise SettingsError(f"handle.tools.{cls.name}: {explain(err, cls.Options)}") from None

    async def _start(self, cls: type[Tool], options: Any) -> None:
        try:
            tool = cls(options, self._home(cls.name))
            self._made.append(tool)
            async with asyncio.timeout(_START_S):
                await tool.start()
            self.tools[cls.name] = tool
        except Exception as err:  # any code may stand in a plugin
            self._skip(cls, err)
        self._settled[cls.name].set()

    def _skip(self, cls: type[Tool], err: Exception) -> None:
        _LOGGER.error("tool %s does not work and is skipped: %s", cls.name, err, exc_info=None if isinstance(err, ToolError) else err)
        self.broken.append(Broken(Path(cls.__module__), f"{type(err).__name__}: {err}"))
