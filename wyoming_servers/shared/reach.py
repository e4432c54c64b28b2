"""Which hosts are in the house, which may be asked, and where they are: names are looked up here and nowhere else."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import EgressDeniedError, HttpError
from .inside import is_inside, is_local_name
from .settings import NetworkSection
from .tasks import on_own_thread

_MOST_LOOKUPS = 4
"""At the same time. Each may hang for many seconds while the line is down."""
_KNOWN_S = 60.0
_MOST_KNOWN = 256
Lookup = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Place:
    """Where a host is."""

    local: bool
    """In the house: nothing leaves it when this host is asked."""
    addresses: tuple[str, ...]
    """IPv4 and IPv6; empty when a proxy looks it up."""


class Reach:
    """Finds hosts, as the settings allow. Also the resolver of aiohttp's connector, so that what was judged is what is connected to."""

    def __init__(self, network: NetworkSection, lookup: Lookup | None = None) -> None:
        """lookup: the system's, unless given; blocks; raises OSError."""
        self._forbidden = network.egress == "deny"
        self._allowed = {host.lower().rstrip(".") for host in network.egress_hosts}
        self._proxy = network.proxy
        self._lookup = lookup or _system_lookup
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._places = asyncio.Semaphore(_MOST_LOOKUPS)

    async def find(self, host: str) -> Place:
        """Where `host` is, if it may be asked.

        Raises: HttpError when it may not, or has no address.
        """
        host = host.lower().rstrip(".")
        return self._by_name(host) or self._judged(host, await self.addresses(host))

    def find_now(self, host: str) -> Place:
        """As `find`, blocking, on any thread.

        Raises: as `find`.
        """
        host = host.lower().rstrip(".")
        if place := self._by_name(host):
            return place
        if not (addresses := self._kept(host)):
            try:
                addresses = self._keep(host, tuple(self._lookup(host)))
            except (OSError, UnicodeError) as err:
                raise HttpError(f"{host} has no address here: {getattr(err, 'strerror', None) or err}", offline=True) from err
        return self._judged(host, addresses)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """A host's addresses.

        Raises: HttpError when it has none.
        """
        if addresses := self._kept(host):
            return addresses
        try:
            return self._keep(host, tuple(await self._look_up(host)))
        except OSError as err:
            raise HttpError(f"{host} has no address here: {err.strerror or err}", offline=True) from err

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[dict[str, Any]]:
        """For aiohttp's connector."""
        try:
            addresses = await self.addresses(host.lower().rstrip("."))
        except HttpError as err:
            raise OSError(str(err)) from err
        return [
            {"hostname": host, "host": address, "port": port, "family": _family(address), "proto": 0, "flags": socket.AI_NUMERICHOST}
            for address in addresses
            if family in (socket.AF_UNSPEC, _family(address))
        ]

    async def close(self) -> None:
        """For aiohttp's connector."""

    def _by_name(self, host: str) -> Place | None:
        """What the name alone decides."""
        named_local = is_local_name(host)
        if self._forbidden and not named_local and host not in self._allowed:
            raise self._refusal(host)
        return Place(False, ()) if self._proxy and not named_local else None

    def _judged(self, host: str, addresses: tuple[str, ...]) -> Place:
        place = _place(addresses)
        if self._forbidden and not place.local and host not in self._allowed:
            raise self._refusal(host)
        return place

    def _kept(self, host: str) -> tuple[str, ...]:
        """Addresses that need no look-up; empty when there are none."""
        if _literal(host):
            return (host.partition("%")[0],)
        found_at, addresses = self._known.get(host, (0.0, ()))
        return addresses if time.monotonic() - found_at < _KNOWN_S else ()

    def _keep(self, host: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if not addresses:
            raise HttpError(f"{host} has no address", offline=True)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[host] = time.monotonic(), addresses
        return addresses

    def _refusal(self, host: str) -> HttpError:
        return EgressDeniedError(f"{host} was not asked: network.egress is deny, and it is not one of network.egress_hosts")

    async def _look_up(self, host: str) -> Sequence[str]:
        """The system's lookup cannot be interrupted."""
        await self._places.acquire()
        try:
            return await on_own_thread(lambda: self._lookup(host), f"look up {host}", self._places.release)
        except UnicodeError:
            raise OSError("not a name of a host") from None


def _system_lookup(host: str) -> Sequence[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _place(addresses: Sequence[str]) -> Place:
    literals = [_literal(address) for address in addresses]
    return Place(all(literal is not None and is_inside(literal) for literal in literals), tuple(addresses))


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
