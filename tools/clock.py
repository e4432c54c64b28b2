"""The time and the date, here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wyoming_servers.shared.tool import Tool, ToolContext, ToolResult, argument


class ClockTool(Tool):
    """Says what time, which day, month or year it is."""

    name = "clock"
    description = "Tells the current time, date, weekday, month or year."
    intents = {
        "HassGetCurrentTime": {"what": "time"},
        "HassGetCurrentDate": {"what": "date"},
        "EarshotWeekday": {"what": "weekday"},
        "EarshotMonth": {"what": "month"},
        "EarshotYear": {"what": "year"},
    }

    @dataclass(frozen=True)
    class Args:
        """What is asked for."""

        what: str = argument("time", "which part", choices=("time", "date", "weekday", "month", "year"))
        days_from_now: int = argument(0, "-1 yesterday, 0 today, 1 tomorrow", minimum=-1, maximum=1)

    @dataclass(frozen=True)
    class Options:
        """How the owner wants it told."""

        hours: str = argument("auto", "12 or 24 hour clock; auto as is usual in the language", choices=("auto", "12", "24"))

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """The answer, from the house's wall clock."""
        now = self.home.clock.local()
        if args.what == "time":
            return ToolResult(self._time(now, context), {"time": now.strftime("%H:%M")})
        day = now + timedelta(days=args.days_from_now)
        say, items = context.phrases.say, context.phrases.items
        key = f"{args.what}_{args.days_from_now}" if args.what in ("date", "weekday") else args.what
        speech = say(key, weekday=items("weekdays")[day.weekday()], month=items("months")[day.month - 1], day=day.day, year=day.year)
        return ToolResult(speech, {"date": day.date().isoformat()})

    def _time(self, now: datetime, context: ToolContext) -> str:
        say = context.phrases.say
        hours = say("hours") if self.options.hours == "auto" else self.options.hours
        if hours == "24":
            return say("time_24", hour=now.hour, minute=now.minute)
        if now.minute == 0 and now.hour in (0, 12):
            return say("noon" if now.hour else "midnight")
        half = say("morning" if now.hour < 12 else "afternoon")
        return say("time_12" if now.minute else "time_12_full", hour=(now.hour + 11) % 12 + 1, minute=now.minute, half=half)
