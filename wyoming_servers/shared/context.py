"""What engines are told about the house, made from the settings."""

from pathlib import Path

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
        engines={kind: section.engines for kind in KINDS if (section := getattr(settings, kind)) and hasattr(section, "engines")},
    )


def intents_dirs(settings: Settings) -> tuple[Path, ...]:
    """Folders of sentence templates, the shipped one first, then those of installed packages, then the owner's. Blocking."""
    own = Path(settings.handle.intents).expanduser() if settings.handle.intents else paths.data_dir() / "intents"
    return (paths.content("intents"), *packaged_intents(), own)
