"""Time and date over the wire. The clock stands at 17:08 on Saturday, 21 November 2026."""

from datetime import UTC, datetime

import pytest
from handle_house import MovedClock, running, said

from wyoming_servers.shared.errors import SettingsError

ANSWERS = {
    "what time is it": "It's 5:08 PM.",
    "what's the date": "It's Saturday, November 21, 2026.",
    "what is the date tomorrow": "Tomorrow is Sunday, November 22, 2026.",
    "what day is it": "It's Saturday.",
    "what day is tomorrow": "Tomorrow is Sunday.",
    "what day was it yesterday": "Yesterday was Friday.",
    "what month is it": "It's November.",
    "what year is it": "It's 2026.",
}
TIMES = {(0, 0): "It's midnight.", (0, 5): "It's 12:05 AM.", (9, 0): "It's 9 AM.", (12, 0): "It's noon.", (12, 30): "It's 12:30 PM."}


async def test_everything_that_can_be_asked(tmp_path):
    async with running(tmp_path, MovedClock()) as uri:
        assert {text: await said(uri, text) for text in ANSWERS} == ANSWERS


async def test_times_of_the_day(tmp_path):
    clock, told = MovedClock(), {}
    async with running(tmp_path, clock) as uri:
        for hour, minute in TIMES:
            clock.set_wall(datetime(2026, 11, 21, hour, minute, tzinfo=UTC).timestamp())
            told[hour, minute] = await said(uri, "what time is it")
    assert told == TIMES


async def test_a_24_hour_clock(tmp_path):
    async with running(tmp_path, MovedClock(), options={"clock": {"hours": "24"}}) as uri:
        assert await said(uri, "what time is it") == "It's 17:08."


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"clock": {"hours": "13"}}, "handle.tools.clock: hours: '13' is not allowed (allowed: auto, 12, 24)"),
        ({"clock": {"colour": "red"}}, "handle.tools.clock: unknown key 'colour' (allowed here: hours)"),
        ({"clokc": {}}, "handle.tools: no tool 'clokc' (there are: clock, general, timers)"),
    ],
)
async def test_wrong_options_stop_the_server_with_their_names(tmp_path, options, reason):
    with pytest.raises(SettingsError) as failure:
        async with running(tmp_path, options=options):
            pass
    assert str(failure.value) == reason
