"""`earshot config`: check settings; print the defaults, commented."""

import argparse
from pathlib import Path

from .. import services
from ..shared import defaults, settings
from ..shared.engine_service import engine_options


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the two actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    validate = actions.add_parser("validate", help="check a settings file, the environment and the defaults together")
    validate.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: assistant.yaml in ~/.config/earshot")
    actions.add_parser("defaults", help="print every setting with its default and what it does")


def run(args: argparse.Namespace) -> int:
    """Exit 0 when everything is as it should be.

    Raises: SettingsError that names source, key and what is allowed.
    """
    if args.action == "defaults":
        print(defaults.render({kind: services.engines(kind) for kind in services.ENGINES}), end="")
        return 0
    check_engines(settings.load(args.file))
    print("The settings are right.")
    return 0


def check_engines(loaded: settings.Settings) -> None:
    """Raises: SettingsError for engines, and options of engines, that do not exist or are out of range."""
    for kind in services.ENGINES:
        section = getattr(loaded, kind)
        known = {spec.name for spec in services.engines(kind)}
        for name in section.engines:
            if name not in known:
                raise settings.SettingsError(f"{kind}.engines: no engine {name!r} (allowed here: {', '.join(sorted(known))})")
        if section.engine not in known | {"auto"}:
            raise settings.SettingsError(f"{kind}.engine: no engine {section.engine!r} (allowed: auto, {', '.join(sorted(known))})")
        for spec in services.engines(kind):
            engine_options(kind, section, spec)
