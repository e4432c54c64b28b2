"""docs/engines.md: one section per engine, made from its line in ENGINES, its docstring and its Options."""

import dataclasses
import inspect
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from ..shared.defaults import as_yaml, default_of
from ..shared.engines import EngineSpec
from ..shared.schema import describe_choices

_KINDS = {"wake": "Wake words", "asr": "Speech recognition", "tts": "Voices"}
_HEADER = """\
# Engines

Every engine that Earshot can work with, how to bring it, and what can be set. `earshot engines` says which of them can run on this
machine now. Made by `earshot engines --markdown`; what is written here is what the code does.

One line chooses an engine, in `assistant.yaml`, in the environment or on the command line:

```sh
earshot serve asr --engine faster-whisper                     # for this start
EARSHOT__ASR__ENGINE=faster-whisper earshot run               # for this environment
earshot run --set asr.engine=faster-whisper                   # the same as `asr: {engine: faster-whisper}` in assistant.yaml
```

`engine: auto` takes the first of the list below that can start without a download, or the best of the last `earshot bakeoff` on this
machine. Engines marked *by name only* are never taken by `auto`: they stand on another server or on other engines. Options are set
as `KIND.engines.ENGINE.OPTION`, or after `earshot serve KIND --engine ENGINE` as `--set OPTION=VALUE`. Models are fetched by name;
see [models](models.md).
"""


def render(engines: Mapping[str, Sequence[EngineSpec]]) -> str:
    """The page for engines by kind."""
    lines = [_HEADER]
    for kind, specs in engines.items():
        lines += [f"## {_KINDS.get(kind, kind)}", ""]
        for spec in specs:
            lines += [*_section(kind, spec), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(kind: str, spec: EngineSpec) -> list[str]:
    cls = spec.load_class()
    note = "" if spec.auto else " (by name only)"
    lines = [f"### {kind}: {spec.name}", "", f"*{spec.summary}*{note}", ""]
    if about := inspect.cleandoc(cls.__doc__ or ""):
        lines += [about, ""]
    lines += ["```sh"]
    if spec.extra:
        lines += [f'script/setup {spec.extra}    # in a clone; elsewhere: pip install "earshot-voice[{spec.extra}]"']
    address = " --set uri=ADDRESS" if any(field.name == "uri" for field in dataclasses.fields(cls.Options)) else ""
    lines += [f"earshot serve {kind} --engine {spec.name}{address}", "```", "", f"Licence: {spec.licence}."]
    fields = dataclasses.fields(cls.Options)
    if fields:
        lines += ["", "| option | default | what it does |", "|---|---|---|"]
        lines += [_row(cls.Options, field) for field in fields]
    return lines


def _row(options: type, field: dataclasses.Field) -> str:
    allowed = describe_choices(field) or _type_name(typing.get_type_hints(options)[field.name])
    doc = field.metadata.get("doc", "")
    default = as_yaml(default_of(field))
    return f"| `{field.name}` | `{default}` | {_cell(doc)} ({_cell(allowed)}) |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _type_name(hint: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if hint in names:
        return names[hint]
    origin = typing.get_origin(hint)
    return {tuple: "list", list: "list", dict: "mapping"}.get(typing.cast(type, origin), "text")
