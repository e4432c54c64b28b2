"""The timers tool: what can be said about timers, about what rings, and about a stopwatch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import ToolContext, ToolResult, argument

from . import choosing, stopwatch
from .desk_tool import DeskTool, ids, told
from .timer import ALARM, PAUSED, RUNNING, STOPWATCH, TIMER, Timer
from .wording import Wording

ACTIONS = ("start", "cancel", "cancel_all", "restore", "increase", "decrease", "pause", "resume", "status", "snooze", "missed")


class TimersTool(DeskTool):
    """Countdown timers: any number up to 100, named or not, up to 24 hours each. They ring at the satellite that set them, can be asked
    about and changed from every other, and survive a crash. "Snooze" and "five more minutes" put off whatever rings. It has a stopwatch,
    too."""

    name = "timers"
    description = (
        "Countdown timers: start, cancel, cancel_all, increase, decrease, pause, resume, status; snooze what rings; missed; stopwatch."
    )
    intents = {
        "HassStartTimer": {"action": "start"},
        "HassCancelTimer": {"action": "cancel"},
        "HassCancelAllTimers": {"action": "cancel_all"},
        "HassIncreaseTimer": {"action": "increase"},
        "HassDecreaseTimer": {"action": "decrease"},
        "HassPauseTimer": {"action": "pause"},
        "HassUnpauseTimer": {"action": "resume"},
        "HassTimerStatus": {"action": "status"},
        "EarshotSnooze": {"action": "snooze"},
        "EarshotMissed": {"action": "missed"},
        "EarshotStopwatch": {},
    }
    only_tells = {"action": frozenset({"status", "missed", "stopwatch_read"})}
    kinds = (TIMER, STOPWATCH)
    hidden = frozenset({"ids", "conversation_command", "start_hours", "start_seconds", "area"})

    @dataclass(frozen=True)
    class Args:
        """Home Assistant's slots."""

        action: str = argument("status", "what to do", choices=(*ACTIONS, *stopwatch.ACTIONS))
        hours: int | None = argument(None, "to set, add or remove", minimum=0)
        minutes: int | None = argument(None, "to set, add or remove", minimum=0)
        seconds: int | None = argument(None, "to set, add or remove", minimum=0)
        name: str | None = argument(None, "the timer's name")
        start_hours: int | None = argument(None, "which timer: hours it was set to", minimum=0)
        start_minutes: int | None = argument(None, "which timer: minutes it was set to", minimum=0)
        start_seconds: int | None = argument(None, "which timer: seconds it was set to", minimum=0)
        area: str | None = argument(None, "which timer: the room it was set in")
        conversation_command: str | None = argument(None, "a command to carry out when it ends; not possible yet")
        ids: str | None = argument(None, "which timers, by id; for taking back")

    @dataclass(frozen=True)
    class Options:
        """How the owner wants it."""

        snooze_minutes: int = argument(9, "minutes that a plain “snooze” puts off what rings", minimum=1, maximum=60)

    async def act(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        """Does one action."""
        if args.conversation_command:
            raise ToolError(wording.say("no_commands"))
        if args.action in stopwatch.ACTIONS:
            return await stopwatch.act(self.desk, args.action, context, wording)
        actions = {
            "start": self._begin,
            "cancel": self._cancel,
            "cancel_all": self._cancel_all,
            "restore": self.restore,
            "status": self._status,
            "snooze": self._snooze,
            "missed": self._missed,
        }
        return await actions.get(args.action, self._change)(args, context, wording)

    async def _begin(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        total_s = choosing.length(args)
        if total_s is None:
            return ToolResult(wording.say("for_how_long"), ask="minutes")
        self.check_length(total_s, wording)
        self.check_room(wording)
        timer = self.desk.new(TIMER, args.name or "", total_s, context)
        await self.desk.book.write(timer)
        self.desk.push_started(timer)
        speech = wording.say("started_named" if timer.name else "started", timer, length=wording.length(total_s))
        return self.confirmed(speech, wording, {"id": timer.id}, ids("cancel", [timer]))

    async def _cancel_all(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        timers = choosing.fitting(self.own(), args)
        if not timers:
            return told(wording.say("no_timers"))
        await self.desk.drop(*timers)
        return ToolResult(wording.count("cancelled_all", len(timers)), {"ids": [timer.id for timer in timers]}, undo=ids("restore", timers))

    async def _status(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        timers = choosing.fitting(self.own(), args)
        data = {"timers": [self.shown(timer) for timer in timers]}
        if not timers and choosing.named(args):
            raise ToolError(self._none_like_it(args, wording))
        if len(timers) != 1 or timers[0].ended:
            return told(wording.listed(timers), data)
        return told(wording.say("left_paused" if timers[0].state == PAUSED else "left", timers[0]), data)

    async def _cancel(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        fitting = choosing.fitting(self.desk.book.all() if args.ids else self.own(), args)
        ringing = [timer for timer in fitting if timer.ended]
        if ringing and (choosing.named(args) or any(self.desk.rings_here(timer, context) for timer in ringing)):
            await self.desk.drop(*ringing)
            return ToolResult("", {"ids": [timer.id for timer in ringing]})
        chosen = self._chosen(fitting, args, context, wording)
        if isinstance(chosen, ToolResult):
            return chosen
        await self.desk.drop(*chosen)
        speech = wording.say("cancelled", chosen[0]) if len(chosen) == 1 else wording.count("cancelled_all", len(chosen))
        return ToolResult(speech, {"id": chosen[0].id}, undo=ids("restore", chosen))

    async def _change(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        """Pause, resume, increase or decrease."""
        if args.action in ("increase", "decrease") and choosing.length(args) is None:
            return ToolResult(wording.say("how_much"), ask="minutes")
        chosen = self._chosen(choosing.fitting(self.own(), args), args, context, wording)
        if isinstance(chosen, ToolResult):
            return chosen
        return await self._changed_one(chosen[0], args, wording)

    async def _changed_one(self, timer: Timer, args: Any, wording: Wording) -> ToolResult:
        changed, sentence = self._changed(timer, args, wording)
        if changed is timer:
            return told(wording.say(sentence, timer), {"id": timer.id})
        await self.desk.book.write(changed)
        left_s = max(0, round(changed.left(self.home.clock)))
        self.desk.push(changed, "timer-updated", {"id": timer.id, "is_active": changed.state == RUNNING, "total_seconds": left_s})
        back = {"pause": "resume", "resume": "pause", "increase": "decrease", "decrease": "increase"}[args.action]
        lengths = {unit: value for unit in ("hours", "minutes", "seconds") if (value := getattr(args, unit)) is not None}
        return ToolResult(wording.say(sentence, changed), {"id": timer.id}, undo=ids(back, [timer]) | lengths)

    def _chosen(self, fitting: Sequence[Timer], args: Any, context: ToolContext, wording: Wording) -> list[Timer] | ToolResult:
        """The one that is meant (several only by their ids), or the question which.

        Raises: ToolError when there is none.
        """
        running = [timer for timer in fitting if not timer.ended]
        timers = running if args.ids else choosing.narrowed(running, args.action, context.satellite_id)
        if not timers:
            raise ToolError(self._none_like_it(args, wording) if choosing.named(args) else wording.say("no_timers"))
        if len(timers) > 1 and not args.ids:
            return ToolResult(wording.say("which", others=wording.listed(timers)), ask="name")
        return timers

    def _changed(self, timer: Timer, args: Any, wording: Wording) -> tuple[Timer, str]:
        """The timer after pause, resume, increase or decrease, and the sentence that says so."""
        clock = self.home.clock
        left_s = timer.left(clock)
        if args.action == "pause":
            return (timer, "paused_already") if timer.state == PAUSED else (timer.at(clock, left_s, PAUSED), "paused")
        if args.action == "resume":
            return (timer, "running_already") if timer.state == RUNNING else (timer.at(clock, left_s, RUNNING), "resumed")
        change_s = choosing.length(args) or 0
        left_s += change_s if args.action == "increase" else -change_s
        if left_s < 1:
            raise ToolError(wording.say("gone", timer))
        self.check_length(left_s, wording)
        return timer.at(clock, left_s), "changed"

    async def _snooze(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        """Puts off what rings; with a length and nothing that rings, the timer that runs gets more time."""
        said_s = choosing.length(args)
        sounding = self.desk.sounding(context)
        if not sounding and said_s is not None and (running := [timer for timer in self.own() if not timer.ended]):
            increase = self.Args(action="increase", hours=args.hours, minutes=args.minutes, seconds=args.seconds)
            chosen = self._chosen(running, increase, context, wording)
            if isinstance(chosen, ToolResult):
                raise ToolError(wording.say("nothing_rings"))
            return await self._changed_one(chosen[0], increase, wording)
        if not sounding:
            raise ToolError(wording.say("nothing_rings"))
        seconds = self.options.snooze_minutes * 60 if said_s is None else said_s
        self.check_length(seconds, wording)
        again = await self.desk.snooze(sounding, seconds, context)
        speech = wording.say("snoozed", length=wording.length(seconds))
        return ToolResult(speech, {"ids": [timer.id for timer in again]}, undo=ids("cancel", again))

    async def _missed(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        missed = sorted(self.desk.book.missed(), key=lambda timer: timer.left(self.home.clock))
        if not missed:
            return told(wording.say("missed_none"), {"missed": []})
        parts = [
            wording.say("missed_one" if timer.kind == TIMER else "missed_alarm" if timer.kind == ALARM else "missed_reminder", timer)
            for timer in missed[-5:]
        ]
        return told(" ".join(parts), {"missed": [timer.id for timer in missed]})

    def _none_like_it(self, args: Any, wording: Wording) -> str:
        total_s = choosing.length(args, "start_")
        timers = self.own()
        others = wording.listed(timers) if timers else ""
        if not (args.name or args.area or total_s is not None):
            return wording.say("no_timers")
        wanted = wording.named(args.name or args.area) if total_s is None else wording.unnamed(total_s)
        return wording.say("none_like_it", timer=wanted, others=others).strip()
