"""One question to the language model: what it says is spoken while it comes, what it calls is checked and carried out once."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from ..llm.engine import Done, LlmEngine, Message, TextDelta, ToolCall, Usage
from ..shared.errors import (
    AssistantError,
    BusyError,
    DeadlineError,
    EgressDeniedError,
    HttpError,
    InvalidRequestError,
    PeerUnreachableError,
    UnknownNameError,
)
from ..shared.protocol import printable
from ..shared.remote import RefusedError
from ..shared.settings import LlmSection
from ..shared.tool import Tool
from .agent_calls import arguments_of, call_in_text, fitted
from .agent_evidence import invented
from .agent_memory import DONE, Conversation
from .agent_prompt import Facts, compact, fixed_values, specs
from .agent_speech import Speech
from .exchange import Request, Step
from .fallback import Hands, Piece

_LOGGER = logging.getLogger(__name__)
_MOST_REFUSALS = 2
"""A model that was told twice what was wrong does not learn it the third time."""
_ID_CHARS = 64


@dataclass(frozen=True)
class Asked:
    """What is asked, and what the model may know and use."""

    request: Request
    language: str
    facts: Facts
    system: Message
    tools: Mapping[str, Tool]


@dataclass
class _Reply:
    """One answer of the model."""

    speech: Speech
    calls: list[ToolCall]
    done: Done | None = None
    early: "Step | str | None" = None
    """What became of the first call, which was carried out while the model was still writing what is behind its arguments."""
    spoken: bool = False
    """True when what became of it is out already."""

    @property
    def cut(self) -> bool:
        """True when it did not come to its own end."""
        return self.done is None or self.done.reason == "length"


class AgentTurn:
    """Runs once."""

    def __init__(self, engine: LlmEngine, hands: Hands, options: LlmSection, conversation: Conversation, asked: Asked) -> None:
        self._engine = engine
        self._hands = hands
        self._options = options
        self._conversation = conversation
        self._asked = asked
        self._messages = list(conversation.messages)
        self._usage = Usage()
        self._rounds = 0
        self._begun = asyncio.get_running_loop().time()
        self._first_ms: float | None = None
        self._fragments = False
        self._done: set[str] = set()
        self._refusals = 0
        self._kept: Step | None = None
        self._ended = False
        self.failure: AssistantError | None = None
        """Why the endpoint gave no whole answer."""

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The answer; its last piece is a Step."""
        request = self._asked.request
        note = self._asked.facts.note(self._conversation.facts)
        self._messages.append(Message("user", request.text + note))
        while self._rounds < self._options.rounds:
            self._rounds += 1
            reply = _Reply(Speech(self._asked.language), [])
            async with aclosing(self._hear(reply)) as spoken:
                async for fragment in spoken:
                    yield self._spoken(fragment)
            if self.failure is None:
                async with aclosing(self._use(reply)) as pieces:
                    async for piece in pieces:
                        yield piece
            if self.failure is not None or self._ended or self._refusals >= _MOST_REFUSALS:
                break
        if not self._ended:
            for piece in await self._given_up():
                yield piece
        await request.commit.given()
        self._conversation.own.add(request.text)

    async def _hear(self, reply: _Reply) -> AsyncGenerator[str, None]:
        """What can be spoken of the model's next answer. An endpoint that fails is remembered in `failure`."""
        now = asyncio.get_running_loop().time()
        chat = self._engine.chat(
            [self._asked.system, *self._messages],
            specs(self._asked.tools.values()),
            total_s=max(0.1, self._begun + self._options.total_s - now),
        )
        try:
            async with aclosing(chat) as items:
                async for item in items:
                    if isinstance(item, TextDelta):
                        for fragment in reply.speech.feed(item.text):
                            yield fragment
                        if reply.speech.full:
                            reply.done = Done("full")
                            break
                    elif isinstance(item, ToolCall):
                        reply.calls.append(item)
                        if len(reply.calls) == 1:
                            reply.early = await self._outcome_of(item)
                            if isinstance(reply.early, Step) and self._is_answer(item, reply.early):
                                reply.spoken = True
                                yield reply.early.text
                    else:
                        reply.done = item
                        self._usage += item.usage
        except AssistantError as err:
            _LOGGER.warning("the language model failed: %s", err)
            self.failure = None if isinstance(reply.early, Step) else err
        for fragment in reply.speech.finish(reply.cut, self.failure is not None):
            yield fragment

    async def _use(self, reply: _Reply) -> AsyncGenerator[Piece, None]:
        """Carries out the calls of an answer, or ends with its text."""
        calls = reply.calls
        if not calls and reply.speech.call:
            written = call_in_text(reply.speech.raw, self._asked.tools)
            calls = [written] if written else []
            if not calls:
                self._refuse("Call a tool the proper way, or answer in words.")
                return
        if calls:
            async with aclosing(self._carry_out(reply, calls, "" if reply.speech.call else reply.speech.raw)) as pieces:
                async for piece in pieces:
                    yield piece
        elif reply.speech.spoke or self._kept:
            self._messages.append(Message("assistant", reply.speech.raw.strip()))
            for piece in self._told(self._kept or self._step(True, "", f"{self._model} answered"), spoken=reply.speech.spoke):
                yield piece
            await self._remember()
        else:
            thought = reply.done is not None and reply.done.thought
            _LOGGER.warning("%s %s", self._model, "only thought and said nothing" if thought else "said nothing")
            for piece in await self._outcome("llm_empty", "it only thought" if thought else "it said nothing"):
                yield piece

    async def _carry_out(self, reply: _Reply, calls: list[ToolCall], text: str) -> AsyncGenerator[Piece, None]:
        """Each call once. What a tool says is the answer, unless the tool wants the model to make one of it."""
        results: list[tuple[ToolCall, str]] = []
        said: list[str] = []
        for number, call in enumerate(calls):
            early = reply.early if not number and reply.calls else None
            outcome = early if early is not None else await self._outcome_of(call, reply.cut)
            arguments = self._arguments(call, reply.cut and early is None)
            kept = replace(call, id=self._id(call), arguments=json.dumps(arguments or {}, ensure_ascii=False))
            if isinstance(outcome, str):
                results.append((kept, outcome))
                continue
            if not self._asked.tools[call.name].final and outcome.handled and not outcome.ask:
                results.append((kept, outcome.text or DONE))
                self._kept = outcome
                continue
            results.append((kept, DONE if outcome.handled else "failed"))
            said.append(outcome.text)
            for piece in self._told(outcome, spoken=reply.spoken and not number):
                yield piece
            if outcome.ask:
                break
        self._messages.append(Message("assistant", text.strip(), tuple(call for call, _ in results)))
        self._messages += [Message("tool", result, call_id=call.id) for call, result in results]
        if said:
            self._messages.append(Message("assistant", " ".join(said)))
            await self._remember()

    def _is_answer(self, call: ToolCall, outcome: Step) -> bool:
        """Whether the model has nothing to add to what a tool said."""
        return bool(outcome.handled and outcome.text and (self._asked.tools[call.name].final or outcome.ask))

    def _arguments(self, call: ToolCall, cut: bool) -> dict[str, Any] | None:
        arguments = None if cut else arguments_of(call.arguments, call.name)
        tool = self._asked.tools.get(call.name)
        return fitted(arguments, tool) if arguments is not None and tool else arguments

    async def _outcome_of(self, call: ToolCall, cut: bool = False) -> Step | str:
        """What became of a call; a text is what the model is told of one that was not carried out."""
        return await self._one(call.name, self._asked.tools.get(call.name), self._arguments(call, cut))

    async def _one(self, name: str, tool: Tool | None, arguments: dict[str, Any] | None) -> Step | str:
        """What became of a call; a text is what the model is told of one that was not carried out."""
        if tool is None:
            return self._wrong(name, f"there is no such tool; there are: {', '.join(self._asked.tools)}")
        if arguments is None:
            return self._wrong(name, "its arguments are no JSON object")
        if made_up := await self._invented(tool, arguments):
            return self._wrong(name, f"{', '.join(made_up)}: not said by the user; use the user's own words, or ask the user")
        key = f"{name} {json.dumps(arguments, sort_keys=True, default=str)}"
        if key in self._done:
            return self._wrong(name, "done already; tell the user")
        try:
            step = await self._hands.call(
                name, arguments, self._asked.request, self._asked.language, route="llm", why=f"{self._model} called it"
            )
        except UnknownNameError as err:
            return self._wrong(name, str(err))
        except InvalidRequestError as err:
            return self._wrong(name, f"{err}; its arguments: {', '.join(compact(tool)['properties']) or 'none'}")
        self._done.add(key)
        return step

    async def _invented(self, tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
        request, facts = self._asked.request, self._asked.facts
        earlier = [_without_note(message.text) for message in self._messages if message.role in ("user", "assistant")]
        said = [request.text, request.area, *earlier]
        return await asyncio.to_thread(invented, arguments, fixed_values(tool.Args), said, facts.language, facts.now.date())

    def _wrong(self, name: str, why: str) -> str:
        self._refusals += 1
        _LOGGER.info("%s wanted %s called: %s", self._model, printable(name), printable(why, 200))
        return f"Not done: {why}."

    def _refuse(self, why: str) -> None:
        self._refusals += 1
        self._messages += [Message("assistant", "?"), Message("user", f"[{why}]")]

    def _id(self, call: ToolCall) -> str:
        """The model's own, so that the server finds its own words again; another where templates would not take it."""
        usable = call.id.replace("-", "").replace("_", "").isalnum() and call.id.isascii() and len(call.id) <= _ID_CHARS
        return call.id if usable else self._conversation.next_id()

    async def _remember(self) -> None:
        """The turn is in the conversation from now on, once it is certain that it is one."""
        await self._asked.request.commit.given()
        self._ended = True
        self._conversation.messages[:] = self._messages
        self._conversation.facts = self._asked.facts

    async def _given_up(self) -> list[Piece]:
        """The spoken end of a turn that came to none."""
        if self._kept is not None and not self._fragments:
            return self._told(self._kept)
        if self.failure is not None:
            return await self._outcome("llm_cut" if self._fragments else _sentence_of(self.failure), str(self.failure))
        key = "llm_unsure" if self._refusals else "llm_gave_up"
        return await self._outcome(key, "its calls could not be used" if self._refusals else f"no end after {self._rounds} rounds")

    async def _outcome(self, key: str, why: str) -> list[Piece]:
        self._ended = True
        text = await self._hands.sentence(key, self._asked.language)
        return self._told(self._step(self._fragments, text, f"{self._model}: {printable(why, 200)}"))

    def _step(self, handled: bool, text: str, why: str) -> Step:
        return Step(handled, text, "llm", why=why)

    def _told(self, step: Step, spoken: bool = False) -> list[Piece]:
        """A step, with what it cost. spoken: its words are out already; else they follow those that are."""
        pieces: list[Piece] = []
        if self._fragments and not spoken and step.text:
            pieces.append(self._spoken(step.text))
        if self._first_ms is None:
            self._first_ms = self._ms()
        self._fragments = False
        usage = self._usage
        told = {"model": self._model, "prompt": usage.prompt, "cached": usage.cached, "generated": usage.generated}
        told |= {"rounds": self._rounds, "first_ms": self._first_ms}
        _LOGGER.info("%s: %s", step.why, ", ".join(f"{key} {value}" for key, value in told.items() if key != "model"))
        return [*pieces, replace(step, data={**step.data, "llm": told})]

    def _spoken(self, fragment: str) -> str:
        if self._first_ms is None:
            self._first_ms = self._ms()
        joined = f" {fragment}" if self._fragments and not fragment.startswith(" ") else fragment
        self._fragments = True
        return joined

    @property
    def _model(self) -> str:
        """Its name without the path that llama.cpp puts before it."""
        return printable(self._engine.model.rpartition("/")[2]) or "model"

    def _ms(self) -> float:
        return round((asyncio.get_running_loop().time() - self._begun) * 1000, 1)


def _without_note(text: str) -> str:
    """What a note says was not said by anybody."""
    return text.rpartition(" [")[0] if text.endswith("]") else text


def _sentence_of(failure: AssistantError) -> str:
    """Which of the common sentences says what happened."""
    if isinstance(failure, EgressDeniedError):
        return "llm_denied"
    if isinstance(failure, RefusedError):
        return {401: "llm_refused", 403: "llm_refused", 404: "llm_missing"}.get(failure.status, "llm_failed")
    kinds = ((DeadlineError, "llm_slow"), (BusyError, "llm_busy"), (PeerUnreachableError | HttpError, "llm_unreachable"))
    return next((key for kind, key in kinds if isinstance(failure, kind)), "llm_failed")
