"""What a language model is shown of a tool's arguments."""

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any


def json_schema(args: type) -> dict[str, Any]:
    """The JSON Schema of an Args dataclass, as language models take it."""
    hints = typing.get_type_hints(args)
    properties = {item.name: _property(item, hints[item.name]) for item in dataclasses.fields(args)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(item: dataclasses.Field, hint: Any) -> dict[str, Any]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    kind = {str: "string", int: "integer", float: "number", bool: "boolean", Path: "string"}.get(hint)
    if kind is None:
        raise TypeError(f"an argument cannot be of type {hint}: {item.name}")
    schema: dict[str, Any] = {"type": kind, "description": item.metadata["doc"]}
    if item.metadata.get("choices"):
        schema["enum"] = list(item.metadata["choices"])
    for bound in ("minimum", "maximum"):
        if item.metadata.get(bound) is not None:
            schema[bound] = item.metadata[bound]
    return schema
