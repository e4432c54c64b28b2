"""The link between intent server and satellite: what is pushed, when, and until when."""

import asyncio

import pytest
from handle_house import MovedClock, ask, linked, running, said, service
from wire import Wire, event, wire

from wyoming_servers.shared.connection import ConnectionLimits
from wyoming_servers.shared.server import ServerLimits, WyomingServer


@pytest.fixture
def clock():
    return MovedClock()


@pytest.fixture
async def uri(tmp_path, clock):
    async with running(tmp_path, clock) as address:
        yield address


async def finished(link: Wire):
    return (await link.receive_type("timer-finished")).data


async def set_timer(uri: str, text: str = "set a pizza timer for 5 minutes", satellite_id: str = "kitchen") -> str:
    """The new timer's id."""
    return (await ask(uri, text, satellite_id=satellite_id)).data["context"]["earshot"]["data"]["id"]


async def nothing_more(link: Wire) -> None:
    """What was pushed before the pong would have come before it."""
    await link.send(event("ping"))
    assert (await link.receive()).type == "pong"


async def acknowledge(link: Wire, id: str, uri: str) -> None:
    """Returns when it is on disk: changes come one after the other."""
    await link.send(event("earshot-acknowledge", {"id": id}))
    await said(uri, "what timers do I have")


async def test_subscribing_tells_the_timers_of_this_satellite(uri, clock):
    id = await set_timer(uri)
    await set_timer(uri, satellite_id="bedroom")
    clock.advance(100)
    async with wire(uri) as link:
        await link.send(event("earshot-subscribe", {"satellite_id": "kitchen"}))
        greeting = (await link.receive()).data
    shown = {"id": id, "name": "pizza", "total_seconds": 300, "seconds_left": 200, "is_active": True}
    assert greeting == {"satellite_id": "kitchen", "timers": [shown], "alarms": [], "reminders": []}


async def test_a_new_timer_is_pushed(uri):
    async with linked(uri) as link:
        id = await set_timer(uri, "set a pizza timer for 1 hour 2 minutes and 3 seconds")
        data = (await link.receive_type("timer-started")).data
    assert data == {"id": id, "name": "pizza", "total_seconds": 3723, "start_hours": 1, "start_minutes": 2, "start_seconds": 3}


async def test_a_pause_is_pushed(uri, clock):
    async with linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(10)
        await said(uri, "pause the timer")
        assert (await link.receive_type("timer-updated")).data == {"id": id, "is_active": False, "total_seconds": 290}


async def test_added_time_is_pushed(uri):
    async with linked(uri) as link:
        id = await set_timer(uri)
        await said(uri, "add 1 minute")
        assert (await link.receive_type("timer-updated")).data == {"id": id, "is_active": True, "total_seconds": 360}


async def test_a_cancellation_is_pushed(uri):
    async with linked(uri) as link:
        id = await set_timer(uri)
        await said(uri, "cancel the timer")
        assert (await link.receive_type("timer-cancelled")).data == {"id": id}


async def test_the_end_is_pushed_with_the_sentence_to_speak(uri, clock):
    async with linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(300)
        data = await finished(link)
    assert data == {
        "id": id,
        "kind": "timer",
        "name": "pizza",
        "text": "Your pizza timer is done.",
        "late_s": 0.0,
        "total_seconds": 300,
    }


async def test_a_timer_without_a_name_is_announced_by_its_length(uri, clock):
    async with linked(uri) as link:
        await set_timer(uri, "set a timer for 5 minutes")
        clock.advance(300)
        assert (await finished(link))["text"] == "Your 5 minute timer is done."


async def test_the_end_is_not_pushed_to_another_satellite(uri, clock):
    async with linked(uri) as kitchen, linked(uri, "bedroom") as bedroom:
        await set_timer(uri)
        clock.advance(300)
        await finished(kitchen)
        await nothing_more(bedroom)


async def test_a_paused_timer_does_not_end(uri, clock):
    async with linked(uri) as link:
        await set_timer(uri)
        await said(uri, "pause the timer")
        await link.receive_type("timer-updated")
        clock.advance(10_000)
        await set_timer(uri, "set a timer for 1 second")
        await link.receive_type("timer-started")
        clock.advance(1)
        assert (await finished(link))["total_seconds"] == 1


async def test_two_that_end_together_are_both_pushed(uri, clock):
    async with linked(uri) as link:
        ids = {await set_timer(uri), await set_timer(uri, "set a tea timer for 5 minutes")}
        clock.advance(300)
        assert {(await finished(link))["id"] for _ in ids} == ids


async def test_it_is_pushed_again_until_acknowledged(uri, clock):
    async with linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(300)
        await finished(link)
    async with linked(uri) as link:
        assert (await finished(link))["id"] == id


async def test_acknowledged_it_is_never_pushed_again(uri, clock):
    async with linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(300)
        await finished(link)
        await acknowledge(link, id, uri)
    async with linked(uri) as link:
        await nothing_more(link)


async def test_acknowledged_it_is_not_pushed_after_a_restart(tmp_path, clock):
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(300)
        await finished(link)
        await acknowledge(link, id, uri)
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        await nothing_more(link)


async def test_what_ended_while_the_satellite_was_gone_is_announced_late(uri, clock):
    await set_timer(uri)
    clock.advance(300 + 180)
    async with linked(uri) as link:
        data = await finished(link)
    assert (data["text"], data["late_s"]) == ("Your pizza timer ended 3 minutes ago.", 180.0)


async def test_what_ended_while_the_server_was_gone_is_announced_late(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await set_timer(uri)
    clock.advance(300 + 240)
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        assert (await finished(link))["text"] == "Your pizza timer ended 4 minutes ago."


async def test_what_ended_long_ago_is_told_once_with_its_time(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await set_timer(uri)
    clock.advance(300 + 7300)
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        data = await finished(link)
    assert (data["text"], data["times"]) == ("While I was away, your pizza timer ended at 5:13 PM.", 1)


async def test_what_was_told_late_is_not_told_again(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        id = await set_timer(uri)
    clock.advance(300 + 7300)
    async with running(tmp_path, clock) as uri:
        async with linked(uri) as link:
            await finished(link)
            await acknowledge(link, id, uri)
        async with linked(uri) as link:
            await nothing_more(link)


async def test_a_second_link_takes_over(uri, clock):
    async with linked(uri) as older, linked(uri) as newer:
        assert (await older.receive()).type == "earshot-replaced"
        await set_timer(uri)
        clock.advance(300)
        await finished(newer)
        await nothing_more(older)


async def test_the_end_of_a_replaced_link_does_not_end_the_newer_one(uri, clock):
    async with linked(uri) as older, linked(uri) as newer:
        older.writer.close()
        await older.writer.wait_closed()
        await set_timer(uri)
        clock.advance(300)
        assert await finished(newer)


async def test_unacknowledged_for_a_minute_it_rings_everywhere(uri, clock):
    async with linked(uri) as kitchen, linked(uri, "bedroom") as bedroom:
        id = await set_timer(uri)
        clock.advance(300)
        await finished(kitchen)
        clock.advance(60)
        assert (await finished(bedroom))["id"] == id


async def test_when_its_satellite_does_not_come_back_it_rings_everywhere(uri, clock):
    async with linked(uri, "bedroom") as bedroom:
        await ask(uri, "set a timer for 1 second", satellite_id="bedroom")
        id = await set_timer(uri, satellite_id="gone")
        clock.advance(300)
        await finished(bedroom)  # its own; the other has ended, too
        clock.advance(60)
        assert (await finished(bedroom))["id"] == id


async def test_a_timer_set_from_nowhere_rings_everywhere(uri, clock):
    async with linked(uri) as kitchen, linked(uri, "bedroom") as bedroom:
        id = await set_timer(uri, satellite_id="")
        clock.advance(300)
        assert [(await finished(link))["id"] for link in (kitchen, bedroom)] == [id, id]


@pytest.mark.parametrize("entity", ["kuche_kuche", "kuche", "kuche_2"])
async def test_a_timer_set_through_home_assistant_rings_where_it_was_set(uri, clock, entity):
    async with linked(uri, "k-1", name="Küche", area="Küche") as kitchen, linked(uri, "bedroom", name="Bedroom") as bedroom:
        id = await set_timer(uri, satellite_id=f"assist_satellite.{entity}")
        clock.advance(300)
        assert (await finished(kitchen))["id"] == id
        await nothing_more(bedroom)


async def test_a_timer_set_at_a_satellite_of_home_assistants_alone_rings_everywhere(uri, clock):
    async with linked(uri, "k-1", name="Kitchen") as kitchen, linked(uri, "bedroom", name="Bedroom") as bedroom:
        id = await set_timer(uri, satellite_id="assist_satellite.voice_preview")
        clock.advance(300)
        assert [(await finished(link))["id"] for link in (kitchen, bedroom)] == [id, id]


async def test_dismissed_at_one_it_stops_at_the_others(uri, clock):
    async with linked(uri) as kitchen, linked(uri, "bedroom") as bedroom:
        id = await set_timer(uri, satellite_id="")
        clock.advance(300)
        for link in (kitchen, bedroom):
            await finished(link)
            await link.send(event("earshot-acknowledge", {"id": id}))
        await kitchen.send(event("earshot-dismiss", {}))
        assert (await bedroom.receive_type("timer-cancelled")).data == {"id": id}


async def test_cancel_the_timer_stops_its_ringing(uri, clock):
    async with linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(300)
        await finished(link)
        await acknowledge(link, id, uri)
        assert await said(uri, "stop the timer", satellite_id="kitchen") == ""
        assert (await link.receive_type("timer-cancelled")).data == {"id": id}


async def test_a_ringing_timer_is_told_as_done(uri, clock):
    async with linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(300)
        await finished(link)
        await acknowledge(link, id, uri)
        assert await said(uri, "what timers do I have") == "You have 1 timer: pizza timer done."


async def test_a_dismissed_timer_is_forgotten(uri, clock):
    async with linked(uri) as link:
        id = await set_timer(uri)
        clock.advance(300)
        await finished(link)
        await link.send(event("earshot-dismiss", {"id": id}))
        await nothing_more(link)
        assert await said(uri, "what timers do I have") == "You have no timers."


async def test_stop_is_handled_without_words(uri):
    message = await ask(uri, "stop", satellite_id="kitchen")
    assert (message.type, message.data["text"], message.data["context"]["earshot"]["intent"]) == ("handled", "", "EarshotStop")


async def test_acknowledging_an_unknown_timer_is_harmless(uri):
    async with linked(uri) as link:
        await link.send(event("earshot-acknowledge", {"id": "nothing"}), event("earshot-dismiss", {"id": "nothing"}))
        await nothing_more(link)


async def test_a_link_needs_an_id(uri):
    for data in ({}, {"satellite_id": ""}, {"satellite_id": 5}, {"satellite_id": "x" * 101}):
        async with wire(uri) as link:
            await link.send(event("earshot-subscribe", data))
            last = (await link.rest())[-1]
        assert (last.type, last.data["code"]) == ("error", "invalid-request"), data


async def test_an_acknowledgement_needs_an_id(uri):
    async with linked(uri) as link:
        await link.send(event("earshot-acknowledge", {}))
        assert (await link.rest())[-1].data["code"] == "invalid-request"


async def test_the_satellites_room_is_known_from_its_link(uri):
    async with linked(uri, "kitchen", area="Kitchen"):
        await set_timer(uri, "set a timer for 5 minutes")
    assert await said(uri, "cancel the timer", satellite_id="bedroom") == "5 minute timer in the kitchen cancelled."


async def test_a_link_that_pings_is_kept_open_past_the_idle_limit(tmp_path, clock):
    server = WyomingServer("tcp://127.0.0.1:0", [service(tmp_path, clock)], ServerLimits(connection=ConnectionLimits(idle_s=0.5)))
    await server.start()
    try:
        async with linked(server.uri) as pinging, linked(server.uri, "silent") as silent:
            closed = asyncio.create_task(silent.rest())
            while not closed.done():
                await nothing_more(pinging)
                await asyncio.wait([closed], timeout=0.1)
            await nothing_more(pinging)
    finally:
        await server.stop()
