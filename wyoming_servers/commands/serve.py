"""`earshot serve KIND…`: one or more servers in this process, on one address."""

import argparse
import asyncio
import dataclasses
import logging

from .. import services
from ..shared import service_manager
from ..shared.context import engine_context
from ..shared.engine_service import engine_options
from ..shared.engines import EngineSpec, choose, find
from ..shared.errors import PortInUseError, SettingsError
from ..shared.ranking import ranking
from ..shared.server import WyomingServer
from ..shared.settings import ServerSection, Settings, Source, nested
from .common import load_settings, run_until_stopped, setting_source, settings_arguments

_LOGGER = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("kinds", nargs="+", metavar="KIND", choices=sorted(services.SERVICES), help=", ".join(sorted(services.SERVICES)))
    parser.add_argument("--uri", help="where to listen: tcp://HOST:PORT or unix:///PATH (default: the settings' address of the first kind)")
    parser.add_argument("--engine", help="which engine (one KIND only); see `earshot engines`")
    parser.add_argument("--name", help="name announced by mDNS (default: one made from the kinds and this machine)")
    parser.add_argument("--no-zeroconf", action="store_true", help="do not announce this server by mDNS")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serves until stopped.

    Raises: SettingsError, EngineUnavailableError, PortInUseError.
    """
    settings = _settings(args)
    uri = args.uri or getattr(settings, args.kinds[0]).uri
    announced = settings.network.zeroconf and not args.no_zeroconf and not uri.startswith("unix:")
    server = WyomingServer(uri, [services.create(kind, settings) for kind in args.kinds])
    return run_until_stopped(_serve(server, args.kinds, args.name if announced else None, announced))


async def _serve(server: WyomingServer, kinds: list[str], name: str | None, announced: bool) -> int:
    try:
        await server.start()
    except OSError as err:
        raise PortInUseError(f"cannot listen on {server.uri}: {err.strerror or err}") from None
    announcer = None
    if announced:
        from ..shared.announcer import Announcer  # 5 MB that a server without it need not carry

        announcer = Announcer(server.uri, kinds, name)
    try:
        _LOGGER.info("%s: listening on %s", " + ".join(kinds), server.uri)
        service_manager.ready()
        if announcer:
            await announcer.start()
        await asyncio.get_running_loop().create_future()
    finally:
        if announcer:
            await announcer.stop()
        await server.stop()
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    """The settings with --engine and the short form of --set (an option of this kind's engine) put in place."""
    only = args.kinds[0] if len(set(args.kinds)) == 1 else None
    sections = {field.name for field in dataclasses.fields(Settings)}
    short = [text for text in args.set if text.split("=")[0].split(".")[0] not in sections]
    args.set = [text for text in args.set if text not in short]
    if (args.engine or short) and only not in services.ENGINES:
        what = "--engine" if args.engine else f"--set {short[0]}"
        raise SettingsError(f"{what} needs exactly one KIND that has engines; else write --set KIND.KEY=VALUE")
    sources = [Source("--engine", {only: {"engine": args.engine}})] if args.engine else []
    settings = load_settings(args, *sources)
    for text in short:
        sources.append(_engine_option(text, str(only), settings))
    return load_settings(args, *sources) if short else settings


def _engine_option(text: str, kind: str, settings: Settings) -> Source:
    source = setting_source(text)
    key = text.partition("=")[0]
    section: ServerSection = getattr(settings, kind)
    of_server = key in {field.name for field in dataclasses.fields(section)}
    if of_server and not (key == "uri" and section.engine != "auto"):  # an engine's `uri` is where its server is; ours is --uri
        return Source(source.name, {kind: source.values})
    spec = _spec(kind, section, settings)
    known = [field.name for field in dataclasses.fields(spec.load_class().Options)]
    if key in known:
        return Source(source.name, nested((kind, "engines", spec.name), source.values))
    if of_server:
        return Source(source.name, {kind: source.values})
    raise SettingsError(f"--set {key}: engine {spec.name!r} has no such option (it has: {', '.join(known)})")


def _spec(kind: str, section: ServerSection, settings: Settings) -> EngineSpec:
    specs = services.engines(kind)
    if section.engine != "auto":
        return find(specs, section.engine)
    return choose(specs, "auto", lambda spec: engine_options(kind, section, spec), engine_context(settings), ranking(kind))
