"""The servers for one command: those that run on this machine, else our own, started for the occasion."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from .. import services
from ..satellite.directory import Directory
from ..shared.client import describe
from ..shared.errors import PeerError
from ..shared.offers import kinds as offered
from ..shared.server import WyomingServer
from ..shared.settings import PeersSection, Settings
from ..shared.uri import local_uri

_ANSWER_WITHIN_S = 1.0


@asynccontextmanager
async def servers_for(kinds: Iterable[str], settings: Settings) -> AsyncIterator[Directory]:
    """A directory with one server per kind: the given one (satellite.peers), else the one that runs on this machine's usual port,
    else one of our own on a private Unix socket, gone afterwards."""
    kinds = list(kinds)
    running = dict(zip(kinds, await asyncio.gather(*(_running(kind, settings) for kind in kinds)), strict=True))
    missing = [kind for kind, uri in running.items() if not uri]
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        own = WyomingServer(f"unix://{Path(folder) / 'ask.sock'}", [services.create(kind, settings) for kind in missing])
        directory: Directory | None = None
        try:
            if missing:
                await own.start()
            directory = Directory(PeersSection(**{kind: uri or own.uri for kind, uri in running.items()}), browse=False)
            await directory.start()
            yield directory
        finally:
            if directory:
                await directory.stop()
            if missing:
                await own.stop()


async def _running(kind: str, settings: Settings) -> str:
    if given := getattr(settings.satellite.peers, kind):
        return given
    uri = local_uri(getattr(settings, kind).uri)
    try:
        info = await describe(uri, _ANSWER_WITHIN_S)
    except PeerError:
        return ""
    return uri if kind in offered(info) else ""
