"""Reminders over the wire, with a clock that the test moves. It begins on a Saturday, at 5:08 in the afternoon."""

import pytest
from handle_house import linked, running, said, talk
from wire import event

CONFIRMED = {
    "remind me at six to call mum": "I'll remind you at 6 PM: call mum.",
    "remind me at five to call mum": "I'll remind you tomorrow at 5 PM: call mum.",
    "remind me in ten minutes to turn the oven off": "I'll remind you at 5:18 PM: turn the oven off.",
    "remind me to call mum tomorrow at half past nine": "I'll remind you tomorrow at 9:30 AM: call mum.",
    "remind me on friday at ten about the dentist": "I'll remind you on Friday at 10 AM: the dentist.",
    "remind me every day at eight to take my pills": "I'll remind you every day at 8 AM: take my pills.",
    "set a reminder for 6 pm to feed the cat": "I'll remind you at 6 PM: feed the cat.",
    "remind me to look at 5 houses at 7": "I'll remind you at 7 PM: look at 5 houses.",
}


@pytest.mark.parametrize("text", CONFIRMED)
async def test_a_reminder_is_confirmed_with_its_time_and_text(uri, text):
    assert await said(uri, text) == CONFIRMED[text]


async def test_the_time_is_asked_for(uri):
    assert await talk(uri, "remind me to call mum") == "When shall I remind you?"


async def test_the_answer_is_a_time(uri):
    assert await talk(uri, "remind me to call mum", "at six") == "I'll remind you at 6 PM: call mum."


async def test_the_answer_is_a_while(uri):
    assert await talk(uri, "remind me to call mum", "in ten minutes") == "I'll remind you at 5:18 PM: call mum."


async def test_the_text_is_asked_for(uri):
    assert await talk(uri, "remind me at six") == "What shall I remind you of?"


async def test_text_and_time_are_asked_for_one_after_the_other(uri):
    assert await talk(uri, "set a reminder", "to call mum", "at six") == "I'll remind you at 6 PM: call mum."


async def test_the_time_is_repaired(uri):
    await talk(uri, "remind me at six to call mum", "no, at seven")
    assert await talk(uri, "what are my reminders") == "You have 1 reminder: at 7 PM: call mum."


async def test_it_is_spoken_twice_when_it_is_time(uri, clock):
    async with linked(uri) as link:
        await said(uri, "remind me in ten minutes to turn the oven off", satellite_id="kitchen")
        clock.advance(600)
        data = (await link.receive_type("timer-finished")).data
    assert (data["kind"], data["text"], data["times"]) == ("reminder", "Reminder: turn the oven off.", 2)


async def test_what_was_missed_is_told_once(tmp_path, clock):
    async with running(tmp_path, clock) as uri:
        await said(uri, "remind me at six to call mum", satellite_id="kitchen")
    clock.advance(7200)
    async with running(tmp_path, clock) as uri, linked(uri) as link:
        data = (await link.receive_type("timer-finished")).data
        await link.send(event("earshot-acknowledge", {"id": data["id"]}))
        await said(uri, "what timers do I have")  # changes come one after the other: that one is on disk now
        async with linked(uri) as link:
            await link.send(event("ping"))
            assert (await link.receive()).type == "pong"
    assert (data["text"], data["times"]) == ("While I was away, you wanted to be reminded at 6 PM: call mum.", 1)


async def test_one_is_cancelled_by_its_words(uri):
    await talk(uri, "remind me at six to call mum", "remind me at seven to feed the cat")
    assert await talk(uri, "cancel the reminder to feed the cat") == "Cancelled: reminder at 7 PM: feed the cat."


async def test_which_one_is_asked_and_answered(uri):
    await talk(uri, "remind me at six to call mum", "remind me at seven to feed the cat", "cancel my reminder")
    assert await talk(uri, "the cat") == "Cancelled: reminder at 7 PM: feed the cat."


async def test_undo_brings_a_cancelled_one_back(uri):
    await talk(uri, "remind me at six to call mum", "cancel my reminder", "undo")
    assert await talk(uri, "what are my reminders") == "You have 1 reminder: at 6 PM: call mum."


async def test_none_are_told(uri):
    assert await said(uri, "what are my reminders") == "You have no reminders."
