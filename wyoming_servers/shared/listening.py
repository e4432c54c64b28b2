"""Sockets to listen on: TCP over both families, and Unix sockets that a killed server does not block."""

import asyncio
import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from .uri import split_uri

_BACKLOG = 128  # clients that may wait while the loop is busy


async def listening_socket(uri: str) -> socket.socket:
    """A bound socket for `tcp://HOST:PORT` or `unix:///PATH`.

    Raises: OSError when the address is in use or not this machine's; SettingsError when the URI is not one.
    """
    scheme, host, port, path = split_uri(uri)
    return _unix(Path(path)) if scheme == "unix" else await _tcp(host, port)


class SocketFile:
    """The file of a bound Unix socket, to be removed by whoever made it (asyncio does so only from Python 3.13 on)."""

    def __init__(self, bound: socket.socket) -> None:
        self._path = Path(bound.getsockname()) if bound.family == socket.AF_UNIX else None
        self._inode = self._path.stat().st_ino if self._path else 0

    def remove(self) -> None:
        """Unless another server has put its own there."""
        with contextlib.suppress(OSError):
            if self._path and self._path.stat().st_ino == self._inode:
                self._path.unlink()


async def _tcp(host: str, port: int) -> socket.socket:
    """`::` takes IPv4 as well, and is IPv4 alone on a machine without IPv6."""
    if host == "::":
        if socket.has_dualstack_ipv6():
            return _prompt(socket.create_server((host, port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True))
        host = "0.0.0.0"
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, *_, address = found[0]
    return _prompt(socket.create_server(address, family=family, backlog=_BACKLOG))


def _prompt(bound: socket.socket) -> socket.socket:
    """Accepted connections inherit that small writes are sent at once.

    asyncio sees to it only for sockets made with IPPROTO_TCP, which these are not: a chunk then waits for the client's delayed
    acknowledgement of the one before, 40 ms on Linux.
    """
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def _unix(path: Path) -> socket.socket:
    _remove_dead(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(os.fspath(path))
    except OSError:
        bound.close()
        raise
    return bound


def _remove_dead(path: Path) -> None:
    """Removes what a server that was killed left behind.

    Raises: OSError when somebody listens there.
    """
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass  # its queue is full: it lives
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
