"""Timers over the wire: what is said about them, with a clock that the test moves."""

import contextlib
import sqlite3

from handle_house import ask, linked, running, said, talk

LENGTHS = {
    "set a timer for five minutes": "5 minutes",
    "set a timer for one second": "1 second",
    "set a timer for 90 seconds": "1 minute and 30 seconds",
    "set a timer for an hour and 8 minutes": "1 hour and 8 minutes",
    "set a timer for one hour one minute and one second": "1 hour, 1 minute and 1 second",
    "set a timer for half an hour": "30 minutes",
    "set a timer for an hour and a half": "1 hour and 30 minutes",
    "set a timer for five and a half minutes": "5 minutes and 30 seconds",
    "set a timer for 24 hours": "24 hours",
    "set a timer for 1440 minutes": "24 hours",
}
REFUSALS = {
    "set a timer for zero seconds": "A timer needs at least one second.",
    "set a timer for 25 hours": "I can only set timers up to 24 hours.",
    "set a timer for 24 hours and 1 second": "I can only set timers up to 24 hours.",
    "turn on the light in 5 minutes": "I can't run commands later yet.",
    "cancel the timer": "You have no timers.",
    "pause the timer": "You have no timers.",
    "add 5 minutes": "You have no timers.",
    "cancel the pizza timer": "You have no pizza timer.",
    "cancel the 5 minute timer": "You have no 5 minute timer.",
}


async def test_a_length_is_confirmed_naturally(uri):
    assert {text: await said(uri, text) for text in LENGTHS} == {text: f"Timer set for {length}." for text, length in LENGTHS.items()}


async def test_a_name_is_confirmed(uri):
    assert await said(uri, "set a pizza timer for 10 minutes") == "Pizza timer set for 10 minutes."


async def test_it_is_said_when_nobody_could_ring(tmp_path, clock):
    async with running(tmp_path, clock) as alone:
        assert await said(alone, "set a timer for 1 minute") == "Timer set for 1 minute. No satellite is connected to ring it."


async def test_what_cannot_be_done_is_said(uri):
    assert {text: await said(uri, text) for text in REFUSALS} == REFUSALS


async def test_what_cannot_be_done_is_not_handled(uri):
    assert {(await ask(uri, text)).type for text in REFUSALS} == {"not-handled"}


async def test_a_refused_timer_is_not_kept(uri):
    assert await talk(uri, "set a timer for 25 hours", "what timers do I have") == "You have no timers."


async def test_twenty_five_timers_at_once(uri):
    for minutes in range(1, 26):
        await said(uri, f"set a timer for {minutes} minutes")
    assert (await said(uri, "what timers do I have")).startswith("You have 25 timers: 1 minute timer with 1 minute left, ")


async def test_a_long_list_is_cut(uri):
    for minutes in range(1, 9):
        await said(uri, f"set a timer for {minutes} minutes")
    assert (await said(uri, "list my timers")).endswith("and 3 more.")


async def test_past_the_limit_no_more_timers_are_set(tmp_path, clock):
    async with running(tmp_path, clock) as uri, linked(uri):
        for _ in range(100):
            await said(uri, "timer for 1 hour")
        assert await said(uri, "timer for 1 hour") == "You already have 100 timers, that is all I can keep."


async def test_what_is_left_is_told(uri, clock):
    await said(uri, "set a timer for 5 minutes")
    clock.advance(62)
    assert await said(uri, "how much time is left") == "3 minutes and 58 seconds left on your 5 minute timer."


async def test_from_an_hour_on_seconds_are_not_told(uri, clock):
    await said(uri, "set a timer for 2 hours")
    clock.advance(62)
    assert await said(uri, "how much time is left") == "1 hour and 59 minutes left on your 2 hour timer."


async def test_one_of_several_is_told_by_name(uri):
    await talk(uri, "set a pizza timer for 10 minutes", "set a tea timer for 3 minutes")
    assert await said(uri, "how long is left on the tea timer") == "3 minutes left on your tea timer."


async def test_all_are_told_the_first_to_end_in_front(uri):
    await talk(uri, "set a pizza timer for 10 minutes", "set a timer for 3 minutes")
    expected = "You have 2 timers: 3 minute timer with 3 minutes left and pizza timer with 10 minutes left."
    assert await said(uri, "how much time is left") == expected


async def test_the_only_timer_is_cancelled(uri):
    assert await talk(uri, "set a timer for 5 minutes", "cancel the timer") == "5 minute timer cancelled."


async def test_one_is_cancelled_by_name(uri):
    answer = await talk(
        uri, "set a pizza timer for 10 minutes", "set a tea timer for 3 minutes", "cancel the pizza timer", "list my timers"
    )
    assert answer == "3 minutes left on your tea timer."


async def test_one_is_cancelled_by_length(uri):
    await talk(uri, "set a timer for 10 minutes", "set a timer for 3 minutes")
    assert await said(uri, "cancel the 3 minute timer") == "3 minute timer cancelled."


async def test_a_name_is_known_in_the_plural_too(uri):
    assert await talk(uri, "set a timer for 8 minutes for the eggs", "cancel the egg timer") == "Eggs timer cancelled."


async def test_which_one_is_asked_when_several_fit(uri):
    await talk(uri, "set a pizza timer for 10 minutes", "set a timer for 3 minutes")
    expected = "Which one? You have 2 timers: 3 minute timer with 3 minutes left and pizza timer with 10 minutes left."
    assert await said(uri, "cancel the timer") == expected


async def test_asking_which_one_changes_nothing(uri):
    await talk(uri, "set a pizza timer for 10 minutes", "set a timer for 3 minutes", "cancel the timer")
    assert (await said(uri, "list my timers")).startswith("You have 2 timers")


async def test_an_unknown_name_is_told_with_what_there_is(uri):
    answer = await talk(uri, "set a pizza timer for 10 minutes", "cancel the tea timer")
    assert answer == "You have no tea timer. You have 1 timer: pizza timer with 10 minutes left."


async def test_all_are_cancelled(uri):
    assert await talk(uri, "set a timer for 3 minutes", "set a tea timer for 3 minutes", "cancel all timers") == "All 2 timers cancelled."


async def test_the_timer_of_this_satellite_is_meant(uri):
    await said(uri, "set a timer for 3 minutes", satellite_id="bedroom")
    await said(uri, "set a timer for 4 minutes", satellite_id="kitchen")
    assert await said(uri, "cancel the timer", satellite_id="kitchen") == "4 minute timer cancelled."


async def test_the_only_timer_is_cancelled_from_another_room(uri):
    await said(uri, "set a timer for 3 minutes", satellite_id="bedroom", area="Bedroom")
    assert await said(uri, "cancel the timer", satellite_id="kitchen") == "3 minute timer in the bedroom cancelled."


async def test_a_timer_is_found_by_its_room(uri):
    await said(uri, "set a timer for 3 minutes", satellite_id="b", area="Bedroom")
    await said(uri, "set a timer for 4 minutes", satellite_id="k", area="Kitchen")
    assert await said(uri, "cancel the bedroom timer") == "3 minute timer cancelled."


async def test_a_timer_named_like_a_room_is_found(uri):
    await said(uri, "set a kitchen timer for 4 minutes")
    assert await said(uri, "cancel the kitchen timer") == "Kitchen timer cancelled."


async def test_time_is_added(uri, clock):
    await said(uri, "set a timer for 5 minutes")
    clock.advance(60)
    assert await said(uri, "add 2 minutes") == "5 minute timer has 6 minutes left now."


async def test_time_is_taken_off(uri):
    assert await talk(uri, "set a timer for 5 minutes", "take 2 minutes off the timer") == "5 minute timer has 3 minutes left now."


async def test_not_all_time_can_be_taken_off(uri):
    answer = await talk(uri, "set a timer for 5 minutes", "take 5 minutes off the timer")
    assert answer == "That leaves no time: your 5 minute timer has 5 minutes left."


async def test_not_too_much_time_can_be_added(uri):
    assert await talk(uri, "set a timer for 20 hours", "add 5 hours") == "I can only set timers up to 24 hours."


async def test_a_paused_timer_does_not_count(uri, clock):
    await talk(uri, "set a timer for 5 minutes", "pause the timer")
    clock.advance(3600)
    assert await said(uri, "how much time is left") == "Your 5 minute timer is paused with 5 minutes left."


async def test_a_resumed_timer_goes_on_where_it_was(uri, clock):
    await said(uri, "set a timer for 5 minutes")
    clock.advance(100)
    await said(uri, "pause the timer")
    clock.advance(1000)
    await said(uri, "resume the timer")
    clock.advance(20)
    assert await said(uri, "how much time is left") == "3 minutes left on your 5 minute timer."


async def test_time_is_added_to_a_paused_timer(uri, clock):
    await talk(uri, "set a timer for 5 minutes", "pause the timer", "add 1 minute")
    clock.advance(1000)
    assert await said(uri, "how much time is left") == "Your 5 minute timer is paused with 6 minutes left."


async def test_the_running_one_of_two_is_paused(uri):
    await talk(uri, "set a tea timer for 3 minutes", "pause the timer", "set a pizza timer for 9 minutes")
    assert await said(uri, "pause the timer") == "Pizza timer paused with 9 minutes left."


async def test_pausing_twice_is_told(uri):
    answer = await talk(uri, "set a timer for 5 minutes", "pause the timer", "pause the timer")
    assert answer == "5 minute timer is paused already, with 5 minutes left."


async def test_resuming_a_running_timer_is_told(uri):
    assert await talk(uri, "set a timer for 5 minutes", "resume the timer") == "5 minute timer is running, with 5 minutes left."


async def test_a_timer_keeps_its_length_when_the_wall_clock_jumps(uri, clock):
    await said(uri, "set a timer for 5 minutes")
    clock.set_wall(clock.wall + 86400)
    assert await said(uri, "how much time is left") == "5 minutes left on your 5 minute timer."


async def test_timers_go_on_after_a_restart_of_the_server(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "set a timer for 5 minutes")
    clock.advance(60)
    async with running(tmp_path, clock) as uri:
        assert await said(uri, "how much time is left") == "4 minutes left on your 5 minute timer."


async def test_timers_go_on_by_the_wall_clock_after_a_restart_of_the_machine(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "set a timer for 5 minutes")
    clock.advance(60)
    clock.boot, clock.elapsed = "second start", 3.0
    async with running(tmp_path, clock) as uri:
        assert await said(uri, "how much time is left") == "4 minutes left on your 5 minute timer."


async def test_a_wall_clock_that_was_set_back_over_a_restart_does_not_make_a_timer_longer(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "set a timer for 5 minutes")
    clock.boot, clock.elapsed, clock.wall = "second start", 3.0, 0.0
    async with running(tmp_path, clock) as uri:
        assert await said(uri, "how much time is left") == "5 minutes left on your 5 minute timer."


async def test_a_jump_before_a_restart_of_the_machine_does_not_count(tmp_path, clock):
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        await said(uri, "set a timer for 5 minutes", satellite_id="kitchen")
        await link.receive_type("timer-started")
        clock.set_wall(clock.wall + 86400)
        clock.advance(2)  # the timers look at the clock again
        await said(uri, "set a timer for 9 minutes")  # changes come one after the other: the look is over
    clock.boot, clock.elapsed = "second start", 3.0
    async with running(tmp_path, clock) as uri:
        assert await said(uri, "how long is left on the 5 minute timer") == "4 minutes and 58 seconds left on your 5 minute timer."


async def test_a_paused_timer_stays_paused_over_a_restart(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await talk(uri, "set a timer for 5 minutes", "pause the timer")
    clock.advance(1000)
    async with running(tmp_path, clock) as uri:
        assert await said(uri, "how much time is left") == "Your 5 minute timer is paused with 5 minutes left."


async def test_a_second_server_on_the_same_file_leaves_the_timers_alone(tmp_path, clock):
    async with running(tmp_path, clock), running(tmp_path, clock) as second:
        assert await said(second, "set a timer for 5 minutes") == "Timers aren't working right now."


async def test_a_file_that_is_no_database_leaves_the_other_tools_working(tmp_path, clock):
    (tmp_path / "timers.db").write_text("not a database " * 100)
    async with running(tmp_path, clock) as uri:
        assert await said(uri, "what time is it") == "It's 5:08 PM."


def fill_the_disk(folder) -> None:
    """From now on nothing can be written."""
    with contextlib.closing(sqlite3.connect(folder / "timers.db")) as connection, connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON timers BEGIN SELECT RAISE(ABORT, 'disk full'); END")


async def test_what_cannot_be_saved_is_not_confirmed(tmp_path, clock):
    async with running(tmp_path, clock):
        pass
    fill_the_disk(tmp_path)
    async with running(tmp_path, clock) as uri:
        answer = await talk(uri, "set a timer for 5 minutes")
        assert (answer, await said(uri, "list my timers")) == ("I couldn't save that, so nothing has changed.", "You have no timers.")


async def test_a_timer_rings_even_when_its_end_cannot_be_saved(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "set a timer for 5 minutes")
    fill_the_disk(tmp_path)
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        clock.advance(300)
        assert (await link.receive_type("timer-finished")).data["text"] == "Your 5 minute timer is done."
