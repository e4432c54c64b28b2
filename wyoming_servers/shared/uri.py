"""Addresses of Wyoming servers."""

import errno
import socket
from urllib.parse import urlsplit

from .errors import SettingsError

ANY_ADDRESS = ("0.0.0.0", "::")
"""Hosts that mean every address of this machine: IPv4, or both."""


def split_uri(uri: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path) of a Wyoming URI.

    Raises: SettingsError that says what a URI looks like.
    """
    try:
        parts = urlsplit(uri)
        if parts.scheme == "unix" and parts.path:
            return "unix", "", 0, parts.path
        if parts.scheme == "tcp" and parts.hostname and parts.port is not None:
            return "tcp", parts.hostname, parts.port, ""
    except ValueError:
        pass  # a port that is no number, a bracket that does not close
    raise SettingsError(f"{uri!r} is not a Wyoming address; use tcp://HOST:PORT or unix:///PATH")


def tcp_uri(host: str, port: int) -> str:
    """A URI; IPv6 addresses are bracketed."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def local_uri(uri: str) -> str:
    """How a server that listens on `uri` is reached from this machine: an any-address becomes the loopback."""
    scheme, host, port, _ = split_uri(uri)
    return tcp_uri("127.0.0.1" if host in ANY_ADDRESS else host, port) if scheme == "tcp" else uri


def taken(uri: str) -> bool:
    """True when a TCP address cannot be listened on because somebody does already."""
    scheme, host, port, _ = split_uri(uri)
    if scheme != "tcp":
        return False
    if host == "::" and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if host == "::":
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind((host, port))
        except OSError as err:
            return err.errno == errno.EADDRINUSE
    return False
