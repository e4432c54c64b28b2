"""How long one request is tried, whoever is asked: deadlines count from the request, not from the last failure."""

import asyncio

import pytest
from virtual_time import virtual

from wyoming_servers.satellite.directory import Directory
from wyoming_servers.satellite.peers import Attempts
from wyoming_servers.shared.errors import PeerError
from wyoming_servers.shared.settings import PeersSection

LIMIT_S = 5.0


def asking() -> Attempts:
    return Attempts(Directory(PeersSection(), browse=False), "tts")


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual
async def test_who_is_asked_second_has_what_is_left_of_the_limit():
    attempts, began = asking(), now()
    attempts.owed(LIMIT_S)
    await attempts.failed(PeerError("it died at once"))
    assert attempts.owed(LIMIT_S) == began + LIMIT_S


@virtual
async def test_after_one_that_was_silent_for_the_whole_limit_another_one_is_tried_for_two_seconds():
    attempts, began = asking(), now()
    await asyncio.sleep(attempts.owed(LIMIT_S) - now())
    await attempts.failed(PeerError("it said nothing"))
    assert attempts.owed(LIMIT_S) == began + LIMIT_S + 2.0


@virtual
async def test_what_was_there_before_does_not_put_the_deadline_off():
    attempts = asking()
    due = attempts.owed(LIMIT_S)
    await attempts.failed(PeerError("it died"))
    attempts.alive()
    assert attempts.owed(LIMIT_S) == due


@virtual
async def test_a_voice_that_catches_up_is_not_given_up_between_two_pieces():
    attempts = asking()
    await asyncio.sleep(attempts.owed(LIMIT_S) - now())
    await attempts.failed(PeerError("it said nothing"))
    await asyncio.sleep(1.8)
    attempts.alive()
    assert attempts.owed(LIMIT_S) == now() + 1.0


@virtual
async def test_from_what_is_new_the_limit_counts_anew():
    attempts = asking()
    attempts.owed(LIMIT_S)
    await attempts.failed(PeerError("it died"))
    await asyncio.sleep(1.0)
    attempts.went_on()
    assert attempts.owed(LIMIT_S) == now() + LIMIT_S


@virtual
async def test_servers_that_fail_at_once_are_tried_for_two_seconds():
    attempts, began = asking(), now()
    with pytest.raises(PeerError):
        while True:
            await attempts.failed(PeerError("it hung up"))
    assert 1.0 <= now() - began <= 2.0


@virtual
async def test_a_kind_of_which_there_is_none_is_looked_for_for_two_seconds():
    attempts, began = asking(), now()
    with pytest.raises(PeerError, match="no tts server"):
        while True:
            try:
                async with attempts.connection():
                    pass
            except PeerError as err:
                await attempts.failed(err)
    assert now() - began == pytest.approx(2.0, abs=0.2)
