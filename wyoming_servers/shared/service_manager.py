"""What systemd is told of this process, where it asks (sd_notify): that it is ready, and that its event loop still turns."""

import asyncio
import contextlib
import os
import socket

_PINGS = 3  # in the time after which systemd would take this process to hang


def ready() -> None:
    """It serves from now on."""
    _notify("READY=1")


async def keep_alive() -> None:
    """Tells again and again that the event loop turns: until cancelled, or not at all where nobody waits for it."""
    limit_us = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID") in (None, str(os.getpid()))
    if not (meant and limit_us.isdecimal()):
        return
    while True:
        _notify("WATCHDOG=1")
        await asyncio.sleep(int(limit_us) / 1e6 / _PINGS)


def _notify(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outlet, contextlib.suppress(OSError):  # it has gone, or is too busy
        outlet.setblocking(False)
        outlet.sendto(state.encode(), address)
