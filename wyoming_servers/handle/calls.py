"""Calls tools for whoever has understood something, and says in the user's language what became of it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..shared.errors import AssistantError, DeadlineError, NoAnswerError, ToolError
from ..shared.tool import Tool, ToolContext
from .conversation import Conversations
from .exchange import Request, Step
from .fallback import Hands
from .handing_over import HOME, is_theirs, lacks_room, their_answer, their_slots
from .languages import Languages
from .matcher import Match
from .phrases import COMMON, apology
from .toolbox import Chosen, Toolbox


class Calls(Hands):
    """The tools of this server, and the sentences they have in common."""

    def __init__(self, toolbox: Toolbox, languages: Languages, conversations: Conversations) -> None:
        self._toolbox = toolbox
        self.languages = languages
        self._conversations = conversations

    def tools(self) -> Sequence[Tool]:
        """Those a language model may call."""
        return [tool for _, tool in sorted(self._toolbox.tools.items()) if tool.offered]

    async def call(self, tool: str, arguments: Mapping[str, Any], request: Request, language: str, *, route: str, why: str) -> Step:
        """Calls a tool by name; see Hands."""
        chosen = self._toolbox.named(tool, arguments)
        intent = _intent_of(chosen.tool, arguments)
        means = chosen.tool.intents.get(intent or "", {})
        slots = {key: value for key, value in arguments.items() if key not in means}
        return await self.carry_out(chosen, Step(False, "", route, intent, slots, why=why), request, language)

    async def do(self, match: Match, request: Request, language: str, *, why: str) -> Step:
        """Does what a template means."""
        understood = Step(False, "", "no-tool", match.intent, match.slots, why="no tool does that")
        chosen = await self._toolbox.choose(match)
        if request.home_assistant and is_theirs(match, chosen.tool if chosen else None):
            return await self._hand_over(match, understood, language)
        if chosen is None or not self.speaks(chosen.tool, language):
            return replace(understood, text=await self.cannot(language, match.intent))
        return await self.carry_out(chosen, replace(understood, route="template", why=why), request, language)

    async def _hand_over(self, match: Match, understood: Step, language: str) -> Step:
        """Home Assistant does it; without a room, which it would not add, that is asked first."""
        step = replace(understood, handled=True, route="home-assistant", why="its devices are its own")
        if lacks_room(match):
            with contextlib.suppress(KeyError):
                if self.languages.has(language, HOME):
                    question = self.languages.phrases(language, HOME).say("which_room")
                    return replace(step, text=question, tool=HOME, ask="area", args=match.slots)
            return replace(step, handled=False, text=await self.cannot(language, match.intent))
        return replace(step, slots=their_slots(match), hand_over=await asyncio.to_thread(their_answer, language, match))

    async def carry_out(self, chosen: Chosen, understood: Step, request: Request, language: str) -> Step:
        """One call; `understood` with what became of it. One that may change something waits until the sentence is certain."""
        if chosen.changes:
            await request.commit.given()
        step = replace(understood, tool=chosen.tool.name, args=chosen.given)
        try:
            result = await self._toolbox.call(chosen, self._context(chosen.tool, request, language))
        except ToolError as err:
            return replace(step, text=str(err), open=isinstance(err, NoAnswerError))
        except AssistantError as err:
            return replace(step, text=await self.sentence("too_slow" if isinstance(err, DeadlineError) else "failed", language))
        changed = not result.ask and (chosen.changes if result.undo is None else bool(result.undo))
        return replace(step, handled=True, text=result.speech, data=result.data, ask=result.ask, undo=result.undo, changed=changed)

    def intents_of(self, tool: str) -> Sequence[str]:
        """What a tool answers; empty when it is not there."""
        found = self._toolbox.tools.get(tool)
        return list(found.intents) if found else []

    def speaks(self, tool: Tool, language: str) -> bool:
        """Whether a tool has sentences in a language."""
        return language in tool.languages if tool.languages is not None else self.languages.has(language, tool.name)

    def title(self, tool: str, language: str) -> str:
        """What a tool is called in a spoken sentence: `title` of its sentences, else its name."""
        try:
            return self.languages.phrases(language, tool).say("title")
        except KeyError:
            return tool.replace("_", " ")

    async def sentence(self, key: str, language: str, /, **values: Any) -> str:
        """A common sentence; in a language without it Home Assistant's apology, in one that Home Assistant does not know the house's."""
        with contextlib.suppress(KeyError):
            if self.languages.has(language, COMMON):
                return self.languages.phrases(language, COMMON).say(key, **values)
        return await asyncio.to_thread(apology, language) or self.languages.phrases(self.languages.default, COMMON).say(key, **values)

    async def cannot(self, language: str, intent: str) -> str:
        """Why nothing here can do what was understood."""
        with contextlib.suppress(KeyError):
            if self.languages.has(language, COMMON):
                return self.languages.phrases(language, COMMON).cannot(intent)
        return await self.sentence("unknown", language)

    def _context(self, tool: Tool, request: Request, language: str) -> ToolContext:
        return ToolContext(
            language=language,
            phrases=self.languages.phrases(language, tool.name),
            satellite_id=request.satellite_id,
            area=request.area,
            conversation_id=request.conversation_id,
            history=self._conversations.history(request.conversation_id),
        )


def _intent_of(tool: Tool, arguments: Mapping[str, Any]) -> str | None:
    """The intent that means most of these arguments; follow-ups and questions go on from it."""
    fitting = [intent for intent, means in tool.intents.items() if all(arguments.get(key) == value for key, value in means.items())]
    return max(fitting, key=lambda intent: len(tool.intents[intent]), default=next(iter(tool.intents), None))
