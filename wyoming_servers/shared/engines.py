"""Engines block and know neither asyncio nor Wyoming: what they are called, what they need, which one is taken, what they are told."""

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import paths
from .errors import AssistantError, EngineUnavailableError
from .gate import kept_inside
from .house import House
from .models import ModelStore
from .settings import NetworkSection

if TYPE_CHECKING:
    from .ledger_gate import EngineGate  # brings SQLite


@dataclass(frozen=True)
class EngineSpec:
    """One line of a folder's ENGINES. Nothing heavy is imported until `load`."""

    name: str
    """What the owner writes as `engine:`."""
    target: str
    """"module:Class"; the class has an `Options` dataclass and is called with (options, context). Importing the module is
    cheap and works without the engine's library: that is imported when the class is used."""
    summary: str
    """One line for `earshot engines`."""
    needs: tuple[str, ...] = ()
    """Importable modules this engine cannot work without."""
    extra: str = ""
    """The extra of pyproject.toml that brings them; empty when the base install has them."""
    licence: str = ""
    """Licence of the library and of the models that come with it."""
    auto: bool = True
    """False for an engine that is taken only when the owner names it: it stands on others, or sends sound to another machine."""

    def missing(self) -> list[str]:
        """The needed modules that are not installed; looked up, not imported."""
        return [module for module in self.needs if importlib.util.find_spec(module) is None]

    def install_command(self) -> str:
        """The command that brings what is missing, for this installation."""
        return install_command(self.extra)

    def load_class(self) -> type:
        """The engine's class; its module is imported, its library is not."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)

    def lacks(self, options: Any, context: "EngineContext") -> str:
        """Why this engine cannot run here now, with what brings it; empty when it can, be it after a download. Blocking."""
        if missing := self.missing():
            return f"needs {', '.join(missing)}: {self.install_command()}"
        if reason := self.kept_inside(options, context):
            return reason
        try:
            models = self.load_class().models(options, context)
        except AssistantError as err:
            return str(err)
        return "" if models else f"has no model on this machine: earshot models list --engine {self.name}"

    def ready(self, options: Any, context: "EngineContext") -> bool:
        """True when it could start now without downloading anything. Blocking."""
        if self.missing() or self.kept_inside(options, context):
            return False
        try:
            models = self.load_class().models(options, dataclasses.replace(context, store=context.store.here_only()))
            return any(model.installed for model in models)
        except AssistantError:
            return False

    def kept_inside(self, options: Any, context: "EngineContext") -> str:
        """Why the server it stands on may not be asked; empty when it may, or stands on none."""
        return kept_inside(str(getattr(options, "uri", "")), context.network)


def install_command(extra: str) -> str:
    """The command that brings the libraries of an extra (empty: of the base installation), for this installation."""
    if paths.in_checkout():
        return f"script/setup {extra}".rstrip()
    return f'pip install "earshot-voice[{extra}]"' if extra else "pip install earshot-voice"


def choose(
    specs: tuple[EngineSpec, ...],
    name: str,
    options: Callable[[EngineSpec], Any],
    context: "EngineContext",
    ranking: Sequence[str] = (),
) -> EngineSpec:
    """The engine called `name`; for `auto` the best that needs no download. Blocking.

    ranking: names from best to worst, as a bake-off on this machine found them; engines that are not in it follow in the list's order.
    Raises: EngineUnavailableError that says what each lacks, or which engines there are.
    """
    if name != "auto":
        spec = find(specs, name)
        if reason := spec.lacks(options(spec), context):
            raise EngineUnavailableError(f"{spec.name} {reason}")
        return spec
    place = {name: number for number, name in enumerate(ranking)}
    ranked = sorted((spec for spec in specs if spec.auto), key=lambda spec: place.get(spec.name, len(place)))
    for spec in ranked:
        if spec.ready(options(spec), context):
            return spec
    raise EngineUnavailableError("; ".join(f"{spec.name} {_unready(spec, options, context)}" for spec in ranked))


def _unready(spec: EngineSpec, options: Callable[[EngineSpec], Any], context: "EngineContext") -> str:
    return spec.lacks(options(spec), context) or f"has to be named to be downloaded: engine: {spec.name}"


def find(specs: Sequence[EngineSpec], name: str) -> EngineSpec:
    """The engine of this name.

    Raises: EngineUnavailableError that lists those there are.
    """
    for spec in specs:
        if spec.name == name:
            return spec
    raise EngineUnavailableError(f"no engine {name!r}; there are: auto, {', '.join(spec.name for spec in specs)}")


@dataclass(frozen=True)
class EngineContext:
    """What an engine may know besides its own options."""

    language: str = "en"
    """The house's language."""
    house: House = field(default_factory=House)
    """The names people say in this house."""
    data_dir: Path = Path()
    """Where the owner drops models and wake words."""
    intents_dirs: tuple[Path, ...] = ()
    """Folders of sentence templates: the shipped one, then the owner's."""
    store: ModelStore = field(default_factory=ModelStore)
    """Models on this machine, and those that can be fetched."""
    engines: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """kind → engine → its options as the settings have them, for engines that stand on others (see engine_service.engine_options)."""
    network: NetworkSection = field(default_factory=NetworkSection)
    """What may leave the house: engines on other machines are judged by it before they are asked anything."""
    gates: "Callable[[str], EngineGate] | None" = None
    """Gives the gate of a kind (`asr`, `tts`), through which its engines reach servers outside the house; None: nobody keeps a ledger."""
    remembered: dict[str, Any] = field(default_factory=dict)
    """What servers elsewhere have told engines, by server, while this process runs (see shared.recall)."""

    def gate(self, setting: str) -> "EngineGate | None":
        """The gate of the engine whose options are at `setting`: `asr.engines.openai`."""
        return self.gates(setting.partition(".")[0]) if self.gates else None


@dataclass(frozen=True)
class Model:
    """A voice, a wake word or a recogniser's model, as `describe` shows it."""

    name: str
    """Stable id."""
    description: str
    """For people; unique per language."""
    languages: tuple[str, ...]
    """BCP 47 tags, `en` or `en-US`."""
    author: str
    """Who made it."""
    url: str
    """Where it is from."""
    version: str | None = None
    phrase: str | None = None
    """What is said (wake words)."""
    speakers: tuple[str, ...] = ()
    """Speakers of one voice."""
    installed: bool = True
    """False when the engine's constructor has to fetch it first."""
