"""The alarms tool: what can be said about alarms."""

from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.tool import ToolResult, argument

from . import choosing, schedule
from .scheduling import ACTIONS, SchedulingTool
from .timer import ALARM
from .wording import Wording


class AlarmsTool(SchedulingTool):
    """Alarms at a time of the day: once, every day, on weekdays, on Mondays. They ring at the satellite that set them, survive a crash, and
    keep their time when the clocks change. A time that may be meant in the morning or in the evening is asked back."""

    name = "alarms"
    description = "Alarm clock: set (once or repeating), cancel, cancel_all, status."
    intents = {
        "EarshotSetAlarm": {"action": "set"},
        "EarshotCancelAlarm": {"action": "cancel"},
        "EarshotCancelAllAlarms": {"action": "cancel_all"},
        "EarshotListAlarms": {"action": "status"},
    }
    kinds = (ALARM,)
    hidden = frozenset({"ids", "area", "repeat_too"})

    @dataclass(frozen=True)
    class Args:
        """A time of the day, or a while from now."""

        action: str = argument("status", "what to do", choices=ACTIONS)
        hour: int | None = argument(None, "hour of the clock", minimum=0, maximum=24)
        minute: int | None = argument(None, "minute, below 0 before the hour", minimum=-59, maximum=59)
        half: str | None = argument(None, "if said", choices=schedule.HALVES)
        day: str | None = argument(None, "if said", choices=schedule.DAYS)
        repeat: str | None = argument(None, "on which days again", choices=schedule.REPEATS)
        repeat_too: str | None = argument(None, "another day on which it comes again", choices=schedule.WEEKDAYS)
        hours: int | None = argument(None, "hours from now", minimum=0)
        minutes: int | None = argument(None, "minutes from now", minimum=0)
        seconds: int | None = argument(None, "seconds from now", minimum=0)
        area: str | None = argument(None, "which alarm: the room it was set in")
        ids: str | None = argument(None, "which alarms, by id; for taking back")

    def name_of(self, args: Any) -> str:
        """Alarms have no names."""
        return ""

    def question(self, args: Any, wording: Wording) -> ToolResult | None:
        """For when, unless that was said."""
        if args.hour is None and choosing.length(args) is None:
            return ToolResult(wording.say("for_when"), ask="hour")
        return None

    def when(self, args: Any, wording: Wording) -> schedule.When | ToolResult:
        """Asks whether it is meant in the morning, in languages that have only twelve hours."""
        asks = wording.has("which_half")
        try:
            return schedule.when(args, self.home.clock, alarm=True, asks=asks)
        except schedule.UnclearError:
            early, late = (wording.at(minute) for minute in schedule.minutes_of(args))
            return ToolResult(wording.say("which_half", early=early, late=late), ask="half")
