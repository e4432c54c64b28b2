"""What is in the house: addresses and names that are nobody's on the internet."""

import ipaddress

_LOCAL_ENDS = ("localhost", "local", "lan", "home", "internal", "home.arpa", "fritz.box")
"""Ends of names that are never anybody's on the internet."""


def is_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the house's own networks, or of this machine."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return not (mapped or address).is_global


def is_local_name(host: str) -> bool:
    """Whether a host is in the house by its name or address alone. A name without a dot is one of the house's."""
    try:
        return is_inside(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return "." not in host or any(host.endswith(f".{end}") for end in _LOCAL_ENDS)
