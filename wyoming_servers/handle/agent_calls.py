"""What a model means by a tool call: small ones write bad JSON, JSON in a string, or the call as text."""

import ast
import json
import re
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from ..llm.engine import ToolCall
from ..shared.tool import Tool

_FENCE = re.compile(r"^\s*```\w*\s*|\s*```\s*$")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_WRITTEN = re.compile(r"^\s*(?:<tool_call>|<function|<\|python_tag\|>|\[TOOL_CALLS\]|<\|tool_call|```|\{|\[\s*\{|functools\[)")
_OPENINGS = ("<tool_call>", "<function", "<|python_tag|>", "[TOOL_CALLS]", "<|tool_call", "```", "functools[")
_NAMES = ("name", "function", "tool", "tool_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_NOTHING = ("", "null", "none", "undefined")
_LONGEST = 4000


def arguments_of(raw: str, tool: str = "") -> dict[str, Any] | None:
    """The arguments a model wrote; None when they cannot be made out. tool: what they are for."""
    value = _read(raw[:_LONGEST])
    for _ in range(2):
        if isinstance(value, str):
            value = _read(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None and raw.strip().lower() in _NOTHING:
        return {}
    if not isinstance(value, dict):
        return None
    inner = next((value[key] for key in _ARGUMENTS if isinstance(value.get(key), dict)), None)
    if inner is not None and value.keys() <= {*_NAMES, *_ARGUMENTS} and value.get("name", tool) in ("", tool):
        value = inner
    return {str(key): item for key, item in value.items()}


def may_be_call(text: str) -> bool | None:
    """Whether a text that begins so is a call written as text; None while that cannot be told."""
    text = text.lstrip()
    if _WRITTEN.match(text):
        return True
    return None if not text or any(mark.startswith(text) for mark in _OPENINGS) or text == "[" else False


def call_in_text(text: str, tools: Collection[str]) -> ToolCall | None:
    """A call that a model wrote as text because its server did not know better; None when there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or len(text) > _LONGEST:
        return None
    value = _read(text[start : end + 1] if end > start else text[start:])
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict):
        return None
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), "")
    arguments = next((value[key] for key in _ARGUMENTS if key in value), None)
    if not name and (named := re.search(r"<function=([\w.-]+)>", text)):
        name, arguments = named[1], value
    if name not in tools:
        return None
    if arguments is None:
        arguments = {key: item for key, item in value.items() if key not in _NAMES}
    return ToolCall("", name, arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False))


def fitted(arguments: Mapping[str, Any], tool: type[Tool] | Tool) -> dict[str, Any]:
    """Arguments as a tool takes them: what says nothing, and what is hidden from models, is left out, `"5 minutes"` is 5 where a number is
    wanted, choices are spelt as they should be. What does not fit stays as it is, for the validator to refuse."""
    hints = typing.get_type_hints(tool.Args)
    known = {item.name: item for item in fields(tool.Args)}
    fitting = {}
    for key, value in arguments.items():
        if key in tool.hidden or value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
            continue
        if item := known.get(key):
            value = _converted(value, hints[key], item.metadata.get("choices") or ())
        fitting[key] = value
    return fitting


def _converted(value: Any, hint: Any, choices: tuple[Any, ...]) -> Any:
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if choices and isinstance(value, str):
        same = [choice for choice in choices if _plain(str(choice)) == _plain(value)]
        return same[0] if same else value
    if isinstance(value, str) and (int in kinds or float in kinds) and (found := _NUMBER.findall(value)) and len(found) == 1:
        value = float(found[0].replace(",", "."))
    if isinstance(value, float) and int in kinds and value.is_integer():
        return int(value)
    if str in kinds and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    if str in kinds and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).lower()


def _read(text: str) -> Any:
    text = _FENCE.sub("", text.strip()).strip()
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text), _closed(text)):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            pass
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end and (start, end) != (0, len(text) - 1):
        return _read(text[start : end + 1])
    return _python(text) or _python(_closed(text))


def _python(text: str) -> Any:
    """JSON as Python would write it, with single quotes."""
    words = {"true": "True", "false": "False", "null": "None"}
    try:
        value = ast.literal_eval(re.sub(r"\b(true|false|null)\b", lambda match: words[match[0]], text))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, dict | list | str) else None


def _closed(text: str) -> str:
    """The text with the quotes and brackets that are missing at its end."""
    open_brackets: list[str] = []
    quote, escaped = "", False
    for character in text:
        if quote:
            quote = quote if escaped or character != quote else ""
            escaped = character == "\\" and not escaped
        elif character in "\"'":
            quote = character
        elif character in "{[":
            open_brackets.append("}" if character == "{" else "]")
        elif character in "}]" and open_brackets:
            open_brackets.pop()
    return _TRAILING_COMMA.sub(r"\1", text + quote + "".join(reversed(open_brackets)))
