"""What a language model is told: first what never changes, byte for byte, so that its server need not read it again; last what does."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..llm.engine import ToolSpec
from ..shared.protocol import printable
from ..shared.tool import Tool, json_schema

_INSTRUCTIONS = (
    "You are Earshot, a voice assistant at home. Your words are spoken aloud: answer in the user's language with one to three "
    "short sentences, plainly, without lists, markdown, links or emoji. When a tool fits, call it at once and say nothing else; "
    "its arguments are the user's own words and numbers, never made up. Leave out what was not said. When no tool fits, answer "
    "from what you know; when you do not know, say so. Never claim to have done something without a tool. Words may be misheard. "
    "Notes in brackets are for you alone."
)
_WARM_UP = "Hello"
_STALE_S = 600.0
_LONGEST_NAME = 60
_NAMES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch"}
_DROPPED = frozenset({"minimum", "maximum"})  # the server checks them; the model needs none of their tokens


def system_prompt(further: str = "") -> str:
    """The same for every turn of every conversation. further: the owner's own."""
    return f"{_INSTRUCTIONS}\n{further.strip()}" if further.strip() else _INSTRUCTIONS


def warm_up() -> str:
    """What is asked so that the server reads all that comes before it."""
    return _WARM_UP


def specs(tools: Iterable[Tool | type[Tool]]) -> tuple[ToolSpec, ...]:
    """The tools as the model sees them, with as few words as will do; always in the same order."""
    return tuple(ToolSpec(tool.name, tool.description, compact(tool)) for tool in sorted(tools, key=lambda tool: tool.name))


def compact(tool: Tool | type[Tool]) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments without what only a checker needs."""
    shown = {name: item for name, item in json_schema(tool.Args)["properties"].items() if name not in tool.hidden}
    short = {name: {key: value for key, value in item.items() if key not in _DROPPED} for name, item in shown.items()}
    return {"type": "object", "properties": short}


def fixed_values(args: type) -> dict[str, tuple[Any, ...]]:
    """By argument what a model may write without it being said: choices, and the default."""
    return {item.name: (*(item.metadata.get("choices") or ()), item.default) for item in dataclasses.fields(args)}


@dataclass(frozen=True)
class Facts:
    """What changes from turn to turn."""

    now: datetime
    area: str
    language: str

    def note(self, before: "Facts | None") -> str:
        """What the model does not know yet, for the end of the user's message; empty when it knows all."""
        parts = []
        if before is None or (self.now - before.now).total_seconds() >= _STALE_S or self.now.date() != before.now.date():
            parts.append(f"{self.now:%A} {self.now:%Y-%m-%d %H:%M}")
        if self.area and (before is None or before.area != self.area):
            parts.append(f"in {printable(self.area, _LONGEST_NAME)}")
        if before is None or before.language != self.language:
            parts.append(_NAMES.get(self.language, f"language {self.language}"))
        return f" [{', '.join(parts)}]" if parts else ""
