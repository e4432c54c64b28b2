"""This machine's addresses: which of them a server announces, and where multicast DNS speaks."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import ifaddr

from .uri import ANY_ADDRESS

# Bridges to containers and virtual machines: their addresses mean nothing to another machine, which would try them and give up.
_INTERNAL = re.compile(r"(docker|br-|veth|virbr|cni|flannel|cali|podman|lxc|lxd|hassio|vmnet)")


@dataclass(frozen=True)
class Address:
    """One address of one network interface."""

    ip: str
    """Without a scope."""
    index: int
    """The interface's number."""
    internal: bool
    """On a bridge to containers or virtual machines."""

    @property
    def parsed(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """For questions about its kind."""
        return ipaddress.ip_address(self.ip)


def addresses() -> tuple[Address, ...]:
    """Every address this machine has now. Takes about 0.3 ms."""
    return tuple(_all())


def announced(host: str, all_addresses: tuple[Address, ...]) -> list[str]:
    """The addresses under which a server that listens on `host` (an address or `::`) is reached; empty when there are none.

    Never an any-address. The loopback only when the server listens nowhere else.
    """
    if host not in ANY_ADDRESS:
        return [host.partition("%")[0]]
    both = host == "::"
    reachable = [a for a in all_addresses if _routable(a.parsed) and (both or a.parsed.version == 4)]
    outward = [a for a in reachable if not a.internal] or reachable
    if not outward:
        outward = [a for a in all_addresses if a.parsed.is_loopback and (both or a.parsed.version == 4)]
    return [a.ip for a in sorted(outward, key=lambda a: a.parsed.version)]


def multicast(host: str, all_addresses: tuple[Address, ...]) -> list[str | int]:
    """Where multicast DNS speaks for a server on `host`: IPv4 addresses, and the numbers of IPv6 interfaces.

    A server on the loopback is named on the loopback only.
    """
    if host not in ANY_ADDRESS and ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        return ["127.0.0.1"]  # also for ::1: the loopback carries multicast over IPv4 everywhere, over IPv6 not
    chosen = [a for a in all_addresses if not a.internal]
    ipv4: list[str | int] = [a.ip for a in chosen if a.parsed.version == 4]
    return ipv4 + sorted({a.index for a in chosen if a.parsed.version == 6 and not a.parsed.is_loopback})


async def resolve(host: str) -> str:
    """`host` as an address; an address stays as it is.

    Raises: OSError when the name is unknown.
    """
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return str(found[0][4][0])
    return host


def _all() -> Iterator[Address]:
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            yield Address(text, adapter.index or 0, bool(_INTERNAL.match(adapter.nice_name)))


def _routable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """True for what another machine can connect to without naming an interface."""
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)
