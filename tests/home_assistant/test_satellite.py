"""Our satellite, used by a real Home Assistant: it is spoken to, announces, rings, is muted, and survives both sides' restarts."""

import signal

import pytest
from core import Client, Socket
from household import House
from kitchen import Kitchen
from speech import silence, speak

from wyoming_servers.satellite import chimes

pytestmark = pytest.mark.home_assistant

SATELLITE = "assist_satellite.kitchen_kitchen"
SELECT = "select.kitchen_kitchen_assistant"
MUTE = "switch.kitchen_kitchen_mute"
HEY_JARVIS = speak("hey jarvis")
DINNER = "Dinner is ready."


def ask(kitchen: Kitchen, command: str) -> int:
    """Says the wake word, a pause, and a command; returns the moment before, for what is heard."""
    moment = kitchen.now()
    kitchen.room.hear(silence(1), HEY_JARVIS, silence(0.6), speak(command))
    return moment


async def last_answer(client: Client, pipeline: str) -> str:
    """The text with which the last run of a pipeline answered."""
    async with client.socket() as socket:
        runs = (await socket.command("assist_pipeline/pipeline_debug/list", pipeline_id=pipeline))["pipeline_runs"]
        found = {"pipeline_id": pipeline, "pipeline_run_id": runs[-1]["pipeline_run_id"]}
        events = (await socket.command("assist_pipeline/pipeline_debug/get", **found))["events"]
    return {event["type"]: event["data"] for event in events}["tts-start"]["tts_input"]


async def assert_it_answers(house: House, kitchen: Kitchen) -> None:
    """A command after the wake word: Home Assistant's answer is heard."""
    with kitchen.a_turn():
        moment = ask(kitchen, "what time is it")
    async with house.core.client() as client:
        await kitchen.says(moment, await last_answer(client, house.pipeline))


async def use(client: Client, pipeline: str) -> None:
    """Chooses the satellite's pipeline, by its name."""
    await client.call("select", "select_option", entity_id=SELECT, option=pipeline)


@pytest.fixture
async def in_use(house: House, in_kitchen: Kitchen) -> Kitchen:
    """The satellite with the first of our pipelines."""
    async with house.core.client() as client:
        await client.available([SATELLITE])
        await use(client, "stt")
    return in_kitchen


async def test_it_has_what_a_satellite_has(house: House, in_kitchen: Kitchen) -> None:
    async with house.core.client() as client, client.socket() as socket:
        entities = [entity["entity_id"] for entity in await socket.command("config/entity_registry/list")]
        areas = {area["name"] for area in await socket.command("config/area_registry/list")}
    assert {SATELLITE, SELECT, MUTE} <= set(entities)
    assert "Kitchen" in areas


async def test_what_is_said_after_the_wake_word_is_answered_by_home_assistant(house: House, in_use: Kitchen) -> None:
    await assert_it_answers(house, in_use)


async def test_a_recogniser_that_ends_the_turn_itself_serves_the_satellite_too(house: House, in_use: Kitchen) -> None:
    async with house.core.client() as client:
        await use(client, "eager")
        with in_use.a_turn():
            moment = ask(in_use, "what time is it")
        await in_use.says(moment, await last_answer(client, house.eager_pipeline))


async def test_an_announcement_is_heard_after_a_chime(house: House, in_use: Kitchen) -> None:
    moment = in_use.now()
    async with house.core.client() as client:
        await client.call("assist_satellite", "announce", entity_id=SATELLITE, message=DINNER)
    in_use.hears(moment, chimes.announce())
    await in_use.says(moment, DINNER)


async def test_a_muted_satellite_hears_nothing_until_it_is_unmuted(house: House, in_use: Kitchen) -> None:
    async with house.core.client() as client:
        await client.call("switch", "turn_on", entity_id=MUTE)
        in_use.room.hear(silence(1))
        moment = ask(in_use, "what time is it")
        in_use.room.hear(silence(2))
        assert chimes.wake().astype("<i2").tobytes() not in in_use.since(moment).tobytes()
        with in_use.used_again():
            await client.call("switch", "turn_off", entity_id=MUTE)
    await assert_it_answers(house, in_use)


async def test_a_timer_of_our_agent_rings_where_it_was_set(house: House, in_use: Kitchen) -> None:
    with in_use.a_turn():
        moment = ask(in_use, "set a timer for three seconds")
    in_use.hears(moment, chimes.ring())
    ask(in_use, "stop")


async def test_a_timer_of_home_assistants_agent_rings_where_it_was_set(house: House, in_use: Kitchen) -> None:
    async with house.core.client() as client, client.socket() as socket:
        await choose_agent(socket, house.pipeline, "conversation.home_assistant")
        try:
            with in_use.a_turn():
                moment = ask(in_use, "set a timer for three seconds")
            in_use.hears(moment, chimes.ring())
            ask(in_use, "stop")
        finally:
            await choose_agent(socket, house.pipeline, house.entities["conversation"])


async def choose_agent(socket: Socket, pipeline: str, agent: str) -> None:
    """Has another agent answer in a pipeline."""
    found = await socket.command("assist_pipeline/pipeline/get", pipeline_id=pipeline)
    fields = {key: value for key, value in found.items() if key != "id"} | {"conversation_engine": agent}
    await socket.command("assist_pipeline/pipeline/update", pipeline_id=pipeline, **fields)


async def test_home_assistant_restarts_and_uses_it_again(house: House, in_use: Kitchen) -> None:
    with in_use.used_again():
        await house.core.restart()
    async with house.core.client() as client:
        await client.available([*house.entities.values(), SATELLITE])
    await assert_it_answers(house, in_use)


async def test_a_killed_satellite_is_used_again(house: House, in_use: Kitchen) -> None:
    with in_use.used_again():
        in_use.kept.end(signal.SIGKILL)
    await assert_it_answers(house, in_use)


async def test_the_satellite_answers_by_itself_while_home_assistant_is_away(house: House, in_use: Kitchen) -> None:
    with in_use.used_again(), house.core.kept.away():
        in_use.logs("has gone")
        answered = in_use.logged('"what time is it" [')
        ask(in_use, "what time is it")
        in_use.logs('"what time is it" [', answered + 1)
    house.core.wait()
    async with house.core.client() as client:
        await client.available([*house.entities.values(), SATELLITE])
    await assert_it_answers(house, in_use)
