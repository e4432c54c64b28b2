"""Putting off what rings, what was missed, rooms, taking back, and the stopwatch; over the wire, with a clock that the test moves."""

import pytest
from handle_house import linked, running, said, talk, tell
from wire import Wire, event


async def ring(link: Wire, uri: str) -> str:
    """The id of what rings now, acknowledged."""
    id = (await link.receive_type("timer-finished")).data["id"]
    await tell(link, uri, event("earshot-acknowledge", {"id": id}))
    return id


async def test_snooze_stops_the_ringing(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set a pizza timer for 5 minutes", satellite_id="kitchen")
        clock.advance(300)
        id = await ring(link, uri)
        assert await said(uri, "snooze", satellite_id="kitchen") == "OK, again in 9 minutes."
        assert (await link.receive_type("timer-cancelled")).data == {"id": id}


async def test_it_rings_again_as_another_one(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set a pizza timer for 5 minutes", satellite_id="kitchen")
        clock.advance(300)
        id = await ring(link, uri)
        await said(uri, "five more minutes", satellite_id="kitchen")
        clock.advance(300)
        data = (await link.receive_type("timer-finished")).data
    assert (data["text"], data["id"] != id) == ("Your pizza timer is done.", True)


async def test_what_the_wake_word_has_just_silenced_is_put_off(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set an alarm for 6 pm", satellite_id="kitchen")
        clock.advance(52 * 60)
        await tell(link, uri, event("earshot-dismiss", {"id": await ring(link, uri)}))
        clock.advance(5)
        assert await said(uri, "snooze for ten minutes", satellite_id="kitchen") == "OK, again in 10 minutes."


async def test_a_snoozed_alarm_is_listed(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set an alarm for 6 pm every day", satellite_id="kitchen")
        clock.advance(52 * 60)
        await ring(link, uri)
        await said(uri, "snooze for ten minutes", satellite_id="kitchen")
    assert await said(uri, "what alarms do I have") == "You have 2 alarms: at 6:10 PM and every day at 6 PM."


async def test_snooze_in_another_room_does_not_mean_it(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set a timer for 5 minutes", satellite_id="kitchen")
        clock.advance(300)
        await ring(link, uri)
        assert await said(uri, "snooze", satellite_id="bedroom") == "Nothing is ringing."


async def test_long_after_it_was_silenced_nothing_is_put_off(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set a timer for 5 minutes", satellite_id="kitchen")
        clock.advance(300)
        await tell(link, uri, event("earshot-dismiss", {"id": await ring(link, uri)}))
        clock.advance(300)
        assert await said(uri, "snooze", satellite_id="kitchen") == "Nothing is ringing."


async def test_five_more_minutes_while_nothing_rings_are_added_to_the_timer(uri):
    assert await talk(uri, "set a timer for 5 minutes", "five more minutes") == "5 minute timer has 10 minutes left now."


async def test_what_nobody_silenced_was_missed(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set a pizza timer for 5 minutes", satellite_id="kitchen")
        clock.advance(300)
        await tell(link, uri, event("earshot-dismiss", {"id": await ring(link, uri), "unheard": True}))
    assert await said(uri, "what did I miss") == "Your pizza timer ended at 5:13 PM."


async def test_what_was_silenced_was_not_missed(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set a pizza timer for 5 minutes", satellite_id="kitchen")
        clock.advance(300)
        await tell(link, uri, event("earshot-dismiss", {"id": await ring(link, uri)}))
    assert await said(uri, "did I miss anything") == "You haven't missed anything."


async def test_what_was_missed_is_forgotten_after_a_day(uri, clock):
    async with linked(uri) as link:
        await said(uri, "set a pizza timer for 5 minutes", satellite_id="kitchen")
        clock.advance(300)
        await tell(link, uri, event("earshot-dismiss", {"id": await ring(link, uri), "unheard": True}))
        await said(uri, "set a timer for 1 second", satellite_id="kitchen")
        clock.advance(24 * 3600 + 10)
        await ring(link, uri)
    assert "pizza" not in await said(uri, "what did I miss")


async def test_what_ended_yesterday_is_told_with_its_day(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "set a pizza timer for 5 minutes", satellite_id="kitchen")
    clock.advance(20 * 3600)
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        data = (await link.receive_type("timer-finished")).data
    assert data["text"] == "While I was away, your pizza timer ended yesterday at 5:13 PM."


async def test_the_pizza_timer_of_another_room_is_cancelled(uri):
    await said(uri, "set a pizza timer for 5 minutes", satellite_id="b", area="Bedroom")
    await said(uri, "set a pizza timer for 6 minutes", satellite_id="k", area="Kitchen")
    assert await said(uri, "cancel the kitchen's pizza timer", satellite_id="b") == "Pizza timer in the kitchen cancelled."


async def test_which_timer_is_answered_by_name(uri):
    await talk(uri, "set a pizza timer for 5 minutes", "set a tea timer for 3 minutes", "cancel the timer")
    assert await talk(uri, "the tea one") == "Tea timer cancelled."


async def test_which_timer_is_answered_by_length(uri):
    await talk(uri, "set a timer for 5 minutes", "set a timer for 3 minutes", "pause the timer")
    assert await talk(uri, "the three minute one") == "3 minute timer paused with 3 minutes left."


async def test_which_timer_is_answered_with_all(uri):
    await talk(uri, "set a timer for 5 minutes", "set a timer for 3 minutes", "cancel the timer")
    assert await talk(uri, "all of them") == "All 2 timers cancelled."


async def test_how_much_time_is_asked_for(uri):
    assert await talk(uri, "set a timer for 5 minutes", "extend the timer", "two minutes") == "5 minute timer has 7 minutes left now."


UNDONE = ("cancel the timer", "cancel all timers", "pause the timer", "add 2 minutes", "take 2 minutes off the timer")


@pytest.mark.parametrize("text", UNDONE)
async def test_undo_takes_it_back(uri, text):
    await talk(uri, "set a pizza timer for 5 minutes", text, "undo")
    assert await talk(uri, "how long is left on the pizza timer") == "5 minutes left on your pizza timer."


async def test_undo_goes_past_a_question(uri):
    await talk(uri, "set a pizza timer for 5 minutes", "cancel the timer", "what timers do I have", "undo")
    assert await talk(uri, "what timers do I have") == "5 minutes left on your pizza timer."


async def test_a_follow_up_asks_about_another_timer(uri):
    await talk(uri, "set a pizza timer for 5 minutes", "set a tea timer for 3 minutes", "how long is left on the tea timer")
    assert await talk(uri, "and the pizza timer") == "5 minutes left on your pizza timer."


async def test_a_stopwatch_counts_while_it_runs(uri, clock):
    await talk(uri, "start the stopwatch")
    clock.advance(75)
    await talk(uri, "stop the stopwatch")
    clock.advance(100)
    await talk(uri, "start the stopwatch")
    clock.advance(10)
    assert await talk(uri, "what does the stopwatch say") == "The stopwatch shows 1 minute and 25 seconds."


async def test_a_stopwatch_goes_on_after_a_restart(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await talk(uri, "start the stopwatch")
    clock.advance(60)
    async with running(tmp_path, clock) as uri:
        assert await talk(uri, "stop the stopwatch") == "The stopwatch shows 1 minute."


async def test_without_a_stopwatch_that_is_told(uri):
    assert await talk(uri, "what does the stopwatch say") == "No stopwatch is running."


async def test_a_stopwatch_is_no_timer(uri):
    assert await talk(uri, "start the stopwatch", "what timers do I have") == "You have no timers."
