"""What engines are told about the house, made from the settings."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from . import paths
from .engines import EngineContext
from .models import ModelStore
from .plugins import packaged_intents
from .settings import KINDS, Settings


def engine_context(settings: Settings) -> EngineContext:
    """The context every engine gets."""
    return EngineContext(
        language=settings.language,
        house=settings.house,
        data_dir=paths.data_dir(),
        intents_dirs=intents_dirs(settings),
        store=ModelStore(settings.models),
        network=settings.network,
        gates=_gates(settings),
        engines={kind: section.engines for kind in KINDS if (section := getattr(settings, kind)) and hasattr(section, "engines")},
    )


if TYPE_CHECKING:
    from .ledger_gate import EngineGate

_WHY = {"asr": "recognising what was said", "tts": "speech of an answer"}
"""What the ledger says; in other languages `purpose_asr` and `purpose_tts` of the tool egress are spoken."""


def _gates(settings: Settings) -> "Callable[[str], EngineGate]":
    """One gate per kind, made when the first engine wants it."""

    @cache
    def gate(kind: str) -> "EngineGate":
        from .ledger import location
        from .ledger_gate import EngineGate  # SQLite is 1 MB that servers without engines elsewhere need not carry

        return EngineGate(settings.network, location(settings), kind, _WHY[kind])

    return gate


def intents_dirs(settings: Settings) -> tuple[Path, ...]:
    """Folders of sentence templates, the shipped one first, then those of installed packages, then the owner's. Blocking."""
    own = Path(settings.handle.intents).expanduser() if settings.handle.intents else paths.data_dir() / "intents"
    return (paths.content("intents"), *packaged_intents(), own)
