"""Finds the Wyoming servers that are announced on the network, and asks them what they offer."""

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wyoming.info import Info
from zeroconf import DNSQuestionType, ServiceListener, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from . import interfaces
from .asking import ask
from .errors import PeerError
from .interfaces import Address
from .multicast import POLL_S, SERVICE_TYPE, Multicast
from .protocol import printable
from .tasks import TaskOwner, cancel
from .uri import tcp_uri

_LOGGER = logging.getLogger(__name__)
_RESOLVE_MS = 3000
_RESOLVE_TRIES = 10  # multicast gets lost on wireless networks
_FLUSH_S = 1.5
_FORGET_S = 3.0  # after a change of network: what has not been seen again by then is gone
_MAX_SERVERS = 256  # a hostile network cannot make us remember more


@dataclass(frozen=True)
class Sighting:
    """A server that is announced."""

    name: str
    """Its instance name; stays when its address changes."""
    uris: tuple[str, ...]
    """Where it may be reached, the most promising first; never empty."""
    local: bool
    """On this machine."""


class Browser:
    """Watches for announced servers and follows them to new addresses."""

    def __init__(
        self,
        seen: Callable[[Sighting], None],
        gone: Callable[[str], None],
        *,
        on: Sequence[str] | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        """seen: called for a new server and whenever its addresses change. gone: called with the name of one that withdrew or was
        not heard of for long. Both on the loop. on: IPv4 addresses of the only interfaces to listen on; None means all."""
        self._seen, self._gone = seen, gone
        self._on = list(on) if on is not None else None
        self._sightings: dict[str, Sighting] = {}
        self._lookups: dict[str, asyncio.Task] = {}
        self._again: set[str] = set()
        self._heard: set[str] = set()
        self._owner = TaskOwner()
        self._multicast = Multicast("finding servers", self._where, self._browse, poll_s)

    async def start(self) -> None:
        """Begins to listen; returns at once."""
        self._multicast.start()

    async def stop(self) -> None:
        """Stops listening."""
        await self._multicast.stop()
        await self._owner.close()

    def _where(self, now: tuple[Address, ...]) -> list[str | int]:
        return list(self._on) if self._on is not None else interfaces.multicast("::", now)

    async def _browse(self, radio: AsyncZeroconf, _: tuple[Address, ...]) -> None:
        await cancel(*self._lookups.values())
        self._lookups.clear()
        self._heard.clear()
        listener = _Listener(self._heard_of, self._withdrawn)
        browser = AsyncServiceBrowser(radio.zeroconf, SERVICE_TYPE, listener=listener, question_type=DNSQuestionType.QM)
        radio.async_browsers[listener] = browser  # ends with the radio
        if self._sightings:
            self._owner.start(self._forget_unheard(), "forget servers of another network")

    async def _forget_unheard(self) -> None:
        await asyncio.sleep(_FORGET_S)
        for name in self._sightings.keys() - self._heard:
            self._lose(name)

    def _withdrawn(self, name: str) -> None:
        self._heard.discard(name)
        if lookup := self._lookups.pop(name, None):
            lookup.cancel()
        self._lose(name)

    def _heard_of(self, radio: Zeroconf, name: str) -> None:
        if name in self._lookups:
            self._again.add(name)
        elif name in self._sightings or len(self._sightings) + len(self._lookups) < _MAX_SERVERS:
            self._heard.add(name)
            self._lookups[name] = task = self._owner.start(self._look_up(radio, name), f"resolve {printable(name, 80)}")
            task.add_done_callback(lambda done: self._lookups.pop(name) if self._lookups.get(name) is done else None)

    async def _look_up(self, radio: Zeroconf, name: str) -> None:
        tries = 0
        while tries < _RESOLVE_TRIES:
            tries += 1
            self._again.discard(name)
            info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
            found = await info.async_request(radio, _RESOLVE_MS, DNSQuestionType.QM)  # all processes of this machine hear it
            if name in self._again:
                tries = 0
            elif found:
                self._see(radio, _sighting(name, info))
                return

    def _see(self, radio: Zeroconf, sighting: Sighting | None) -> None:
        before = sighting and self._sightings.get(sighting.name)
        if sighting and sighting != before:
            self._sightings[sighting.name] = sighting
            self._seen(sighting)
            if before:
                self._owner.start(self._look_again(radio, sighting.name), f"resolve {printable(sighting.name, 80)} again")

    async def _look_again(self, radio: Zeroconf, name: str) -> None:
        """Old addresses are dropped, without a word, a second after new ones have come."""
        await asyncio.sleep(_FLUSH_S)
        if name in self._sightings and not radio.done:
            self._heard_of(radio, name)

    def _lose(self, name: str) -> None:
        if self._sightings.pop(name, None):
            self._gone(name)


class _Listener(ServiceListener):
    """zeroconf's callbacks, with instance names."""

    def __init__(self, heard_of: Callable[[Zeroconf, str], None], withdrawn: Callable[[str], None]) -> None:
        self._heard_of, self._withdrawn = heard_of, withdrawn

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._heard_of(zc, name.removesuffix(f".{SERVICE_TYPE}"))

    update_service = add_service

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._withdrawn(name.removesuffix(f".{SERVICE_TYPE}"))


@dataclass(frozen=True)
class Found:
    """A server on the network."""

    name: str
    """Fit to be printed."""
    uri: str
    """The address that answered, else the most promising."""
    info: Info | None
    """What it offers; None when it does not answer."""
    round_trip_ms: float | None
    local: bool = False
    """On this machine."""


async def find(timeout_s: float, *, on: Sequence[str] | None = None) -> list[Found]:
    """Every server announced within `timeout_s`, asked what it offers; by name. Takes up to DESCRIBE_TIMEOUT_S longer."""
    asked: dict[str, asyncio.Task[Found]] = {}
    owner = TaskOwner()

    def seen(sighting: Sighting) -> None:
        asked[sighting.name] = owner.start(_ask_found(sighting), f"ask {printable(sighting.name, 80)}")

    def gone(name: str) -> None:
        asked.pop(name, None)

    browser = Browser(seen, gone, on=on)
    await browser.start()
    try:
        await asyncio.sleep(timeout_s)
        return sorted(await asyncio.gather(*asked.values()), key=lambda found: found.name)
    finally:
        await browser.stop()
        await owner.close()


async def _ask_found(sighting: Sighting) -> Found:
    name = printable(sighting.name)
    try:
        answer = await ask(sighting.uris)
    except PeerError as err:
        _LOGGER.debug("%s: %s", name, err)
        return Found(name, sighting.uris[0], None, None, sighting.local)
    return Found(name, answer.uri, answer.info, answer.round_trip_ms, sighting.local)


def _sighting(name: str, info: AsyncServiceInfo) -> Sighting | None:
    own = {address.ip for address in interfaces.addresses()}
    ips = [ipaddress.ip_address(text) for text in info.parsed_scoped_addresses()]
    usable = [ip for ip in ips if not (ip.is_unspecified or ip.is_multicast)]
    usable.sort(key=lambda ip: (not ip.is_loopback, ip.is_link_local, ip.version))
    if not usable or not info.port:
        return None
    uris = tuple(dict.fromkeys(tcp_uri(str(ip), info.port) for ip in usable))
    return Sighting(name, uris, any(ip.is_loopback or str(ip).partition("%")[0] in own for ip in usable))
