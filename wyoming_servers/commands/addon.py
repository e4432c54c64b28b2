"""`earshot addon`: what runs inside Home Assistant's add-ons, set up from their options."""

import argparse
import asyncio
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import services
from ..addon import options
from ..addon.supervisor import Discovery
from ..shared import settings as settings_of
from ..shared.errors import PortInUseError, SettingsError
from ..shared.server import WyomingServer
from ..shared.service import Service
from ..shared.settings import KINDS, Settings, Source
from ..shared.tasks import TaskOwner
from ..shared.unavailable import UnavailableService
from ..shared.uri import local_uri, split_uri, tcp_uri
from .common import run_until_stopped
from .web import status_page

_LOGGER = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the two parts."""
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    for name, what in (("servers", "all four servers on one port, and the status page"), ("satellite", "microphone and loudspeaker")):
        part = parts.add_parser(name, help=what)
        part.add_argument("--options", type=Path, required=True, metavar="FILE", help="the add-on's options, as the Supervisor writes them")
        part.add_argument("--config", type=Path, metavar="FILE", help="settings file of the owner, read where it exists")
        part.add_argument("--supervisor", default="http://supervisor", metavar="URL", help="the Supervisor (default: http://supervisor)")


def run(args: argparse.Namespace) -> int:
    """Runs until stopped.

    Raises: SettingsError that names the option, EngineUnavailableError, PortInUseError.
    """
    chosen = options.read_options(args.options)
    if options.debug(chosen):
        logging.getLogger().setLevel(logging.DEBUG)
    if args.part == "servers":
        return run_until_stopped(_serve(*usable_settings(chosen, args.config), args.supervisor))
    return run_until_stopped(_listen(satellite_settings(chosen, args.config), args.supervisor))


def servers_settings(chosen: dict, config: Path | None = None) -> Settings:
    """The settings of the four servers: the add-on's own, then the owner's file, the environment and the options.

    Raises: SettingsError.
    """
    uri = f"tcp://[::]:{options.PORT}"
    own = {
        **{kind: {"uri": uri} for kind in KINDS},
        "network": {"zeroconf": False},  # multicast does not leave the container; the Supervisor announces
        "web": {"uri": f"http://[::]:{options.INGRESS_PORT}", "admit": [options.INGRESS_GATEWAY]},
    }
    engines = {kind: services.engines(kind) for kind in services.ENGINES}
    return _load(own, config, options.sources(options.SERVERS, chosen, engines))


def usable_settings(chosen: dict, config: Path | None = None) -> tuple[Settings, dict[str, str]]:
    """(the settings without the options of servers that cannot run with them, kind → why that one cannot).

    Raises: SettingsError for what concerns all servers.
    """
    try:
        return servers_settings(chosen, config), {}
    except SettingsError:
        problems = {}
    for kind in (kind for kind in services.ENGINES if kind in chosen):
        try:
            servers_settings({kind: chosen[kind]}, config)
        except SettingsError as err:
            problems[kind] = str(err)
    return servers_settings({name: value for name, value in chosen.items() if name not in problems}, config), problems


def satellite_settings(chosen: dict, config: Path | None = None) -> Settings:
    """The settings of the satellite; its servers are those of the other add-on unless the options name others.

    Raises: SettingsError.
    """
    servers = chosen.get("servers") or f"tcp://{_sibling(socket.gethostname())}:{options.PORT}"
    own = {"network": {"zeroconf": False}, "satellite": {"name": "Earshot Satellite", "uri": f"tcp://[::]:{options.SATELLITE_PORT}"}}
    own["satellite"]["peers"] = dict.fromkeys(KINDS, servers)
    return _load(own, config, options.sources(options.SATELLITE, chosen, {}))


def _load(own: dict, config: Path | None, chosen: Sequence[Source]) -> Settings:
    beneath = [Source("the add-on", own)]
    beneath += [settings_of.read_file(config)] if config and config.exists() else []
    return settings_of.load(overrides=[*beneath, *settings_of.from_environment(os.environ), *chosen])


def _sibling(host: str) -> str:
    """The host name of the servers' add-on: the Supervisor makes names of the repository's id and the slug."""
    own, servers = (f"-{slug.replace('_', '-')}" for slug in (options.SATELLITE, options.SERVERS))
    return host.removesuffix(own) + servers


async def _serve(settings: Settings, problems: Mapping[str, str], supervisor: str) -> int:
    uri = settings.asr.uri
    offered = {kind: services.create(kind, settings) for kind in KINDS}
    offered |= {kind: _unavailable(offered[kind], problem) for kind, problem in problems.items()}
    server = WyomingServer(uri, list(offered.values()), instead=_unavailable)
    page = status_page(settings, dict.fromkeys(KINDS, uri))
    owner = TaskOwner()
    try:
        await server.start()
    except OSError as err:
        raise PortInUseError(f"cannot listen on {server.uri}: {err.strerror or err}") from None
    try:
        _LOGGER.info("%s: listening on %s", " + ".join(KINDS), server.uri)
        await page.start()
        _announce(owner, server.uri, supervisor)
        await asyncio.get_running_loop().create_future()
    finally:
        await owner.close()
        await page.stop()
        await server.stop()
    return 0


def _unavailable(service: Service, problem: object) -> Service:
    _LOGGER.error("%s cannot run, the others go on without it: %s", service.kind, problem)
    return UnavailableService(service, str(problem))


async def _listen(settings: Settings, supervisor: str) -> int:
    from ..satellite import loop  # sound cards and arrays, which the servers' process need not carry

    owner = TaskOwner()
    if settings.satellite.uri != "none":
        _announce(owner, settings.satellite.uri, supervisor)
    try:
        await loop.run(settings)
    finally:
        await owner.close()
    return 0


def _announce(owner: TaskOwner, uri: str, supervisor: str) -> None:
    """Begins to tell Home Assistant, once the server answers."""
    token = os.environ.get("SUPERVISOR_TOKEN", "")
    if not token:
        _LOGGER.warning("not announced to Home Assistant: there is no SUPERVISOR_TOKEN, so this is no add-on")
        return
    announced = tcp_uri(socket.gethostname(), split_uri(uri)[2])
    owner.start(Discovery(local_uri(uri), announced, supervisor, token).run(), "announce to Home Assistant")
