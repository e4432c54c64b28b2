"""Multicast DNS on this machine's interfaces, opened again whenever its addresses change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import zeroconf
from zeroconf.asyncio import AsyncZeroconf

from . import interfaces
from .interfaces import Address
from .tasks import TaskOwner

_LOGGER = logging.getLogger(__name__)
SERVICE_TYPE = "_wyoming._tcp.local."
POLL_S = 3.0  # how soon a new address is noticed; asking costs 0.3 ms
_RETRY_S = 60.0  # a firewall may have been opened
_CLOSE_S = 1.5  # a goodbye is said three times, 125 ms apart
_FAULTS = (OSError, RuntimeError, zeroconf.Error, TimeoutError)


class Multicast:
    """Keeps one AsyncZeroconf open for its user: `begin` is called with each new one, and its result undone by closing it.

    A machine without network, or where multicast is forbidden, gets one warning; it is tried again when addresses change.
    """

    def __init__(
        self,
        what: str,
        where: Callable[[tuple[Address, ...]], list[str | int]],
        begin: Callable[[AsyncZeroconf, tuple[Address, ...]], Awaitable[None]],
        poll_s: float = POLL_S,
        tend: Callable[[AsyncZeroconf], Awaitable[bool]] | None = None,
    ) -> None:
        """what: for log lines. where: the interfaces to speak on, made from this machine's addresses. tend: called every
        `poll_s`; when it returns True, everything begins anew."""
        self._what = what
        self._where = where
        self._begin = begin
        self._poll_s = poll_s
        self._tend = tend
        self._owner = TaskOwner()
        self._warned = False

    def start(self) -> None:
        """Begins; returns at once."""
        self._owner.start(self._run(), f"mdns {self._what}")

    async def stop(self) -> None:
        """Says goodbye and closes."""
        await self._owner.close()

    async def _run(self) -> None:
        while True:
            now = interfaces.addresses()
            radio = await self._open(now)
            try:
                works = radio is not None and await self._use(radio, now)
                await self._changed(now, radio if works else None)
            finally:
                if radio:
                    await self._close(radio)

    async def _open(self, now: tuple[Address, ...]) -> AsyncZeroconf | None:
        where = self._where(now)
        ipv4 = [interface for interface in where if isinstance(interface, str)]
        reason = "no network interface has an address"
        for choice in (where, ipv4):
            if choice:
                try:
                    radio = AsyncZeroconf(interfaces=choice)
                except _FAULTS as err:
                    reason = str(err) or type(err).__name__
                    continue
                if await self._can_send(radio):
                    return radio
                reason = "multicast is not allowed on " + ", ".join(map(str, choice))
                await self._close(radio)
        self._warn(reason)
        return None

    async def _can_send(self, radio: AsyncZeroconf) -> bool:
        """zeroconf goes on without the interfaces that it cannot use, also when there is none left."""
        try:
            await radio.zeroconf.async_wait_for_start()
        except _FAULTS:
            return False
        return bool(radio.zeroconf.engine.senders)

    async def _use(self, radio: AsyncZeroconf, now: tuple[Address, ...]) -> bool:
        try:
            await self._begin(radio, now)
        except _FAULTS as err:
            self._warn(str(err) or type(err).__name__)
            return False
        self._warned = False
        return True

    async def _changed(self, before: tuple[Address, ...], radio: AsyncZeroconf | None) -> None:
        """Returns when it is time to begin anew: other addresses, a wish of the user, or another try where nothing works."""
        loop = asyncio.get_running_loop()
        retry_at = loop.time() + _RETRY_S
        while radio or loop.time() < retry_at:
            await asyncio.sleep(self._poll_s)
            if set(interfaces.addresses()) != set(before):
                _LOGGER.info("%s: this machine's addresses have changed", self._what)
                return
            if radio and await self._wants_anew(radio):
                return

    async def _wants_anew(self, radio: AsyncZeroconf) -> bool:
        try:
            return self._tend is not None and await self._tend(radio)
        except _FAULTS as err:
            _LOGGER.debug("%s: %r", self._what, err)
            return True

    async def _close(self, radio: AsyncZeroconf) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await radio.async_close()
        except _FAULTS as err:
            _LOGGER.debug("%s: closing multicast failed: %s", self._what, err)

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            _LOGGER.warning(
                "%s: multicast DNS does not work here (%s). Everything else goes on. Connect a network and allow UDP port 5353, "
                "or give addresses by hand (satellite.peers) and switch it off with network.zeroconf: false.",
                self._what,
                reason,
            )
