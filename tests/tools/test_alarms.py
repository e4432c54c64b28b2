"""Alarms over the wire, with a clock that the test moves. It begins on a Saturday, at 5:08 in the afternoon."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from handle_house import MovedClock, ask, linked, running, said, talk, tell
from wire import Wire, event

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def clock():
    return MovedClock(BERLIN)


async def rings(link: Wire) -> dict:
    return (await link.receive_type("timer-finished")).data


def set_clock(clock: MovedClock, *date_and_time: int) -> None:
    clock.advance(datetime(*date_and_time, tzinfo=BERLIN).timestamp() - clock.wall)


CONFIRMED = {
    "set an alarm for 7 am": "Alarm set tomorrow at 7 AM.",
    "set an alarm for 19:45": "Alarm set at 7:45 PM.",
    "set an alarm for half past seven in the morning": "Alarm set tomorrow at 7:30 AM.",
    "wake me up at quarter to eight am": "Alarm set tomorrow at 7:45 AM.",
    "wake me up tomorrow at ten to seven": "Alarm set tomorrow at 6:50 AM.",
    "wake me up on monday at 6:05 am": "Alarm set on Monday at 6:05 AM.",
    "set an alarm for noon": "Alarm set tomorrow at noon.",
    "set an alarm for midnight": "Alarm set tomorrow at midnight.",
    "set an alarm for tonight at nine": "Alarm set at 9 PM.",
    "set an alarm for 7 am every day": "Alarm set every day at 7 AM.",
    "wake me up at seven on weekdays": "Alarm set on weekdays at 7 AM.",
    "set an alarm for 9 am on weekends": "Alarm set on weekends at 9 AM.",
    "set an alarm for 6 am every monday": "Alarm set every Monday at 6 AM.",
    "set an alarm for 6 am every monday and friday": "Alarm set every Monday and Friday at 6 AM.",
    "set an alarm in 20 minutes": "Alarm set at 5:28 PM.",
}


@pytest.mark.parametrize("text", CONFIRMED)
async def test_an_alarm_is_confirmed_with_its_time(uri, text):
    assert await said(uri, text) == CONFIRMED[text]


async def test_the_time_is_asked_for(uri):
    assert await talk(uri, "set an alarm") == "For when?"


async def test_the_answer_is_the_time(uri):
    assert await talk(uri, "set an alarm", "tomorrow at 8 am") == "Alarm set tomorrow at 8 AM."


async def test_morning_or_evening_is_asked_for(uri):
    assert await talk(uri, "set an alarm for seven") == "Do you mean at 7 AM or at 7 PM?"


async def test_the_answer_is_morning_or_evening(uri):
    assert await talk(uri, "set an alarm for seven", "in the evening") == "Alarm set at 7 PM."


async def test_late_in_the_evening_the_morning_is_meant(uri, clock):
    set_clock(clock, 2026, 11, 21, 23, 0)
    assert await said(uri, "set an alarm for seven") == "Alarm set tomorrow at 7 AM."


async def test_a_time_that_is_over_is_told(uri):
    assert await said(uri, "set an alarm for today at 9 am") == "That time is over already."


async def test_the_time_is_repaired(uri):
    await talk(uri, "set an alarm for 7 am", "no, 8 am")
    assert await talk(uri, "what alarms do I have") == "You have 1 alarm: tomorrow at 8 AM."


async def test_the_day_is_repaired(uri):
    await talk(uri, "set an alarm for 7 am", "no, on monday")
    assert await talk(uri, "what alarms do I have") == "You have 1 alarm: on Monday at 7 AM."


async def test_another_day_follows(uri):
    await talk(uri, "set an alarm for tomorrow at 7 am", "and on monday")
    assert await talk(uri, "what alarms do I have") == "You have 2 alarms: tomorrow at 7 AM and on Monday at 7 AM."


async def test_undo_takes_an_alarm_back(uri):
    await talk(uri, "set an alarm for 7 am", "undo")
    assert await talk(uri, "what alarms do I have") == "You have no alarms."


CANCEL_THAT = {
    "en": ("wake me at 7 am", "cancel that", "what alarms are set"),
    "de": ("weck mich um sieben", "abbrechen", "welche Wecker sind gestellt"),
    "fr": ("réveille-moi à sept heures", "annule", "quelles alarmes sont réglées"),
    "es": ("despiértame a las siete de la mañana", "cancela", "qué alarmas hay"),
    "it": ("svegliami alle sette", "annulla", "quali sveglie ci sono"),
    "nl": ("maak me wakker om zeven uur", "annuleer", "welke wekkers staan er"),
}


@pytest.mark.parametrize("language", CANCEL_THAT)
async def test_cancel_after_something_was_done_takes_it_back(uri, language):
    command, cancel_it, which = CANCEL_THAT[language]
    none_set = await talk(uri, which, language=language)
    set_ = await talk(uri, command, language=language)
    undone = await talk(uri, cancel_it, language=language)
    assert undone not in ("", set_)
    assert await talk(uri, which, language=language) == none_set


async def test_cancel_after_nothing_was_done_says_nothing(uri):
    assert await talk(uri, "set an alarm for 7 am", "what alarms do I have", "cancel that") == ""


async def test_undo_brings_a_cancelled_alarm_back(uri):
    await talk(uri, "set an alarm for 7 am", "cancel my alarm", "undo")
    assert await talk(uri, "what alarms do I have") == "You have 1 alarm: tomorrow at 7 AM."


async def test_an_alarm_is_cancelled_by_its_time(uri):
    await talk(uri, "set an alarm for 7 am", "set an alarm for 8 am")
    assert await talk(uri, "cancel the eight o'clock alarm") == "Alarm tomorrow at 8 AM cancelled."


async def test_an_alarm_is_cancelled_by_its_day(uri):
    await talk(uri, "set an alarm for tomorrow at 7 am", "set an alarm for monday at 7 am")
    assert await talk(uri, "cancel the monday alarm") == "Alarm on Monday at 7 AM cancelled."


async def test_which_one_is_asked_and_answered(uri):
    await talk(uri, "set an alarm for 7 am", "set an alarm for 8 am", "cancel my alarm")
    assert await talk(uri, "the seven o'clock one") == "Alarm tomorrow at 7 AM cancelled."


async def test_all_are_cancelled(uri):
    assert await talk(uri, "set an alarm for 7 am", "set an alarm for 8 am", "cancel all alarms") == "All 2 alarms cancelled."


async def test_an_alarm_rings_where_it_was_set(uri, clock):
    async with linked(uri, "bedroom") as link:
        await said(uri, "set an alarm for 7 am", satellite_id="bedroom")
        set_clock(clock, 2026, 11, 22, 7, 0)
        data = await rings(link)
    assert (data["kind"], data["text"]) == ("alarm", "This is your alarm at 7 AM.")


async def test_a_recurring_alarm_goes_on_to_its_next_day(uri, clock):
    async with linked(uri, "bedroom") as link:
        await said(uri, "set an alarm for 7 am on weekdays", satellite_id="bedroom")
        first, second = [], []
        for day, ids in ((23, first), (24, second)):
            set_clock(clock, 2026, 11, day, 7, 0)
            ids.append((await rings(link))["id"])
    assert first != second


async def test_a_recurring_alarm_stays_while_it_rings_and_is_silenced(uri, clock):
    async with linked(uri, "bedroom") as link:
        await said(uri, "set an alarm for 7 am every day", satellite_id="bedroom")
        set_clock(clock, 2026, 11, 22, 7, 0)
        id = (await rings(link))["id"]
        await tell(link, uri, event("earshot-acknowledge", {"id": id}))
        await tell(link, uri, event("earshot-dismiss", {"id": id}))
        assert await said(uri, "what alarms do I have") == "You have 1 alarm: every day at 7 AM."


async def test_cancelling_while_it_rings_silences_it_and_keeps_it_for_the_next_day(uri, clock):
    async with linked(uri, "bedroom") as link:
        await said(uri, "set an alarm for 7 am every day", satellite_id="bedroom")
        set_clock(clock, 2026, 11, 22, 7, 0)
        id = (await rings(link))["id"]
        assert await said(uri, "cancel my alarm", satellite_id="bedroom") == ""
        assert (await link.receive_type("timer-cancelled")).data == {"id": id}
        assert await said(uri, "what alarms do I have") == "You have 1 alarm: every day at 7 AM."


async def test_what_was_due_while_the_server_was_gone_is_told_once(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "set an alarm for 7 am every day", satellite_id="bedroom")
    set_clock(clock, 2026, 11, 25, 9, 0)  # four of them were due
    async with running(tmp_path, clock) as uri, linked(uri, "bedroom") as link:
        data = await rings(link)
        await tell(link, uri, event("earshot-acknowledge", {"id": data["id"]}))
        await link.send(event("ping"))
        assert (await link.receive()).type == "pong"
    assert (data["text"], data["times"]) == ("While I was away, you missed your alarm at 7 AM.", 1)


async def test_what_was_missed_is_told_when_asked(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "set an alarm for 7 am", satellite_id="bedroom")
    set_clock(clock, 2026, 11, 22, 9, 0)
    async with running(tmp_path, clock) as uri, linked(uri, "bedroom") as link:
        id = (await rings(link))["id"]
        await tell(link, uri, event("earshot-acknowledge", {"id": id}))
        assert await said(uri, "what did I miss") == "Your alarm rang at 7 AM."


async def test_an_alarm_is_cancelled_from_another_room(uri):
    await said(uri, "set an alarm for 7 am", satellite_id="bedroom", area="Bedroom")
    assert await said(uri, "cancel my alarm", satellite_id="kitchen") == "Alarm tomorrow at 7 AM in the bedroom cancelled."


async def test_the_data_tells_when_it_is_due(uri):
    data = (await ask(uri, "set an alarm for 7 am")).data["context"]["earshot"]["data"]
    assert data["due"] == "2026-11-22T07:00:00+01:00"
