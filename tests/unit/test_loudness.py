"""A satellite's volume: changed, kept, applied."""

import json

import pytest

from wyoming_servers.satellite.loudness import Loudness


@pytest.fixture
def applied():
    return []


def loudness(folder, applied, configured: float = 1.0) -> Loudness:
    return Loudness("kitchen", configured, applied.append, folder)


async def test_it_begins_as_the_settings_say(tmp_path, applied):
    assert (loudness(tmp_path, applied, 0.4).state(), applied) == ({"percent": 40, "muted": False}, [0.4])


@pytest.mark.parametrize(
    ("wanted", "percent", "muted"),
    [
        ({"percent": 30}, 30, False),
        ({"by": -20}, 80, False),
        ({"by": 20}, 100, False),
        ({"percent": -5}, 0, False),
        ({"muted": True}, 100, True),
        ({}, 100, False),
        ({"percent": "loud", "by": None, "muted": 1}, 100, False),
        ({"percent": float("nan")}, 100, False),
    ],
)
async def test_it_is_changed(tmp_path, applied, wanted, percent, muted):
    assert await loudness(tmp_path, applied).change(wanted) == {"percent": percent, "muted": muted}


async def test_what_is_muted_is_silent(tmp_path, applied):
    await loudness(tmp_path, applied).change({"muted": True})
    assert applied == [1.0, 0.0]


async def test_a_number_ends_muting(tmp_path, applied):
    volume = loudness(tmp_path, applied)
    await volume.change({"muted": True})
    assert await volume.change({"by": -10}) == {"percent": 90, "muted": False}


async def test_it_is_remembered(tmp_path, applied):
    await loudness(tmp_path, applied).change({"percent": 30})
    assert loudness(tmp_path, applied).state() == {"percent": 30, "muted": False}


async def test_the_owners_new_setting_counts(tmp_path, applied):
    await loudness(tmp_path, applied).change({"percent": 30})
    assert loudness(tmp_path, applied, 0.8).state()["percent"] == 80


async def test_louder_than_it_comes_is_the_loudest(tmp_path, applied):
    volume = loudness(tmp_path, applied, 1.5)
    await volume.change({"percent": 50})
    assert applied == [1.5, 0.75]


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", json.dumps({"percent": True, "configured": 1.0}).encode()])
async def test_a_damaged_file_is_left_alone(tmp_path, applied, content):
    await loudness(tmp_path, applied).change({"percent": 30})
    next(tmp_path.iterdir()).write_bytes(content)
    assert loudness(tmp_path, applied).state()["percent"] == 100


async def test_without_a_place_to_remember_it_still_changes(tmp_path, applied):
    (tmp_path / "file").touch()
    assert (await loudness(tmp_path / "file", applied).change({"percent": 30}))["percent"] == 30
