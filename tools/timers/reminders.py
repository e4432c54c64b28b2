"""The reminders tool: what can be said about reminders."""

from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.tool import ToolResult, argument

from . import choosing, schedule
from .scheduling import ACTIONS, SchedulingTool
from .timer import REMINDER
from .wording import Wording


class RemindersTool(SchedulingTool):
    """Reminders in one's own words, at a time of the day or in a while, once or repeating. When it is time, the satellite that set them
    chimes and says them, twice. What was missed while the house was without power is told once."""

    name = "reminders"
    description = "Reminders with a text, at a time or after a while: set, cancel, cancel_all, status."
    intents = {
        "EarshotSetReminder": {"action": "set"},
        "EarshotCancelReminder": {"action": "cancel"},
        "EarshotCancelAllReminders": {"action": "cancel_all"},
        "EarshotListReminders": {"action": "status"},
    }
    kinds = (REMINDER,)
    asks_which = "which"
    hidden = frozenset({"ids", "area", "repeat_too"})

    @dataclass(frozen=True)
    class Args:
        """What, and a time of the day or a while from now."""

        action: str = argument("status", "what to do", choices=ACTIONS)
        text: str | None = argument(None, "what of, in the user's words")
        hour: int | None = argument(None, "hour of the clock", minimum=0, maximum=24)
        minute: int | None = argument(None, "minute, below 0 before the hour", minimum=-59, maximum=59)
        half: str | None = argument(None, "if said", choices=schedule.HALVES)
        day: str | None = argument(None, "if said", choices=schedule.DAYS)
        repeat: str | None = argument(None, "on which days again", choices=schedule.REPEATS)
        repeat_too: str | None = argument(None, "another day on which it comes again", choices=schedule.WEEKDAYS)
        hours: int | None = argument(None, "hours from now", minimum=0)
        minutes: int | None = argument(None, "minutes from now", minimum=0)
        seconds: int | None = argument(None, "seconds from now", minimum=0)
        area: str | None = argument(None, "which reminder: the room it was set in")
        ids: str | None = argument(None, "which reminders, by id; for taking back")

    def name_of(self, args: Any) -> str:
        """What to be reminded of."""
        return args.text or ""

    def question(self, args: Any, wording: Wording) -> ToolResult | None:
        """Of what, then for when, unless that was said."""
        if not (args.text or "").strip():
            return ToolResult(wording.say("of_what"), ask="text")
        if args.hour is None and choosing.length(args) is None:
            return ToolResult(wording.say("for_when"), ask="hour")
        return None

    def when(self, args: Any, wording: Wording) -> schedule.When | ToolResult:
        """Never asks: it is rather meant while people are up."""
        return schedule.when(args, self.home.clock, alarm=False, asks=False)
