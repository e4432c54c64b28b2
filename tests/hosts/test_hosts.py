"""A satellite and two recognisers on machines of their own (network namespaces): found, cut off, moved, healed, gone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.netns
_NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
_SCENARIO_S = 90
_FAILOVER_MS = 2000
_BACK_MS = 12_000


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What scenario.py saw."""
    if missing := [name for name in ("unshare", "nsenter", "ip") if not shutil.which(name)]:
        pytest.skip(f"needs the programs {', '.join(missing)}")
    if subprocess.run([*_NAMESPACES, "ip", "link", "add", "type", "veth"], capture_output=True).returncode:
        pytest.skip("making network namespaces needs root")
    command = [*_NAMESPACES, sys.executable, str(Path(__file__).with_name("scenario.py")), "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SCENARIO_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.contract(84)
def test_machines_are_announced_with_their_real_addresses_of_both_kinds(seen):
    assert seen["addresses"] == ["tcp://10.77.0.1:10300", "tcp://10.77.0.2:10300", "tcp://[fd77::1]:10300", "tcp://[fd77::2]:10300"]


@pytest.mark.contract(84)
def test_each_machine_has_a_name_of_its_own(seen):
    assert seen["names"] == {"one": "earshot-asr-00000001", "two": "earshot-asr-00000002"}


@pytest.mark.contract(84)
def test_who_ends_is_forgotten_at_once(seen):
    assert seen["left"] == "forgotten"


@pytest.mark.parametrize("failure", ["pulled while speaking", "silent while speaking", "silent while thinking"])
def test_when_a_machine_fails_in_a_turn_another_one_answers(seen, failure):
    assert [(each["by_the_other"], each["error"]) for each in seen[failure]] == [(True, "")]


@pytest.mark.parametrize("failure", ["pulled while speaking", "silent while speaking", "silent while thinking"])
def test_the_other_one_is_used_within_2_s(seen, failure):
    assert all(0 < each["switched_ms"] < _FAILOVER_MS for each in seen[failure]), seen[failure]


def test_when_it_is_back_it_is_used_again(seen):
    assert all(0 < ms < _BACK_MS for ms in seen["back ms"])


def test_a_machine_is_followed_to_its_new_address(seen):
    assert seen["moved"] == "followed"


def test_a_satellite_that_is_alone_says_which_server_does_not_answer(seen):
    error = seen["alone"][0]
    assert error.endswith(" took no connection in time") and error.split()[0] in seen["known"]


def test_a_satellite_that_is_alone_works_again_once_its_cable_is_in(seen):
    assert seen["alone"][1] is True
