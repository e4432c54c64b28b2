"""The port that Home Assistant connects to, and its announcement."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from wyoming.info import WakeProgram

from ..shared import interfaces
from ..shared.errors import PortInUseError
from ..shared.server import WyomingServer
from ..shared.settings import Settings
from ..shared.uri import split_uri, tcp_uri
from .home_service import LIMITS, SatelliteService
from .wyoming_link import HomeLink

_LOGGER = logging.getLogger(__name__)
NOBODY = ("", "none")
"""Values of satellite.uri that open no port."""


@asynccontextmanager
async def listening(settings: Settings, link: HomeLink, wake_programs: Callable[[], Sequence[WakeProgram]]) -> AsyncIterator[str]:
    """Lets Home Assistant in, and gives the address; empty where the settings let nobody in, or the port is taken.

    Raises: PortInUseError when only Home Assistant may answer; SettingsError when the address is none.
    """
    section = settings.satellite
    if section.uri in NOBODY:
        yield ""
        return
    split_uri(section.uri)
    service = SatelliteService(section, link, wake_programs)
    link.info = service.info
    server = WyomingServer(section.uri, [service], LIMITS)
    try:
        await server.start()
    except OSError as err:
        problem = (
            f"{section.uri} cannot be listened on ({err.strerror or err}), so Home Assistant cannot reach this satellite; "
            "does another one run here? Give it a port of its own: --set satellite.uri=tcp://[::]:10701"
        )
        if section.assistant == "home_assistant":
            raise PortInUseError(problem) from None
        _LOGGER.warning("%s", problem)
        yield ""
        return
    announcer = None
    try:
        if server.uri.startswith("tcp:"):
            await _say_where(server.uri, settings)
            if settings.network.zeroconf:
                from ..shared.announcer import Announcer  # zeroconf costs 6 MB: not where every server is given

                announcer = Announcer(server.uri, ["satellite"])
                await announcer.start()
        yield server.uri
    finally:
        if announcer:
            await announcer.stop()
        await server.stop()


async def _say_where(uri: str, settings: Settings) -> None:
    _, host, port, _ = split_uri(uri)
    try:
        address = await interfaces.resolve(host)
    except OSError:
        address = host
    there = await asyncio.to_thread(lambda: interfaces.announced(address, interfaces.addresses()))
    how = "discovers this satellite" if settings.network.zeroconf else "reaches this satellite"
    _LOGGER.info("Home Assistant %s at %s (integration: Wyoming Protocol)", how, ", ".join(tcp_uri(ip, port) for ip in there) or uri)
