"""Which hosts are in the house, and which may be asked."""

import asyncio
import threading

import pytest

from wyoming_servers.shared.errors import HttpError
from wyoming_servers.shared.reach import Reach
from wyoming_servers.shared.settings import NetworkSection


def reach(*addresses: str, **network) -> Reach:
    return Reach(NetworkSection(**network), lambda host: addresses)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("192.168.1.20", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("169.254.3.4", True),
        ("100.64.0.7", True),
        ("fd12::3", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.1.20", True),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
        ("2a00:1450:4001:800::200e", False),
    ],
)
async def test_an_address_is_in_the_house_or_not(address, local):
    assert (await reach().find(address)).local is local


@pytest.mark.parametrize(("addresses", "local"), [(["192.168.1.9"], True), (["192.168.1.9", "8.8.8.8"], False), (["8.8.8.8"], False)])
async def test_a_name_is_in_the_house_when_all_its_addresses_are(addresses, local):
    assert (await reach(*addresses).find("service.example.org")).local is local


@pytest.mark.parametrize("host", ["localhost", "nas", "nas.local", "NAS.LAN", "box.home.arpa", "router.fritz.box", "192.168.1.9"])
async def test_the_house_may_be_asked_although_egress_is_denied(host):
    assert (await reach("192.168.1.9", egress="deny").find(host)).local


@pytest.mark.parametrize("host", ["api.example.org", "8.8.8.8", "local.example.org", "notlocal"])
async def test_nobody_else_may(host):
    with pytest.raises(HttpError, match=r"network\.egress is deny"):
        await reach("8.8.8.8", egress="deny").find(host)


async def test_a_host_that_is_named_may():
    assert not (await reach("8.8.8.8", egress="deny", egress_hosts=("API.example.org",)).find("api.example.org.")).local


async def test_a_host_below_one_that_is_named_may_not():
    with pytest.raises(HttpError):
        await reach("8.8.8.8", egress="deny", egress_hosts=("example.org",)).find("api.example.org")


async def test_what_was_judged_is_what_is_connected_to():
    answers = iter((["8.8.8.8"], ["192.168.1.9"]))
    found = Reach(NetworkSection(), lambda host: next(answers))
    await found.find("rebound.example.org")
    assert [one["host"] for one in await found.resolve("rebound.example.org", 80)] == ["8.8.8.8"]


@pytest.mark.parametrize("host", ["a" * 70 + ".example.org", "ü.."])
async def test_what_is_no_name_has_no_address(host):
    with pytest.raises(HttpError, match="has no address"):
        await Reach(NetworkSection()).find(host)


async def test_lookups_that_hang_do_not_keep_others_waiting_for_ever():
    hanging = threading.Event()

    def lookup(host: str) -> list[str]:
        hanging.wait(5)
        return ["8.8.8.8"]

    found = Reach(NetworkSection(), lookup)
    try:
        for number in range(6):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await found.find(f"{number}.example.org")
    finally:
        hanging.set()
    assert (await found.find("7.example.org")).addresses == ("8.8.8.8",)
