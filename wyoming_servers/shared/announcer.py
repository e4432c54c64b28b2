"""Announces a server on the network as `_wyoming._tcp.local.`, and keeps its name its own."""

import asyncio
import logging
import secrets
from collections.abc import Iterator, Sequence

from zeroconf import DNSQuestionType, DNSService, current_time_millis
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from . import interfaces
from .identity import machine_id
from .interfaces import Address
from .multicast import POLL_S, SERVICE_TYPE, Multicast
from .settings import DEFAULT_PORTS
from .uri import split_uri, tcp_uri

_LOGGER = logging.getLogger(__name__)
_MAX_NAME_BYTES = 63  # a DNS label
_NAME_CHECK_MS = 600  # somebody of the same name has answered by then, unless it has only just begun
_MOST_NAMESAKES = 20


class Announcer:
    """Announces one server; follows this machine's addresses; withdraws on stop. Never fails: at worst it logs one warning.

    The name is stable and unique per machine and service: `earshot-asr-1a2b3c4d`, with the port behind it where that is not
    the usual one. A name that is taken on the network gets a number.
    """

    def __init__(
        self, uri: str, kinds: Sequence[str], name: str | None = None, *, on: Sequence[str] | None = None, poll_s: float = POLL_S
    ) -> None:
        """uri: where the server listens, with its real port. name: instead of the made one. on: IPv4 addresses of the only
        interfaces to speak on; None means all that lead to the server. poll_s: how often to look for new addresses."""
        scheme, host, port, _ = split_uri(uri)
        if scheme != "tcp":
            raise ValueError(f"{uri} is not reached over the network")
        self._kinds = tuple(dict.fromkeys(kinds))
        self._host, self._port = host, port
        self._given_name = name
        self._on = list(on) if on is not None else None
        self._address = host
        self._name = self._wanted = ""
        self._host_name = f"earshot-{secrets.token_hex(6)}.local."  # another machine of the same name must not mix its addresses in
        self._given_up: set[str] = set()
        self._defending = False
        self._info: AsyncServiceInfo | None = None
        self._registered = asyncio.Event()
        self._multicast = Multicast(f"announcing {'+'.join(self._kinds)}", self._where, self._register, poll_s, self._defend_name)

    async def start(self) -> None:
        """Begins to announce; returns at once, about 1 s before the network knows."""
        identity = await asyncio.to_thread(machine_id)
        self._wanted = instance_name(self._kinds, self._port, identity, self._given_name)
        try:
            self._address = await interfaces.resolve(self._host)
        except OSError as err:
            _LOGGER.warning("cannot announce %s: %s; listen on an address or on [::]", self._host, err)
            return
        self._multicast.start()

    async def announced(self) -> str:
        """Waits until the network has been told; returns the instance name in use."""
        await self._registered.wait()
        return self._name

    async def stop(self) -> None:
        """Withdraws the announcement."""
        await self._multicast.stop()

    def _where(self, now: tuple[Address, ...]) -> list[str | int]:
        return list(self._on) if self._on is not None else interfaces.multicast(self._address, now)

    async def _register(self, radio: AsyncZeroconf, now: tuple[Address, ...]) -> None:
        ips = interfaces.announced(self._address, now)
        self._info, self._defending = None, False
        if not ips:
            raise OSError("this machine has no address")
        self._name = await self._free_name(radio)
        info = AsyncServiceInfo(
            SERVICE_TYPE,
            f"{self._name}.{SERVICE_TYPE}",
            port=self._port,
            parsed_addresses=ips,
            properties={"kinds": ",".join(self._kinds), "by": "earshot"},
            server=self._host_name,
        )
        await (await radio.async_register_service(info, cooperating_responders=True))  # without its own check of the name
        self._info = info
        _LOGGER.info("announced as %s at %s", self._name, ", ".join(tcp_uri(ip, self._port) for ip in ips))
        self._registered.set()

    async def _free_name(self, radio: AsyncZeroconf) -> str:
        """The wanted name, with a number when somebody else answers to it.

        zeroconf asks for an answer to itself alone, which another process on this machine may get in its place.
        """
        for name in _numbered(self._wanted):
            if name not in self._given_up:
                namesake = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
                if not await namesake.async_request(radio.zeroconf, _NAME_CHECK_MS, DNSQuestionType.QM):
                    return name
                _LOGGER.warning("the name %s is taken by another server", name)
        raise OSError(f"every name like {self._wanted} is taken")

    async def _defend_name(self, radio: AsyncZeroconf) -> bool:
        """Of two that took the same name at the same moment, the one whose host comes later gives way. True when it is this one."""
        if self._info is None:
            return False
        now_ms = current_time_millis()
        records = radio.zeroconf.cache.async_entries_with_name(self._info.name)
        services = [record for record in records if isinstance(record, DNSService) and not record.is_expired(now_ms)]
        others = {record.server for record in services} - {self._host_name}
        if others and min(others) < self._host_name and self._defending:  # seen twice: by then the other has seen it, too
            _LOGGER.warning("another server is called %s as well; this one takes another name", self._name)
            self._given_up.add(self._name)
            return True
        if others or self._defending:  # once more at the end: the other's goodbye has withdrawn our name, too
            await (await radio.async_update_service(self._info))
        self._defending = bool(others)
        return False


def instance_name(kinds: Sequence[str], port: int, identity: str, given: str | None = None) -> str:
    """The instance name of a server, fit for a DNS label."""
    if given:
        return _label(given)
    usual = port in {DEFAULT_PORTS.get(kind) for kind in kinds}
    return _label("-".join(("earshot", *kinds, identity)) + ("" if usual else f"-{port}"))


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in range(2, _MOST_NAMESAKES):
        yield _label(name.encode()[: _MAX_NAME_BYTES - 3].decode(errors="ignore") + f"-{number}")


def _label(name: str) -> str:
    clean = "".join(c if c.isprintable() and c != "." else "-" for c in name)
    return clean.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip() or "earshot"
