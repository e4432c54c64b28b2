"""Do sentences lead to the right tool? Labelled ones, tried on the templates or on a language model; no tool is carried out."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ..llm.engine import Done, LlmEngine, Message, TextDelta, ToolCall, Usage
from ..shared.errors import AssistantError, SettingsError
from ..shared.tool import Tool
from .agent_calls import arguments_of, call_in_text, fitted
from .agent_evidence import invented
from .agent_prompt import Facts, fixed_values, specs, system_prompt
from .matcher import Matcher

NONE = "none"
"""The label of what no tool is for."""
RIGHT, WRONG_TOOL, WRONG_ARGUMENTS, FALSE_CALL, MISSED, FAILED = "right", "wrong tool", "wrong arguments", "false call", "missed", "failed"
_CLOCK_MINUTES = 12 * 60
_SPACES = re.compile(r"[\s_-]+")


@dataclass(frozen=True)
class Case:
    """A sentence and what it means."""

    text: str
    language: str
    tool: str
    """`none` when no tool is for it."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """What must be among the arguments."""


@dataclass(frozen=True)
class Choice:
    """What a sentence led to."""

    tool: str
    args: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = Usage()
    seconds: float = 0.0
    first_s: float = 0.0
    """To the first words; of a call to its end, for then the tool can speak."""
    failure: str = ""
    """Why there is no choice."""


@dataclass(frozen=True)
class Graded:
    """One case, and what became of it."""

    case: Case
    choice: Choice

    @property
    def grade(self) -> str:
        """One of the grades above."""
        case, choice = self.case, self.choice
        if choice.failure:
            return FAILED
        if choice.tool != case.tool:
            return FALSE_CALL if case.tool == NONE else MISSED if choice.tool == NONE else WRONG_TOOL
        wanted, given = _with_one_time(case.args), _with_one_time(choice.args)
        wrong = [key for key, value in wanted.items() if not _same(value, given.get(key))]
        return WRONG_ARGUMENTS if wrong else RIGHT


def read_cases(path: Path) -> list[Case]:
    """The cases of a file: `language`, and under `cases` lines of `text`, `tool` and `args`.

    Raises: SettingsError that names the file and the line.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as err:
        raise SettingsError(f"{path} cannot be read: {err.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(err).split())}") from None
    rows = content.get("cases") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not isinstance(content.get("language"), str):
        raise SettingsError(f"{path} needs a `language` and a list of `cases`")
    return [_case(row, content["language"], path) for row in rows]


def template_choice(matcher: Matcher, tools: Sequence[type[Tool]], text: str) -> Choice:
    """What the templates make of a sentence. Blocking."""
    matches = matcher.match(text)
    if len(matches) != 1:
        return Choice(NONE)
    match = matches[0]
    for tool in reversed(tools):
        if match.intent in tool.intents:
            return Choice(tool.name, {**tool.intents[match.intent], **match.slots})
    return Choice(NONE)


async def model_choice(engine: LlmEngine, tools: Sequence[type[Tool]], case: Case, now: datetime, further: str = "") -> Choice:
    """What a language model makes of a sentence, asked as the agent asks it. A call that the agent would refuse counts as none."""
    note = Facts(now, "", case.language).note(None)
    messages = [Message("system", system_prompt(further)), Message("user", case.text + note)]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    calls: list[ToolCall] = []
    text, usage, first_s = "", Usage(), 0.0
    try:
        async with aclosing(engine.chat(messages, specs(tools))) as items:
            async for item in items:
                first_s = first_s or loop.time() - begun
                if isinstance(item, ToolCall):
                    calls.append(item)
                elif isinstance(item, TextDelta):
                    text += item.text
                elif isinstance(item, Done):
                    usage = item.usage
    except AssistantError as err:
        return Choice("", failure=str(err))
    seconds = loop.time() - begun
    by_name = {tool.name: tool for tool in tools}
    call = calls[0] if calls else call_in_text(text, by_name)
    name, arguments = _accepted(call, by_name, case, now)
    return Choice(name, arguments, usage, seconds, seconds if call and not calls else first_s)


def _accepted(call: ToolCall | None, tools: Mapping[str, type[Tool]], case: Case, now: datetime) -> tuple[str, Mapping[str, Any]]:
    """What the agent would carry out of a call."""
    tool = tools.get(call.name) if call else None
    arguments = arguments_of(call.arguments, call.name) if call else None
    if tool is None or arguments is None:
        return NONE, {}
    arguments = fitted(arguments, tool)
    if invented(arguments, fixed_values(tool.Args), [case.text], case.language, now.date()):
        return NONE, {}
    return tool.name, arguments


async def try_model(
    engine: LlmEngine, tools: Sequence[type[Tool]], cases: Sequence[Case], now: datetime, told: Callable[[Graded], None], further: str = ""
) -> list[Graded]:
    """All cases, one after the other, as one household would ask them. told: hears of each."""
    graded = []
    for case in cases:
        graded.append(Graded(case, await model_choice(engine, tools, case, now, further)))
        told(graded[-1])
    return graded


def _case(row: Any, language: str, path: Path) -> Case:
    usable = isinstance(row, dict) and isinstance(row.get("text"), str) and isinstance(row.get("tool"), str)
    if not usable or not isinstance(row.get("args", {}), dict) or row.keys() - {"text", "tool", "args", "language"}:
        raise SettingsError(f"{path}: {row!r} must have a `text`, a `tool` (or none), and may have `args`")
    return Case(row["text"], str(row.get("language", language)), row["tool"], row.get("args", {}))


def _with_one_time(args: Mapping[str, Any]) -> dict[str, Any]:
    """Hour and minute as minutes of a clock with twelve hours: "half past six" is also thirty minutes before seven."""
    hour, minute = args.get("hour"), args.get("minute")
    if not isinstance(hour, int) or not isinstance(minute or 0, int):
        return dict(args)
    return {**args, "hour": (hour * 60 + (minute or 0)) % _CLOCK_MINUTES, "minute": 0}


def _same(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return wanted == given
    if isinstance(wanted, int | float):
        try:
            return abs(float(given) - wanted) < 1e-6
        except (TypeError, ValueError):
            return False
    if wanted is None or wanted == "":
        return given in (None, "")
    return _plain(wanted) == _plain(given)


def _plain(value: Any) -> str:
    return _SPACES.sub(" ", str(value if value is not None else "").casefold()).strip(" .,!?")
