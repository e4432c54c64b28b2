"""What is done with a sentence: templates, then the tool they lead to; else whoever answers in their place; else an honest answer."""

import logging
import uuid
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..shared.errors import AssistantError, DeadlineError, EngineError
from ..shared.patience import Prospect
from ..shared.templates import family, known_language
from ..shared.tool import Turn
from .calls import Calls
from .conversation import Conversations
from .dialogue import UNDO, WHY, Dialogue, Done
from .exchange import Answer, Request, Step
from .fallback import Fallback
from .matcher import Match
from .matchers import Matchers
from .prospects import off_grammar
from .streaming import Speak, spoken_steps

_LOGGER = logging.getLogger(__name__)
_WHY_NOTHING = {"none": "no template fits", "no-language": "no templates for this language", "loading": "its templates are still loading"}
_EXPLAINED = {"answer": "why_answer", "follow-up": "why_follow_up", "repair": "why_repair"}
T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long things may take, in seconds."""

    deadline_s: float
    """Templates and tools together."""
    language_s: float
    """Until the templates of a language are loaded that was not used before."""


class Router:
    """Answers sentences. Any number at a time."""

    def __init__(
        self, matchers: Matchers, calls: Calls, conversations: Conversations, fallback: Fallback | None, default: str, patience: Patience
    ) -> None:
        """default: the house's language. fallback: answers what no template fits; it has deadlines of its own."""
        self._matchers = matchers
        self._calls = calls
        self._conversations = conversations
        self._fallback = fallback
        self._default = default
        self._patience = patience

    async def answer(self, request: Request, speak: Speak | None = None) -> Answer:
        """Carries it out. speak: takes an answer that comes into being slowly, fragment by fragment; they join to the Answer's text.

        Raises: BusyError, EngineError; DeadlineError with a sentence in the request's language.
        """
        turn = _Turn.begin(request, self._default, self._calls.languages.spoken())
        steps = await self._in_time(turn, self._carry_out(turn, speak))
        if steps is None:
            steps = await self._fall_back(turn, speak)
        return turn.answered(steps)

    async def prospect(self, request: Request) -> Prospect:
        """What may still follow. At once: a language that is not loaded is judged by its function words, and loads meanwhile."""
        turn = _Turn.begin(request, self._default, self._calls.languages.spoken())
        if turn.code:
            dialogue = self._conversations.dialogue(turn.id)
            asking = self._calls.intents_of(dialogue.question.tool) if dialogue.question else ()
            known = await self._matchers.prospect(turn.code, request.text, dialogue.context(request, asking))
            if known is not None:
                return known
        return off_grammar(request.text, self._calls.languages.items(turn.language, "unfinished"))

    async def recognize(self, request: Request) -> Answer:
        """Only finds out what is meant; nothing happens. `handled` says whether anything was understood.

        Raises: BusyError, EngineError, DeadlineError.
        """
        turn = _Turn.begin(request, self._default, self._calls.languages.spoken())
        return turn.answered(await self._in_time(turn, self._understand(turn)))

    def cut_off(self, conversation_id: str, asked: str, heard: str) -> None:
        """Of the answer to what was asked, only this much was heard."""
        self._conversations.cut_off(conversation_id, asked, heard)

    async def _in_time(self, turn: "_Turn", work: Awaitable[T]) -> T:
        try:
            async with turn.request.commit.within(self._patience.deadline_s):
                return await work
        except TimeoutError:
            raise DeadlineError(await self._calls.sentence("too_slow", turn.language)) from None

    async def _carry_out(self, turn: "_Turn", speak: Speak | None) -> tuple[Step, ...] | None:
        """None when the fallback is to answer. Before the sentence is certain, one harmless command is carried out and spoken."""
        dialogue = self._conversations.dialogue(turn.id)
        matches, problem = await self._match(turn, dialogue)
        if self._fallback and (problem in ("none", "no-language") or self._only_the_fallback_speaks(matches, turn.language)):
            return None if turn.request.text.strip() else (_silence(),)
        if problem:
            return (await self._nothing(turn, dialogue, problem),)
        commit = turn.request.commit
        if len(matches) > 1:
            await commit.given()
        steps: list[Step] = []
        done: list[Done] = []
        for match in matches:
            step, dialogue = await self._do(match, turn, dialogue)
            if step.open and self._fallback and len(matches) == 1:
                return None
            if not commit.is_given:
                if speak and step.handled and step.text:
                    await speak(step.text)
                await commit.given()
            if step.intent != UNDO and step.changed:
                done.append(Done(str(step.tool), step.undo))
            steps.append(step)
            self._remember(turn, step)
        self._conversations.keep(turn.id, dialogue.after(turn.request.text, steps, done))
        return tuple(steps)

    async def _understand(self, turn: "_Turn") -> tuple[Step, ...]:
        dialogue = self._conversations.dialogue(turn.id)
        matches, problem = await self._match(turn, dialogue)
        if problem:
            return (await self._not_understood(turn, problem),)
        completed = [dialogue.completed(match) for match in matches]
        return tuple(Step(True, "", "template", match.intent, match.slots, why=_why(match)) for match in completed)

    async def _match(self, turn: "_Turn", dialogue: Dialogue) -> tuple[tuple[Match, ...], str]:
        """What is understood, and the route where nothing is."""
        if not turn.code or not turn.request.text.strip():
            return (), "no-language" if turn.request.text.strip() else "none"
        asking = self._calls.intents_of(dialogue.question.tool) if dialogue.question else ()
        context = dialogue.context(turn.request, asking)
        try:
            matches = await self._matchers.match(turn.code, turn.request.text, context, self._patience.language_s)
        except EngineError:
            if turn.is_house_language:
                raise
            return (), "no-language"
        if matches is None:
            return (), "loading"
        return matches, "" if matches else self._none(turn)

    def _none(self, turn: "_Turn") -> str:
        return "none" if turn.is_house_language or turn.language in self._calls.languages.spoken() else "no-language"

    def _only_the_fallback_speaks(self, matches: Sequence[Match], language: str) -> bool:
        """Whether there is a tool for what was understood, but without sentences in this language."""
        return bool(matches) and language not in self._calls.languages.spoken()

    async def _nothing(self, turn: "_Turn", dialogue: Dialogue, problem: str) -> Step:
        step = await self._not_understood(turn, problem)
        if not turn.request.text.strip():
            return step
        await turn.request.commit.given()
        after = replace(dialogue.asks_again(), told=dialogue.after(turn.request.text, [step], []).told)
        if after.question and problem == "none":
            step = replace(
                step, text=await self._calls.sentence("again", turn.language, question=after.question.text), ask=after.question.argument
            )
        self._remember(turn, step)
        self._conversations.keep(turn.id, after)
        return step

    async def _not_understood(self, turn: "_Turn", problem: str) -> Step:
        if not turn.request.text.strip():
            return _silence()
        key = "loading" if problem == "loading" else "unknown"
        return Step(False, await self._calls.sentence(key, turn.language), problem, why=_WHY_NOTHING[problem])

    async def _do(self, match: Match, turn: "_Turn", dialogue: Dialogue) -> tuple[Step, Dialogue]:
        if match.intent == UNDO:
            return await self._take_back(turn, dialogue, Step(False, "", "template", UNDO, why="template"))
        if match.intent == WHY:
            return Step(True, await self._explain(turn, dialogue), "template", WHY, why="template"), dialogue
        completed = dialogue.completed(match)
        if match.repairs and dialogue.last and dialogue.last.changed:
            step, dialogue = await self._take_back(turn, dialogue, Step(False, "", "template", match.intent, match.slots, why="repair"))
            if not step.handled:
                return step, dialogue
        return await self._calls.do(completed, turn.request, turn.language, why=_why(match)), dialogue

    async def _take_back(self, turn: "_Turn", dialogue: Dialogue, step: Step) -> tuple[Step, Dialogue]:
        """What the last turn has done is undone, the last thing first."""
        await turn.request.commit.given()
        doings = dialogue.to_take_back()
        if not doings or any(done.undo is None for done in doings):
            key = "cannot_undo" if doings else "nothing_to_undo"
            return replace(step, text=await self._calls.sentence(key, turn.language)), dialogue.taken_back()
        said = []
        for done in reversed(doings):
            assert done.undo is not None
            try:
                undone = await self._calls.call(done.tool, done.undo, turn.request, turn.language, route=step.route, why=step.why)
            except AssistantError as err:
                _LOGGER.error("tool %s wants to be undone with what it does not take: %s", done.tool, err)
                return replace(step, text=await self._calls.sentence("cannot_undo", turn.language)), dialogue.taken_back()
            if not undone.handled:
                return replace(step, tool=undone.tool, text=undone.text), dialogue.taken_back()
            said.append(undone.text)
        return replace(step, handled=True, tool=doings[-1].tool, text=" ".join(filter(None, said))), dialogue.taken_back()

    async def _explain(self, turn: "_Turn", dialogue: Dialogue) -> str:
        if dialogue.told is None:
            return await self._calls.sentence("why_nothing", turn.language)
        said, step = dialogue.told.said, dialogue.told.step
        if step.route == "template":
            key = _EXPLAINED.get(step.why, "why_template")
        elif step.route == "llm":
            key = "why_llm_tool" if step.tool else "why_llm"
        else:
            key = f"why_{step.route.replace('-', '_')}"
        tool = self._calls.title(step.tool or "general", turn.language)
        return await self._calls.sentence(key, turn.language, said=said, tool=tool)

    async def _fall_back(self, turn: "_Turn", speak: Speak | None) -> tuple[Step, ...]:
        assert self._fallback is not None
        history = self._conversations.history(turn.id)
        pieces = self._fallback.answer(turn.request, history, turn.language)
        steps = await spoken_steps(pieces, speak, lambda key: self._calls.sentence(key, turn.language))
        await turn.request.commit.given()
        for step in steps:
            self._remember(turn, step)
        done = [Done(str(step.tool), step.undo) for step in steps if step.changed]
        dialogue = self._conversations.dialogue(turn.id)
        self._conversations.keep(turn.id, dialogue.after(turn.request.text, steps, done))
        return steps

    def _remember(self, turn: "_Turn", step: Step) -> None:
        self._conversations.add(turn.id, Turn(turn.request.text, step.text, step.intent, step.slots, step.tool))


@dataclass(frozen=True)
class _Turn:
    """One sentence on its way through."""

    request: Request
    language: str
    """`de` also for `de-CH`: sentences are spoken in it. `pt-BR` where nobody speaks any of `pt`: there are apologies in both."""
    code: str
    """The language of the templates; empty when there are none."""
    is_house_language: bool

    @classmethod
    def begin(cls, request: Request, default: str, spoken: Sequence[str]) -> "_Turn":
        tag = request.language or default
        request = replace(request, conversation_id=request.conversation_id or uuid.uuid4().hex)
        code = known_language(tag)
        language = family(tag) if family(tag) in spoken else code or family(tag)
        return cls(request, language, code, code == (known_language(default) or None))

    @property
    def id(self) -> str:
        """Of the conversation."""
        return self.request.conversation_id

    def answered(self, steps: tuple[Step, ...]) -> Answer:
        """What came of it, in one line of the log."""
        answer = Answer(self.id, steps, round(self.request.commit.age_ms, 2))
        told = "; ".join(f"{step.route} ({step.why}): {step.intent or 'nothing understood'} by {step.tool or 'nobody'}" for step in steps)
        _LOGGER.info("%s in %.1f ms", told, answer.ms)
        _LOGGER.debug("%r: %r", self.request.text, answer.text)
        return answer


def _silence() -> Step:
    return Step(False, "", "none", why="nothing was said")


def _why(match: Match) -> str:
    if match.asked:
        return "answer"
    if match.repairs:
        return "repair"
    return "follow-up" if match.follows else "template"
