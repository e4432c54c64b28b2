"""Home Assistant and our servers end and come back, in any order; what worked works again."""

import signal

import pytest
from assist import speak_to
from household import House
from speech import speak

pytestmark = pytest.mark.home_assistant


async def assert_it_works(house: House) -> None:
    """Every stage: wake word, recogniser, agent, voice."""
    async with house.core.client() as client:
        await client.available(house.entities.values())
        run = await speak_to(client, house.pipeline, speak("what time is it"))
        assert (run.transcript, bool(run.answer), len(house.core.decode(run.sound)) > 8000) == ("what time is it", True, True)


async def test_servers_that_were_killed_are_used_again(house: House) -> None:
    house.servers.kept.end(signal.SIGKILL)
    house.servers.wait()
    await assert_it_works(house)


async def test_a_home_assistant_that_restarted_uses_them_again(house: House) -> None:
    await house.core.restart()
    await assert_it_works(house)


async def test_servers_that_came_later_than_home_assistant_are_used(house: House) -> None:
    with house.servers.kept.away():
        await house.core.restart()
        async with house.core.client() as client:
            assert await client.state(house.entities["stt"]) == "unavailable"
    house.servers.wait()
    await assert_it_works(house)


async def test_a_server_that_is_away_ends_the_turn_with_an_error(house: House) -> None:
    async with house.core.client() as client:
        with house.servers.kept.away():
            run = await speak_to(client, house.pipeline, speak("what time is it"))
        assert run.of("error")["code"] == "stt-stream-failed"
    house.servers.wait()
    await assert_it_works(house)
