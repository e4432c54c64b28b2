"""What the model has read of each conversation: only ever added to, so that its server finds all of it in its cache."""

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..llm.engine import Message, ToolCall
from ..shared.tool import Tool, Turn
from .agent_prompt import Facts

_CONVERSATIONS = 64
_MOST_CHARS = 8000
"""About 2000 tokens; beyond it the older half is dropped at once, so that the prefix changes seldom."""
DONE = "ok"
"""What a tool's message says when its sentence was the answer, which follows."""


@dataclass
class Conversation:
    """The messages of one conversation, without the system prompt."""

    messages: list[Message] = field(default_factory=list)
    facts: Facts | None = None
    """The last the model was told."""
    covered: Turn | None = None
    """The last turn of the history that is in the messages."""
    own: set[str] = field(default_factory=set)
    """Requests since then that the agent dealt with itself."""
    calls: int = 0

    def next_id(self) -> str:
        """An id for a call that has none. Nine characters: Mistral's template takes no others."""
        self.calls += 1
        return f"call{self.calls:05d}"

    def catch_up(self, history: tuple[Turn, ...], tools: Mapping[str, Tool]) -> None:
        """Adds what others answered since."""
        start = next((index + 1 for index in range(len(history) - 1, -1, -1) if history[index] is self.covered), None)
        if start is None and self.covered is not None:
            self.messages.clear()
            self.own.clear()
            self.facts = None
        for turn in history[start or 0 :]:
            if turn.text in self.own:
                self._shorten_answer(turn)
            elif turn.answer:
                self.messages += self._told(turn, tools)
        self.covered = history[-1] if history else None
        self.own.clear()

    def _shorten_answer(self, turn: Turn) -> None:
        """Of an answer that was broken off, the model has said what was heard."""
        for index in range(len(self.messages) - 1, -1, -1):
            message = self.messages[index]
            if message.role != "assistant" or not message.text:
                continue
            said, heard = (re.sub(r"\W", "", text) for text in (message.text, turn.answer))
            if len(heard) < len(said) and said.startswith(heard):
                self.messages[index] = replace(message, text=turn.answer)
            return

    def shorten(self) -> None:
        """Drops the older half when it has grown too long; the first message left is a user's."""
        lengths = [len(message.text) + sum(len(call.arguments) for call in message.calls) for message in self.messages]
        if sum(lengths) <= _MOST_CHARS:
            return
        kept = 0
        for index in range(len(self.messages) - 1, -1, -1):
            kept += lengths[index]
            if kept > _MOST_CHARS // 2:
                break
        start = next((place for place in range(index + 1, len(self.messages)) if self.messages[place].role == "user"), len(self.messages))
        del self.messages[:start]
        self.facts = None

    def _told(self, turn: Turn, tools: Mapping[str, Tool]) -> list[Message]:
        """A turn of the templates as if the model had dealt with it: shown words alone, a small one stops calling tools."""
        asked, answer = Message("user", turn.text), Message("assistant", turn.answer)
        tool = tools.get(turn.tool or "")
        if tool is None:
            return [asked, answer]
        arguments = {**tool.intents.get(turn.intent or "", {}), **turn.slots}
        call = ToolCall(self.next_id(), tool.name, json.dumps(arguments, ensure_ascii=False, default=str))
        return [asked, Message("assistant", "", (call,)), Message("tool", DONE, call_id=call.id), answer]


class Memory:
    """The conversations, bounded; the one used last is dropped last."""

    def __init__(self) -> None:
        self._conversations: OrderedDict[str, Conversation] = OrderedDict()

    def open(self, conversation_id: str, history: tuple[Turn, ...], tools: Mapping[str, Tool]) -> Conversation:
        """The conversation, with everything in it that was said before. A history without turns begins it anew."""
        conversation = self._conversations.pop(conversation_id, None)
        if conversation is None or not history:
            conversation = Conversation()
        self._conversations[conversation_id] = conversation
        if len(self._conversations) > _CONVERSATIONS:
            self._conversations.popitem(last=False)
        conversation.catch_up(history, tools)
        conversation.shorten()
        return conversation
