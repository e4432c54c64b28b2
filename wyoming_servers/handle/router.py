"""What is done with a sentence: templates, then the tool they lead to, else an honest answer."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..shared.engine_host import EngineHost
from ..shared.errors import AssistantError, DeadlineError, ToolError
from ..shared.tool import ToolContext, Turn
from .conversation import Conversations
from .matcher import Match, Matcher
from .phrases import COMMON, SectionPhrases, apology, family
from .toolbox import Languages, Toolbox

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """One sentence, and who says it."""

    text: str
    language: str = ""
    """BCP 47; empty means the house's."""
    conversation_id: str = ""
    """Empty starts a new conversation."""
    satellite_id: str = ""
    area: str = ""


@dataclass(frozen=True)
class Step:
    """What became of one command of a sentence."""

    handled: bool
    text: str
    """A finished sentence; empty when nothing is to be said."""
    route: str
    """`template`, `no-tool`, `no-language` or `none`."""
    intent: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    tool: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the tool tells besides its sentence."""

    def told(self) -> dict[str, Any]:
        """How it came about, as JSON."""
        told = {"intent": self.intent, "slots": dict(self.slots), "tool": self.tool, "route": self.route}
        return told | ({"data": dict(self.data)} if self.data else {})


@dataclass(frozen=True)
class Answer:
    """What is said, and how it came about."""

    conversation_id: str
    steps: tuple[Step, ...]
    """One for most sentences; never empty."""
    ms: float
    """From request to answer."""

    @property
    def handled(self) -> bool:
        """True when every command was."""
        return all(step.handled for step in self.steps)

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(step.text for step in self.steps if step.text)

    def context(self) -> dict[str, Any]:
        """For the `context` of the Wyoming event."""
        earshot = self.steps[0].told() | {"ms": self.ms}
        if len(self.steps) > 1:
            earshot["steps"] = [step.told() for step in self.steps]
        return {"conversation_id": self.conversation_id, "earshot": earshot}


class Router:
    """Answers sentences. Any number at a time."""

    def __init__(
        self, matching: EngineHost[Matcher], toolbox: Toolbox, languages: Languages, conversations: Conversations, deadline_s: float
    ) -> None:
        """matching: matchers for the language that is `languages.default`. deadline_s: for one sentence."""
        self._matching = matching
        self._toolbox = toolbox
        self._languages = languages
        self._conversations = conversations
        self._deadline_s = deadline_s

    async def answer(self, request: Request) -> Answer:
        """Carries it out.

        Raises: BusyError, EngineError; DeadlineError with a sentence in the request's language.
        """
        return await self._timed(request, self._carry_out)

    async def recognize(self, request: Request) -> Answer:
        """Only finds out what is meant; nothing happens. `handled` says whether anything was understood.

        Raises: BusyError, EngineError, DeadlineError.
        """
        return await self._timed(request, self._understand)

    async def _timed(self, request: Request, work: Callable[[Request, str], Awaitable[tuple[Step, ...]]]) -> Answer:
        begun = time.perf_counter()
        request = replace(request, conversation_id=request.conversation_id or uuid.uuid4().hex)
        language = family(request.language or self._languages.default)
        try:
            async with asyncio.timeout(self._deadline_s):
                steps = await work(request, language)
        except TimeoutError:
            raise DeadlineError(await self._sentence(language, "too_slow")) from None
        answer = Answer(request.conversation_id, steps, round((time.perf_counter() - begun) * 1000, 2))
        for step in steps:
            _LOGGER.info("%s: %s by %s in %.1f ms", step.route, step.intent or "nothing fits", step.tool or "nobody", answer.ms)
        _LOGGER.debug("%r: %r", request.text, answer.text)
        return answer

    async def _carry_out(self, request: Request, language: str) -> tuple[Step, ...]:
        matches = await self._match(request.text, language)
        if not matches:
            return (await self._nothing(request, language),)
        steps = []
        for match in matches:
            step = await self._do(match, request, language)
            self._conversations.add(request.conversation_id, Turn(request.text, step.text, step.intent, step.slots, step.tool))
            steps.append(step)
        return tuple(steps)

    async def _understand(self, request: Request, language: str) -> tuple[Step, ...]:
        matches = await self._match(request.text, language)
        if not matches:
            return (await self._nothing(request, language),)
        return tuple(Step(True, "", "template", match.intent, match.slots) for match in matches)

    async def _nothing(self, request: Request, language: str) -> Step:
        if not request.text.strip():
            return Step(False, "", "none")
        step = Step(False, await self._sentence(language, "unknown"), "none" if language == self._languages.default else "no-language")
        self._conversations.add(request.conversation_id, Turn(request.text, step.text, None, {}, None))
        return step

    async def _do(self, match: Match, request: Request, language: str) -> Step:
        understood = Step(False, "", "no-tool", match.intent, match.slots)
        chosen = await self._toolbox.choose(match)
        if chosen is None or not self._speaks(chosen.tool, language):
            return replace(understood, text=await self._cannot(language, match.intent))
        context = ToolContext(
            language=language,
            phrases=self._languages.phrases(language, chosen.tool.name),
            satellite_id=request.satellite_id,
            area=request.area,
            conversation_id=request.conversation_id,
            history=self._conversations.history(request.conversation_id),
        )
        answered = replace(understood, tool=chosen.tool.name, route="template")
        try:
            result = await self._toolbox.call(chosen, context)
        except ToolError as err:
            return replace(answered, text=str(err))
        except AssistantError as err:
            return replace(answered, text=await self._sentence(language, "too_slow" if isinstance(err, DeadlineError) else "failed"))
        return replace(answered, handled=True, text=result.speech, data=result.data)

    async def _match(self, text: str, language: str) -> tuple[Match, ...]:
        if language != self._languages.default or not text.strip():
            return ()
        async with self._matching.slot() as slot:
            return await slot.run(slot.engine.match, text)

    def _speaks(self, tool: Any, language: str) -> bool:
        return language in tool.languages if tool.languages is not None else self._languages.has(language, tool.name)

    async def _sentence(self, language: str, key: str) -> str:
        """A common sentence; in a language without them, Home Assistant's apology."""
        if not self._languages.has(language, COMMON):
            return await asyncio.to_thread(apology, language) or self._common(self._languages.default).say(key)
        return self._common(language).say(key)

    async def _cannot(self, language: str, intent: str) -> str:
        if not self._languages.has(language, COMMON):
            return await self._sentence(language, "unknown")
        return self._common(language).cannot(intent)

    def _common(self, language: str) -> SectionPhrases:
        return self._languages.phrases(language, COMMON)
