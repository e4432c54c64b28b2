"""docs/tools-reference.md: one section per shipped tool, made from its class, its Args and Options, and its English sentences."""

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ..shared import paths
from ..shared.defaults import as_yaml, default_of
from ..shared.plugins import find_tools
from ..shared.schema import describe_choices
from ..shared.tool import Tool

_EXAMPLES = 12
"""Sentences per tool, at most; at least one per intent."""
_KEPT = frozenset({"a", "an", "the", "my", "s"})
"""Optional words and endings without which a sentence reads badly."""
_HEADER = """\
# The shipped tools

What Earshot's own tools do, what people say to them, and what can be set. `earshot tools` says which are on; one is switched off with
`handle: {tools: {NAME: {enabled: false}}}`, and an option is set beside that switch. How to write one of your own is in
[tools](tools.md). Made by `earshot tools --markdown`; what is written here is what the code does.

The sentences are examples: there are more ways to say each, and the same in German, French, Spanish, Italian and Dutch. *Italics* stand
for whatever you name.
"""


def render() -> str:
    """The page."""
    plugins, _ = find_tools([paths.content("tools")])
    shipped = f"{paths.content('tools')}/"
    tools = sorted((plugin.tool for plugin in plugins if plugin.origin.startswith(shipped)), key=lambda tool: tool.name)
    examples = Examples()
    return "\n".join([_HEADER, *(line for tool in tools for line in [*_section(tool, examples), ""])]).rstrip() + "\n"


def _section(tool: type[Tool], examples: "Examples") -> list[str]:
    lines = [f"## {tool.name}", "", tool.description]
    about = inspect.cleandoc(tool.__doc__ or "") if "__doc__" in vars(tool) else ""
    if about and about != tool.description:
        lines += ["", about]
    facts = [f"Needs {tool.needs}."] if tool.needs else []
    facts += [_when(tool)] if tool.changes else []
    facts += [] if tool.offered else ["Not offered to a language model."]
    if facts:
        lines += ["", " ".join(facts)]
    each = max(1, _EXAMPLES // max(1, len(tool.intents)))
    said = [sentence for intent in tool.intents for sentence in examples.of(intent)[:each]]
    if said:
        lines += ["", "Say, for example:", "", *(f"- {sentence}" for sentence in dict.fromkeys(said))]
    lines += _table("argument", tool.Args)
    lines += _table("option", tool.Options)
    return lines


def _when(tool: type[Tool]) -> str:
    """When its calls are made."""
    if not tool.only_tells:
        return "Changes something, so it is done once and never on a guess."
    return (
        f"What changes something is done once and never on a guess. With {telling(tool)} it only tells, perhaps worked out while you speak."
    )


def telling(tool: type[Tool]) -> str:
    """Which calls of a tool with `only_tells` change nothing: `action` `read` or `lists`, in the order of the alphabet."""
    parts, unset = [], []
    for name, values in tool.only_tells.items():
        if set(values) == {None}:
            unset.append(f"`{name}`")
        else:
            parts.append(f"`{name}` {_either(['none' if value is None else f'`{as_yaml(value)}`' for value in sorted(values, key=str)])}")
    return " and ".join([*parts, *([f"no {_either(unset)}"] if unset else [])])


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _table(kind: str, cls: type) -> list[str]:
    fields = dataclasses.fields(cls)
    if not fields:
        return []
    rows = [_row(cls, field) for field in fields]
    return [
        "",
        f"| {kind} | default | what it is |" if kind == "argument" else f"| {kind} | default | what it does |",
        "|---|---|---|",
        *rows,
    ]


def _row(cls: type, field: dataclasses.Field) -> str:
    allowed = describe_choices(field) or _type_name(typing.get_type_hints(cls)[field.name])
    default = as_yaml(default_of(field))
    return f"| `{field.name}` | `{default}` | {_cell(field.metadata['doc'])} ({_cell(allowed)}) |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _type_name(hint: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if hint in names:
        return names[hint]
    inner = [part for part in typing.get_args(hint) if part in names]
    return names[inner[0]] if inner else "list"


class Examples:
    """Plain English sentences for intents, the same ones every time: the shortest reading of each template."""

    def __init__(self) -> None:
        import home_assistant_intents

        self._ours = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((paths.content("intents") / "en").glob("*.yaml"))]
        theirs = home_assistant_intents.get_intents("en") or {}
        sources = [*self._ours, theirs]
        self._theirs = theirs
        self._lists = _merged(sources, "lists")
        self._rules = _merged(sources, "expansion_rules")

    def of(self, intent: str) -> list[str]:
        """One or two of each block, ours or else Home Assistant's; none for what is only said after something else."""
        ours = [block for source in self._ours for block in _blocks(source, intent)]
        found = [sentence for block in ours or _blocks(self._theirs, intent) for sentence in self._said(block)]
        return list({sentence.lower(): sentence for sentence in reversed(found)}.values())[::-1]

    def _said(self, block: Mapping[str, Any]) -> Iterator[str]:
        import hassil

        needs = block.get("requires_context") or {}
        if any(key in needs for key in ("asked", "last")):
            return
        rules, lists = {**self._rules, **block.get("expansion_rules", {})}, {**self._lists, **block.get("lists", {})}
        for template in block["sentences"][:2]:
            expression = hassil.parse_sentence(template).expression
            text = self._begun(expression, rules, lists) + self._render(expression, rules, lists, 0)
            text = " ".join(text.split()).replace(" i ", " I ")
            yield text[:1].upper() + text[1:]

    def _begun(self, expression: Any, rules: Mapping[str, str], lists: Mapping[str, Any]) -> str:
        """The optional word that a template begins with, mostly a verb: "[set] the volume"."""
        first = expression.items[0] if getattr(expression, "items", None) else None
        if not getattr(first, "is_optional", False):
            return ""
        word = self._render(first.items[0], rules, lists, 0).strip()
        return "" if " " in word or word in _KEPT else f"{word} "

    def _render(self, item: Any, rules: Mapping[str, str], lists: Mapping[str, Any], depth: int) -> str:
        import hassil
        from hassil.expression import Alternative, Group, ListReference, Permutation, RuleReference, TextChunk

        if isinstance(item, TextChunk):
            return item.text
        if isinstance(item, ListReference):
            return self._value(item, lists)
        if isinstance(item, RuleReference):
            if depth > 10 or item.rule_name not in rules:
                return ""
            return self._render(hassil.parse_sentence(rules[item.rule_name]).expression, rules, lists, depth + 1)
        if isinstance(item, Alternative):
            first = self._render(item.items[0], rules, lists, depth)
            return "" if item.is_optional and first.strip() not in _KEPT and not first.isspace() else first
        glue = " " if isinstance(item, Permutation) else ""
        return glue.join(self._render(part, rules, lists, depth) for part in item.items) if isinstance(item, Group) else ""

    def _value(self, item: Any, lists: Mapping[str, Any]) -> str:
        import hassil

        definition = lists.get(item.list_name) or {}
        if values := definition.get("values"):
            first = values[0]
            text = first["in"] if isinstance(first, Mapping) else str(first)
            return self._render(hassil.parse_sentence(text).expression, {}, {}, 0)
        if bounds := definition.get("range"):
            low, high = int(bounds["from"]), int(bounds["to"])
            return str(min(max(10, low), high))
        return f"*{item.slot_name.replace('_', ' ')}*"


def _merged(sources: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        merged |= source.get(key) or {}
    return merged


def _blocks(source: Mapping[str, Any], intent: str) -> list[Mapping[str, Any]]:
    return ((source.get("intents") or {}).get(intent) or {}).get("data", [])
