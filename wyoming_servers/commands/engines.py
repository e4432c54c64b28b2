"""`earshot engines`: what exists, what can run here now, what the others lack and the command that brings it."""

import argparse
import dataclasses
import json
from dataclasses import dataclass

from .. import services
from ..shared.context import engine_context
from ..shared.engine_service import engine_options
from ..shared.engines import EngineSpec, choose
from ..shared.errors import EngineUnavailableError
from ..shared.ranking import ranking
from ..shared.settings import Settings
from . import engine_reference
from .common import load_settings, settings_arguments


@dataclass(frozen=True)
class EngineState:
    """One engine on this machine, now."""

    kind: str
    name: str
    summary: str
    state: str
    """"in use", "ready", "downloads when it starts", or what it lacks."""
    licence: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    settings_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the list as JSON")
    form.add_argument("--markdown", action="store_true", help="print docs/engines.md: every engine with its options")


def run(args: argparse.Namespace) -> int:
    """Prints every engine with its state."""
    if args.markdown:
        print(engine_reference.render({kind: services.engines(kind) for kind in services.ENGINES}), end="")
        return 0
    loaded = load_settings(args)
    states = {kind: states_of(kind, loaded) for kind in services.ENGINES}
    if args.json:
        print(json.dumps([dataclasses.asdict(state) for listed in states.values() for state in listed], indent=2))
        return 0
    for kind, listed in states.items():
        print(f"{kind}  (settings: {getattr(loaded, kind).engine})")
        for state in listed:
            print(f"  {state.name:<16} {state.summary}\n  {'':<16} {state.state}; {state.licence}")
    return 0


def states_of(kind: str, settings: Settings) -> list[EngineState]:
    """The engines of one kind and whether each can run here. Blocking."""
    section, context = getattr(settings, kind), engine_context(settings)

    def state(spec: EngineSpec) -> str:
        options = engine_options(kind, section, spec)
        if lacks := spec.lacks(options, context):
            return lacks
        ready = spec.ready(options, context)
        if spec.name == taken:
            return "in use" if ready else "in use, downloads its model when it starts"
        return "ready" if ready else "downloads its model when it starts"

    specs = services.engines(kind)
    try:
        taken = choose(specs, section.engine, lambda spec: engine_options(kind, section, spec), context, ranking(kind)).name
    except EngineUnavailableError:
        taken = ""
    return [EngineState(kind, spec.name, spec.summary, state(spec), spec.licence) for spec in specs]
