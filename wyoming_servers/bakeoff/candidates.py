"""Who takes part: an engine of ours with its options, or a server that runs already."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from ..shared.errors import SettingsError
from ..shared.settings import merge, nested, scalar

_WYOMING = ("tcp://", "unix://")
_HTTP = ("http://", "https://")
_LABEL = re.compile(r"([\w .+-]{1,40})=(?!=)")

SYNTAX = (
    "ENGINE, ENGINE:OPTION=VALUE,OPTION=VALUE, tcp://HOST:PORT (any Wyoming server) or http://HOST:PORT/v1#MODEL (OpenAI-compatible); "
    "LABEL= before it names it"
)
LLM_SYNTAX = "llm: MODEL (one of llm.base_url's), http://HOST:PORT/v1#MODEL or http://HOST:PORT/v1 (the one it serves)"


@dataclass(frozen=True)
class Candidate:
    """One contestant."""

    kind: str
    name: str
    """How the tables call it; unique."""
    engine: str = ""
    """An engine of ours, which gets a process of its own; empty for a server that runs already."""
    options: tuple[tuple[str, str], ...] = ()
    """The engine's options as (key, value)."""
    uri: str = ""
    """A Wyoming server that runs already."""

    def settings_lines(self) -> str:
        """What to write into assistant.yaml to use it."""
        if self.kind == "llm":
            return _yaml({"llm": dict(self.options)})
        if not self.engine:
            return _yaml({"satellite": {"peers": {self.kind: self.uri}}})
        chosen: dict = {self.kind: {"engine": self.engine}}
        for key, value in self.options:
            chosen = merge(chosen, nested((self.kind, "engines", self.engine, *key.split(".")), scalar(value)))
        return _yaml(chosen)


def parse(kind: str, text: str) -> Candidate:
    """A candidate as the owner writes it; see SYNTAX.

    Raises: SettingsError.
    """
    label = ""
    if found := _LABEL.match(text):
        label, text = found[1].strip(), text[found.end() :]
    if kind == "llm":
        return _language_model(text, label)
    if text.startswith(_WYOMING):
        return Candidate(kind, label or text, uri=text)
    if text.startswith(_HTTP):
        if kind == "wake":
            raise SettingsError(f"candidate {text!r}: wake words are heard by engines and Wyoming servers only ({SYNTAX})")
        address, _, model = text.partition("#")
        options = (("uri", address), *((("model", model),) if model else ()))
        return Candidate(kind, label or text, "openai", options)
    engine, _, listed = text.partition(":")
    options = tuple(_option(text, pair) for pair in listed.split(",") if pair)
    if not re.fullmatch(r"[a-z0-9-]+", engine):
        raise SettingsError(f"candidate {text!r} is none of: {SYNTAX}")
    return Candidate(kind, label or text, engine, options)


def parse_all(kind: str, texts: Sequence[str]) -> list[Candidate]:
    """Several, each with a name of its own.

    Raises: SettingsError.
    """
    candidates = [parse(kind, text) for text in texts]
    names = [candidate.name for candidate in candidates]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SettingsError(f"candidates named twice: {', '.join(sorted(twice))}; name one: LABEL={sorted(twice)[0]}")
    return candidates


def _language_model(text: str, label: str) -> Candidate:
    if text.startswith(_HTTP):
        address, _, model = text.partition("#")
        return Candidate("llm", label or text, "openai", (("base_url", address), *((("model", model),) if model else ())))
    if not text or not text.isprintable() or text.startswith(_WYOMING):
        raise SettingsError(f"candidate {text!r} is none of: {LLM_SYNTAX}; LABEL= before it names it")
    return Candidate("llm", label or text, "openai", (("model", text),))


def _option(text: str, pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals or not key:
        raise SettingsError(f"candidate {text!r}: {pair!r} must be OPTION=VALUE")
    return key, value


def _yaml(values: dict) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).rstrip()
