"""`earshot engines`: what exists, what can run here now, what the others lack and the command that brings it."""

import argparse

from .. import services
from ..shared.context import engine_context
from ..shared.engine_service import engine_options
from .common import load_settings, settings_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints one line per engine."""
    loaded = load_settings(args)
    context = engine_context(loaded)
    for kind in services.ENGINES:
        section = getattr(loaded, kind)
        auto_taken = section.engine != "auto"
        print(f"{kind}  (settings: {section.engine})")
        for spec in services.engines(kind):
            lacks = spec.lacks(engine_options(kind, section, spec), context)
            used = not lacks and (spec.name == section.engine or not auto_taken)
            auto_taken = auto_taken or used
            state = lacks or ("ready, in use" if used else "ready")
            print(f"  {spec.name:<14} {spec.summary}\n  {'':<14} {state}; {spec.licence}")
    return 0
