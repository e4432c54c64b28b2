"""Names and addresses on the network: stable, unique, real. Point 84 of the contract, as far as no network is needed."""

import threading
from pathlib import Path

import pytest

from wyoming_servers.shared.announcer import instance_name
from wyoming_servers.shared.identity import machine_id
from wyoming_servers.shared.interfaces import Address, addresses, announced, multicast

LO4, LO6 = Address("127.0.0.1", 1, False), Address("::1", 1, False)
LAN4, LAN6, LOCAL6 = Address("192.168.1.5", 2, False), Address("fd00::5", 2, False), Address("fe80::5", 2, False)
BRIDGE = Address("172.17.0.1", 3, True)
HOUSE = (LO4, LO6, LAN6, LAN4, LOCAL6, BRIDGE)


@pytest.fixture
def system_file(tmp_path: Path) -> Path:
    file = tmp_path / "etc-machine-id"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    return file


def test_84_the_machine_has_the_same_id_every_time(tmp_path, system_file):
    first = machine_id(tmp_path / "state", system_file)
    assert machine_id(tmp_path / "state", system_file) == first
    assert len(first) == 8


def test_84_the_systems_own_id_is_not_given_away(tmp_path, system_file):
    assert machine_id(tmp_path / "state", system_file) not in system_file.read_text()


def test_84_a_machine_without_an_id_gets_one_by_chance_and_keeps_it(tmp_path):
    one, two = (machine_id(tmp_path / name, tmp_path / "none") for name in ("one", "two"))
    assert one != two
    assert machine_id(tmp_path / "one", tmp_path / "none") == one


def test_84_a_state_folder_that_cannot_be_written_does_not_change_the_id(tmp_path, system_file):
    (tmp_path / "file").write_text("")
    ids = {machine_id(tmp_path / "file" / "state", system_file) for _ in range(2)}
    assert len(ids) == 1


@pytest.mark.parametrize("content", ["", "not hexadecimal", "12345", "\x00\xff" * 10])
def test_84_a_damaged_id_is_replaced(tmp_path, system_file, content):
    file = tmp_path / "state" / "machine-id"
    file.parent.mkdir()
    file.write_text(content)
    made = machine_id(tmp_path / "state", system_file)
    assert file.read_text().strip() == made


def test_84_servers_that_start_together_agree_on_the_id(tmp_path):
    ids = []
    threads = [threading.Thread(target=lambda: ids.append(machine_id(tmp_path / "state", tmp_path / "none"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    assert [file.name for file in (tmp_path / "state").iterdir()] == ["machine-id"]


@pytest.mark.parametrize(
    ("kinds", "port", "given", "name"),
    [
        (["asr"], 10300, None, "earshot-asr-1a2b3c4d"),
        (["asr"], 10301, None, "earshot-asr-1a2b3c4d-10301"),
        (["wake", "asr", "handle", "tts"], 10300, None, "earshot-wake-asr-handle-tts-1a2b3c4d"),
        (["asr"], 10301, "Kitchen", "Kitchen"),
        (["asr"], 10300, "a.b\n", "a-b-"),
        (["asr"], 10300, "ü" * 40, "ü" * 31),
    ],
)
def test_84_a_name_says_what_and_where_and_fits_a_label(kinds, port, given, name):
    assert instance_name(kinds, port, "1a2b3c4d", given) == name


@pytest.mark.parametrize(
    ("host", "known", "expected"),
    [
        ("0.0.0.0", HOUSE, ["192.168.1.5"]),
        ("::", HOUSE, ["192.168.1.5", "fd00::5"]),
        ("192.168.1.5", HOUSE, ["192.168.1.5"]),
        ("127.0.0.1", HOUSE, ["127.0.0.1"]),
        ("::", (LO4, LO6), ["127.0.0.1", "::1"]),
        ("0.0.0.0", (LO4, LO6, LAN6), ["127.0.0.1"]),
        ("0.0.0.0", (LO4, BRIDGE), ["172.17.0.1"]),
        ("::", (), []),
    ],
)
def test_84_announced_addresses_are_real_and_lead_to_the_server(host, known, expected):
    assert announced(host, known) == expected


def test_84_a_server_of_this_machine_alone_is_not_named_to_the_house():
    assert multicast("127.0.0.1", HOUSE) == multicast("::1", HOUSE) == ["127.0.0.1"]


def test_84_a_server_of_the_house_is_named_everywhere_but_on_bridges():
    assert multicast("::", HOUSE) == ["127.0.0.1", "192.168.1.5", 2]


def test_84_this_machines_addresses_are_found():
    assert "127.0.0.1" in {address.ip for address in addresses()}
