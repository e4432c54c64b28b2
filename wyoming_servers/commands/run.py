"""`earshot run`: everything on this machine."""

import argparse

from ..shared.errors import PortInUseError
from ..shared.settings import KINDS, Settings
from ..shared.uri import local_uri, split_uri, taken
from ..supervisor import Part, Supervisor
from .common import PARENT_PIPE, load_settings, run_until_stopped, settings_arguments

_READY_TIMEOUT_S = 30.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("--no-satellite", action="store_true", help="only the servers, no microphone and loudspeaker")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Runs until Ctrl-C.

    Raises: SettingsError, PortInUseError.
    """
    settings = load_settings(args)
    _check_ports(settings)
    passed = [*(["--config", str(args.config)] if args.config else []), *(part for text in args.set for part in ("--set", text))]
    parts = [_server(kind, settings, passed) for kind in KINDS]
    if settings.web.uri:
        parts.append(Part("web", ("web", *([] if args.no_satellite else ["--satellite"]), *passed)))
    if not args.no_satellite:
        parts.append(Part("satellite", ("satellite", *passed), microphone=True))
    return run_until_stopped(_supervise(parts))


def _server(kind: str, settings: Settings, passed: list[str]) -> Part:
    uri = getattr(settings, kind).uri
    announced = settings.network.zeroconf and not uri.startswith("unix:")
    return Part(kind, ("serve", kind, "--no-zeroconf", *passed), local_uri(uri), uri if announced else "")


async def _supervise(parts: list[Part]) -> int:
    return await Supervisor(parts, PARENT_PIPE).run(_READY_TIMEOUT_S)


def _check_ports(settings: Settings) -> None:
    for kind in KINDS:
        uri = getattr(settings, kind).uri
        if taken(uri):
            port = split_uri(uri)[2]
            raise PortInUseError(
                f"the {kind} server's address {uri} is in use; is Earshot running already? "
                f"Stop the other program, or give another port: --set {kind}.uri={uri.replace(str(port), str(port + 1))}"
            )
