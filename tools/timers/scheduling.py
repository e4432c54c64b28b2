"""What alarms and reminders have in common: they are set for a time, a day and days on which they come again, or for a while from now."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import ToolContext, ToolResult

from . import choosing, schedule
from .desk_tool import DeskTool, ids, told
from .timer import Timer
from .wording import Wording

ACTIONS = ("set", "cancel", "cancel_all", "restore", "status")
_LONGEST_S = 7 * 24 * 3600


class SchedulingTool(DeskTool):
    """Alarms, or reminders."""

    only_tells = {"action": frozenset({"status"})}

    async def act(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        """Does one action."""
        actions = {"set": self._set, "cancel": self._cancel, "cancel_all": self._cancel_all, "restore": self.restore}
        return await actions.get(args.action, self._status)(args, context, wording)

    @abstractmethod
    def name_of(self, args: Any) -> str:
        """What it is about."""

    @abstractmethod
    def question(self, args: Any, wording: Wording) -> ToolResult | None:
        """What must be asked before it can be set."""

    @abstractmethod
    def when(self, args: Any, wording: Wording) -> schedule.When | ToolResult:
        """For when it is set, or the question that must be asked.

        Raises: PastError.
        """

    def shown(self, timer: Timer) -> dict[str, Any]:
        """One of them, for callers and displays."""
        due = schedule.local(timer.ends_utc(self.home.clock), self.home.clock)
        return {"id": timer.id, "name": timer.name or None, "due": due.isoformat(timespec="seconds"), "days": timer.days}

    async def _set(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        if question := self.question(args, wording):
            return question
        seconds = choosing.length(args)
        more: Mapping[str, Any] = {}
        if seconds is not None:
            self.check_length(seconds, wording, _LONGEST_S)
        else:
            try:
                when = self.when(args, wording)
            except schedule.PastError:
                raise ToolError(wording.say("past")) from None
            if isinstance(when, ToolResult):
                return when
            more = {"due_utc": when.due_utc, "clock_time": when.clock_time, "days": when.days}
        self.check_room(wording)
        timer = self.desk.new(self.kinds[0], self.name_of(args), seconds or 0, context, **more)
        await self.desk.book.write(timer)
        return self.confirmed(wording.say("set", timer), wording, {"id": timer.id} | self.shown(timer), ids("cancel", [timer]))

    async def _cancel(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        every = self.own()
        fitting = choosing.scheduled(every, args, self.home.clock)
        ringing = [timer for timer in fitting if timer.ended and self.desk.rings_here(timer, context)]
        if ringing and not args.ids:
            await self.desk.drop(*ringing)
            return ToolResult("", {"ids": [timer.id for timer in ringing]})
        if not fitting:
            raise ToolError(wording.say("none_like_it", others=wording.listed(every)) if every else wording.say("no_timers"))
        chosen = fitting if args.ids else self._likely(fitting, context)
        if len(chosen) > 1 and not args.ids:
            return ToolResult(wording.say("which", others=wording.listed(chosen)), ask=self.asks_which)
        await self.desk.drop(*chosen)
        return ToolResult(self._cancelled(chosen, wording), {"ids": [timer.id for timer in chosen]}, undo=ids("restore", chosen))

    asks_which = "which"
    """The argument that the answer to "which one?" fills."""

    async def _cancel_all(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        timers = choosing.scheduled(self.own(), args, self.home.clock)
        if not timers:
            return told(wording.say("no_timers"))
        await self.desk.drop(*timers)
        return ToolResult(self._cancelled(timers, wording), {"ids": [timer.id for timer in timers]}, undo=ids("restore", timers))

    async def _status(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        every = self.own()
        timers = choosing.scheduled(every, args, self.home.clock)
        if every and not timers:
            raise ToolError(wording.say("none_like_it", others=wording.listed(every)))
        return told(wording.listed(timers), {f"{self.kinds[0]}s": [self.shown(timer) for timer in timers]})

    def _likely(self, timers: Sequence[Timer], context: ToolContext) -> Sequence[Timer]:
        return [timer for timer in timers if context.satellite_id and timer.satellite_id == context.satellite_id] or timers

    def _cancelled(self, timers: Sequence[Timer], wording: Wording) -> str:
        return wording.say("cancelled", timers[0]) if len(timers) == 1 else wording.count("cancelled_all", len(timers))
