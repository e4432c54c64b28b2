"""Every service by name; its module is imported when it is asked for."""

import importlib
from typing import Any

from .shared.service import Service
from .shared.settings import Settings

SERVICES = {
    "wake": "wyoming_servers.wake.server:serve",
    "asr": "wyoming_servers.asr.server:serve",
    "handle": "wyoming_servers.handle.server:serve",
    "tts": "wyoming_servers.tts.server:serve",
}
"""kind → "module:function"; the function takes the settings and returns the service."""

ENGINES = {
    "wake": "wyoming_servers.wake:ENGINES",
    "asr": "wyoming_servers.asr:ENGINES",
    "tts": "wyoming_servers.tts:ENGINES",
}
"""kind → where its list of engines stands."""


def create(kind: str, settings: Settings) -> Service:
    """The service of one kind, not yet started."""
    return _load(SERVICES[kind])(settings)


def engines(kind: str) -> tuple:
    """The EngineSpecs of one kind; empty for kinds without engines."""
    return _load(ENGINES[kind]) if kind in ENGINES else ()


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
