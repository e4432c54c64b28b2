"""Times of the day: which moment is meant, and what happens when the clocks change."""

import importlib
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from handle_house import MovedClock

from wyoming_servers.handle.clock import system_zone
from wyoming_servers.shared import paths

sys.path.insert(0, str(paths.content("tools")))
schedule = importlib.import_module("timers.schedule")
timers = importlib.import_module("timers.timer")
sys.path.pop(0)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
EVERY_DAY = "0123456"


@dataclass
class Said:
    """What a sentence gives."""

    hour: int = 0
    minute: int | None = None
    half: str | None = None
    day: str | None = None
    repeat: str | None = None
    repeat_too: str | None = None


def clock(*moment: int, zone: ZoneInfo = BERLIN, fold: int = 0) -> MovedClock:
    moved = MovedClock(zone)
    moved.wall = datetime(*moment, tzinfo=zone, fold=fold).timestamp()
    return moved


def local(utc: float, zone: ZoneInfo = BERLIN) -> str:
    return datetime.fromtimestamp(utc, zone).strftime("%a %H:%M %z")


def due(said: Said, now: MovedClock, *, alarm: bool = True, asks: bool = False) -> str:
    return local(schedule.when(said, now, alarm=alarm, asks=asks).due_utc, now.zone)


def following(now: MovedClock, clock_time: str, days: str = EVERY_DAY, times: int = 1) -> list[str]:
    after, found = now.now(), []
    for _ in range(times):
        after = schedule.following(after, schedule.minute_of(clock_time), days, now.zone)
        found.append(local(after, now.zone))
    return found


def test_an_alarm_keeps_its_time_when_the_clocks_go_forward():
    assert following(clock(2026, 3, 28, 8, 0), "07:00", times=2) == ["Sun 07:00 +0200", "Mon 07:00 +0200"]


def test_an_alarm_keeps_its_time_when_the_clocks_go_back():
    assert following(clock(2026, 10, 24, 8, 0), "07:00", times=2) == ["Sun 07:00 +0100", "Mon 07:00 +0100"]


def test_an_alarm_in_the_hour_that_is_skipped_rings_as_much_later():
    assert following(clock(2026, 3, 28, 8, 0), "02:30", times=2) == ["Sun 03:30 +0200", "Mon 02:30 +0200"]


def test_an_alarm_in_the_hour_that_comes_twice_rings_once():
    assert following(clock(2026, 10, 24, 8, 0), "02:30", times=2) == ["Sun 02:30 +0200", "Mon 02:30 +0100"]


def test_a_single_alarm_in_the_hour_that_comes_twice_may_mean_the_second():
    assert due(Said(2, 50, "am"), clock(2026, 10, 25, 2, 40, fold=1)) == "Sun 02:50 +0100"


def test_a_single_alarm_before_the_hour_that_is_skipped():
    assert due(Said(2, 30, "am"), clock(2026, 3, 29, 1, 0)) == "Sun 03:30 +0200"


def test_the_other_side_of_the_ocean_changes_on_other_days():
    assert following(clock(2026, 3, 7, 8, 0, zone=NEW_YORK), "02:30", times=2) == ["Sun 03:30 -0400", "Mon 02:30 -0400"]


def test_only_its_days_count():
    assert following(clock(2026, 11, 21, 17, 0), "07:00", "04", times=3) == ["Mon 07:00 +0100", "Fri 07:00 +0100", "Mon 07:00 +0100"]


def daily(due_utc: float):
    return timers.Timer("a", "", 0, "running", "", "", "en", 0, 0, 0, "", "alarm", due_utc, "07:00", EVERY_DAY)


def test_in_another_zone_an_alarm_keeps_its_time_of_the_day():
    in_berlin = schedule.following(clock(2026, 11, 21, 8, 0).now(), 420, EVERY_DAY, BERLIN)
    assert local(schedule.renewed(daily(in_berlin), clock(2026, 11, 21, 3, 0, zone=NEW_YORK)).due_utc, NEW_YORK) == "Sat 07:00 -0500"


def test_a_clock_that_is_not_set_yet_moves_no_alarm():
    due_utc = clock(2026, 11, 22, 7, 0).now()
    assert schedule.renewed(daily(due_utc), clock(1970, 1, 1, 1, 0)).due_utc == due_utc


MEANT = {
    "seven in the morning": (Said(7, half="am"), "Sun 07:00"),
    "seven in the evening": (Said(7, half="pm"), "Sat 19:00"),
    "nineteen": (Said(19), "Sat 19:00"),
    "noon": (Said(12), "Sun 12:00"),
    "half past noon": (Said(12, 30), "Sun 12:30"),
    "midnight": (Said(24), "Sun 00:00"),
    "twelve at night": (Said(12, half="night"), "Sun 00:00"),
    "two at night": (Said(2, half="night"), "Sun 02:00"),
    "eleven at night": (Said(11, half="night"), "Sat 23:00"),
    "quarter to seven in the morning": (Said(7, -15, "am"), "Sun 06:45"),
    "half past midnight": (Said(24, 30), "Sun 00:30"),
    "tonight at nine": (Said(9, day="tonight"), "Sat 21:00"),
    "tomorrow at seven": (Said(7, day="tomorrow"), "Sun 07:00"),
    "tomorrow at two": (Said(2, day="tomorrow"), "Sun 14:00"),
    "today at seven": (Said(7, day="today"), "Sat 19:00"),
    "monday at seven": (Said(7, day="monday"), "Mon 07:00"),
    "saturday at seven pm": (Said(7, half="pm", day="saturday"), "Sat 19:00"),
    "saturday at seven am": (Said(7, half="am", day="saturday"), "Sat 07:00"),
    "the day after tomorrow": (Said(7, half="am", day="overmorrow"), "Mon 07:00"),
    "three": (Said(3), "Sun 03:00"),
}


@pytest.mark.parametrize("name", MEANT)
def test_what_a_time_of_an_alarm_means_at_five_in_the_afternoon(name):
    said, expected = MEANT[name]
    assert due(said, clock(2026, 11, 21, 17, 8)).startswith(expected)


def test_in_the_afternoon_seven_may_be_meant_in_the_evening():
    with pytest.raises(schedule.UnclearError):
        schedule.when(Said(7), clock(2026, 11, 21, 17, 8), alarm=True, asks=True)


def test_in_a_language_of_twenty_four_hours_seven_is_in_the_morning():
    assert due(Said(7), clock(2026, 11, 21, 17, 8)) == "Sun 07:00 +0100"


def test_after_lunch_three_is_in_the_afternoon():
    assert due(Said(3), clock(2026, 11, 21, 14, 0), asks=True) == "Sat 15:00 +0100"


def test_a_reminder_is_rather_meant_while_people_are_up():
    now = clock(2026, 11, 21, 17, 8)
    assert [due(Said(hour), now, alarm=False)[:9] for hour in (5, 6, 7, 11)] == ["Sun 17:00", "Sat 18:00", "Sat 19:00", "Sat 23:00"]


def test_what_is_over_is_over():
    with pytest.raises(schedule.PastError):
        schedule.when(Said(9, half="am", day="today"), clock(2026, 11, 21, 17, 8), alarm=True, asks=False)


def test_days_are_joined():
    assert [schedule.days_of(*words) for words in (("weekdays", None), ("monday", "friday"), ("tuesday, sunday", None), (None, None))] == [
        "01234",
        "04",
        "16",
        "",
    ]


def test_the_systems_zone_is_the_one_of_the_environment(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    assert system_zone() == NEW_YORK


def test_the_systems_zone_is_the_one_the_link_names(monkeypatch, tmp_path):
    monkeypatch.delenv("TZ", raising=False)
    (tmp_path / "zoneinfo" / "Europe").mkdir(parents=True)
    link = tmp_path / "localtime"
    link.symlink_to(tmp_path / "zoneinfo" / "Europe" / "Berlin")
    assert system_zone(link) == BERLIN


def test_without_a_zone_there_is_none(monkeypatch, tmp_path: Path):
    monkeypatch.delenv("TZ", raising=False)
    assert system_zone(tmp_path / "localtime") is None
