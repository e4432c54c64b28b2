"""`earshot web`: the status page of the servers on this machine."""

import argparse
import asyncio
import dataclasses
from collections.abc import Mapping

from .. import services
from ..shared.settings import KINDS, Settings
from ..shared.uri import local_uri
from ..web.server import StatusPage
from ..web.status import StatusSource
from .common import load_settings, run_until_stopped, settings_arguments
from .engines import EngineState, states_of

DEFAULT_URI = "http://127.0.0.1:10800"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("--uri", help=f"where to show it (default: web.uri of the settings, else {DEFAULT_URI})")
    parser.add_argument("--satellite", action="store_true", help="show this machine's satellite, too")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Shows the page until stopped.

    Raises: SettingsError, PortInUseError.
    """
    settings = load_settings(args)
    web = dataclasses.replace(settings.web, uri=args.uri or settings.web.uri or DEFAULT_URI)
    uris = {kind: getattr(settings, kind).uri for kind in KINDS}
    if args.satellite and settings.satellite.uri != "none":
        uris["satellite"] = settings.satellite.uri
    return run_until_stopped(_show(status_page(dataclasses.replace(settings, web=web), uris)))


def status_page(settings: Settings, uris: Mapping[str, str]) -> StatusPage:
    """The page, not yet shown. uris: kind → where its server listens.

    Raises: SettingsError.
    """

    def engines() -> list[EngineState]:
        return [state for kind in services.ENGINES if kind in uris for state in states_of(kind, settings)]

    source = StatusSource({kind: local_uri(uri) for kind, uri in uris.items()}, engines, settings.web.words)
    return StatusPage(settings.web.uri, source, settings.web.admit)


async def _show(page: StatusPage) -> int:
    try:
        await page.start()
        await asyncio.get_running_loop().create_future()
    finally:
        await page.stop()
    return 0
