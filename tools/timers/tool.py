"""The timers tool: what can be said to it, and what it tells satellites."""

import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import InvalidRequestError, ToolError
from wyoming_servers.shared.tool import Home, Satellite, Tool, ToolContext, ToolResult, argument

from . import choosing
from .book import TimerBook
from .timer import FINISHED, PAUSED, RINGING, RUNNING, Timer
from .wording import Wording

ACTIONS = ("start", "cancel", "cancel_all", "increase", "decrease", "pause", "resume", "status")
LONGEST_S = 24 * 3600
MOST = 100
_LATE_S = 30.0  # from here on "ended 3 minutes ago" is more use than "is done"
_NAME_CHARS = 60


class TimersTool(Tool):
    """Sets, changes, tells and rings countdown timers."""

    name = "timers"
    description = "Countdown timers: start, cancel, cancel_all, increase, decrease, pause, resume, status."
    intents = {
        "HassStartTimer": {"action": "start"},
        "HassCancelTimer": {"action": "cancel"},
        "HassCancelAllTimers": {"action": "cancel_all"},
        "HassIncreaseTimer": {"action": "increase"},
        "HassDecreaseTimer": {"action": "decrease"},
        "HassPauseTimer": {"action": "pause"},
        "HassUnpauseTimer": {"action": "resume"},
        "HassTimerStatus": {"action": "status"},
    }
    deadline_s = 8.0  # a memory card may take seconds to write, and given up half-way the timer would still be set
    events = frozenset({"earshot-acknowledge", "earshot-dismiss"})

    @dataclass(frozen=True)
    class Args:
        """Home Assistant's slots."""

        action: str = argument("status", "what to do", choices=ACTIONS)
        hours: int | None = argument(None, "hours to set, add or remove", minimum=0)
        minutes: int | None = argument(None, "minutes to set, add or remove", minimum=0)
        seconds: int | None = argument(None, "seconds to set, add or remove", minimum=0)
        name: str | None = argument(None, "the timer's name")
        start_hours: int | None = argument(None, "which timer: hours it was set to", minimum=0)
        start_minutes: int | None = argument(None, "which timer: minutes it was set to", minimum=0)
        start_seconds: int | None = argument(None, "which timer: seconds it was set to", minimum=0)
        area: str | None = argument(None, "which timer: the room it was set in")
        conversation_command: str | None = argument(None, "a command to carry out when it ends; not possible yet")

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self._book = TimerBook(home.clock, self._push_finished, self._push_everywhere)

    async def start(self) -> None:
        """Goes on with the timers on disk.

        Raises: ToolError when the file cannot be used.
        """
        try:
            await self._book.open(self.home.database)
        except (sqlite3.Error, OSError) as err:
            raise ToolError(f"timers cannot be kept in {self.home.database}: {err}") from err

    async def stop(self) -> None:
        """Closes the file."""
        await self._book.close()

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Does one action. A change is on disk before it is confirmed."""
        wording = Wording(context.phrases, self.home.clock, context.satellite_id)
        if args.conversation_command:
            raise ToolError(wording.say("no_commands"))
        action = {"start": self._begin, "cancel_all": self._cancel_all, "status": self._status}.get(args.action, self._change)
        try:
            return await self._book.alone(lambda: action(args, context, wording))
        except (sqlite3.Error, OSError) as err:
            raise ToolError(wording.say("not_saved")) from err

    def greeting(self, satellite: Satellite) -> Mapping[str, Any]:
        """This satellite's timers that have not run out."""
        return {"timers": [self._shown(timer) for timer in self._book.all() if timer.satellite_id == satellite.id and not timer.ended]}

    async def joined(self, satellite: Satellite) -> None:
        """Tells it what ended unheard."""
        for timer in self._book.all():
            if timer.state == FINISHED and self._rings_at(timer, satellite):
                self._push_to(satellite, timer)

    async def satellite_event(self, satellite: Satellite, event_type: str, data: Mapping[str, Any]) -> None:
        """A timer rings there, or was silenced there."""
        id = data.get("id")
        if not isinstance(id, str) and not (id is None and event_type == "earshot-dismiss"):
            raise InvalidRequestError(f"{event_type} needs the timer's id as text")
        await self._book.alone(lambda: self._heard(satellite, event_type == "earshot-dismiss", id))

    async def _begin(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        total_s = choosing.length(args)
        if total_s is None:
            raise ToolError(wording.say("no_length"))
        self._check_length(total_s, wording)
        if len(self._book.all()) >= MOST:
            raise ToolError(wording.say("too_many", count=MOST))
        clock = self.home.clock
        timer = Timer(
            id=uuid.uuid4().hex,
            name=(args.name or "")[:_NAME_CHARS],
            total_s=total_s,
            state=RUNNING,
            satellite_id=context.satellite_id,
            area=context.area,
            language=context.language,
            left_s=total_s,
            written_utc=clock.now(),
            written_steady=clock.steady(),
            boot=clock.boot,
        )
        await self._book.write(timer)
        started = {"id": timer.id, "total_seconds": total_s, **({"name": timer.name} if timer.name else {})}
        parts = zip(("start_hours", "start_minutes", "start_seconds"), (total_s // 3600, total_s // 60 % 60, total_s % 60), strict=True)
        self._push(timer, "timer-started", started | dict(parts))
        speech = wording.say("started_named" if timer.name else "started", timer, length=wording.length(total_s))
        if not self.home.satellites():
            speech = wording.say("nobody_rings", answer=speech)
        return ToolResult(speech, {"id": timer.id})

    async def _cancel_all(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        timers = choosing.fitting(self._book.all(), args)
        if not timers:
            return ToolResult(wording.say("no_timers"))
        await self._drop(*timers)
        return ToolResult(wording.count("cancelled_all", len(timers)), {"ids": [timer.id for timer in timers]})

    async def _status(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        timers = choosing.fitting(self._book.all(), args)
        data = {"timers": [self._shown(timer) for timer in timers]}
        if not timers and choosing.named(args):
            raise ToolError(self._none_like_it(args, wording))
        if len(timers) != 1 or timers[0].ended:
            return ToolResult(wording.listed(timers), data)
        return ToolResult(wording.say("left_paused" if timers[0].state == PAUSED else "left", timers[0]), data)

    async def _change(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        fitting = choosing.fitting(self._book.all(), args)
        ringing = [timer for timer in fitting if timer.ended]
        if args.action == "cancel" and ringing and (choosing.named(args) or any(self._rings_here(t, context) for t in ringing)):
            await self._drop(*ringing)
            return ToolResult("", {"ids": [timer.id for timer in ringing]})
        timers = choosing.narrowed([timer for timer in fitting if not timer.ended], args.action, context.satellite_id)
        if not timers:
            raise ToolError(self._none_like_it(args, wording) if choosing.named(args) else wording.say("no_timers"))
        if len(timers) > 1:
            raise ToolError(wording.say("which", others=wording.listed(timers)))
        timer = timers[0]
        if args.action == "cancel":
            await self._drop(timer)
            return ToolResult(wording.say("cancelled", timer), {"id": timer.id})
        changed, sentence = self._changed(timer, args, wording)
        if changed is not timer:
            await self._book.write(changed)
            left_s = max(0, round(changed.left(self.home.clock)))
            self._push(changed, "timer-updated", {"id": timer.id, "is_active": changed.state == RUNNING, "total_seconds": left_s})
        return ToolResult(wording.say(sentence, changed), {"id": timer.id})

    def _changed(self, timer: Timer, args: Any, wording: Wording) -> tuple[Timer, str]:
        """The timer after pause, resume, increase or decrease, and the sentence that says so."""
        clock = self.home.clock
        left_s = timer.left(clock)
        if args.action == "pause":
            return (timer, "paused_already") if timer.state == PAUSED else (timer.at(clock, left_s, PAUSED), "paused")
        if args.action == "resume":
            return (timer, "running_already") if timer.state == RUNNING else (timer.at(clock, left_s, RUNNING), "resumed")
        change_s = choosing.length(args)
        if change_s is None:
            raise ToolError(wording.say("no_length"))
        left_s += change_s if args.action == "increase" else -change_s
        if left_s < 1:
            raise ToolError(wording.say("gone", timer))
        self._check_length(left_s, wording)
        return timer.at(clock, left_s), "changed"

    def _check_length(self, seconds: float, wording: Wording) -> None:
        if seconds < 1:
            raise ToolError(wording.say("too_short"))
        if seconds > LONGEST_S:
            raise ToolError(wording.say("too_long", length=wording.length(LONGEST_S)))

    async def _drop(self, *timers: Timer) -> None:
        await self._book.write(deleted=[timer.id for timer in timers])
        for timer in timers:
            self._push(timer, "timer-cancelled", {"id": timer.id}, everywhere=timer.ended)

    async def _heard(self, satellite: Satellite, silenced: bool, id: str | None) -> None:
        """It rings at this satellite, or it was silenced there: with an id that one, without all that ring there."""
        ended = [timer for timer in self._book.all() if timer.ended]
        meant = [timer for timer in ended if (timer.id == id if id else self._rings_at(timer, satellite))]
        if not silenced:
            await self._book.write(*(timer.at(self.home.clock, timer.left(self.home.clock), RINGING) for timer in meant))
            return
        await self._book.write(deleted=[timer.id for timer in meant])
        for timer in meant:
            for other in self.home.satellites():
                if other.id != satellite.id:
                    self.home.announce(other.id, "timer-cancelled", {"id": timer.id})

    def _none_like_it(self, args: Any, wording: Wording) -> str:
        total_s = choosing.length(args, "start_")
        wanted = wording.named(args.name or args.area) if total_s is None else wording.unnamed(total_s)
        others = wording.listed(self._book.all()) if self._book.all() else ""
        return wording.say("none_like_it", timer=wanted, others=others).strip()

    def _rings_here(self, timer: Timer, context: ToolContext) -> bool:
        return not context.satellite_id or self._rings_at(timer, Satellite(context.satellite_id))

    def _rings_at(self, timer: Timer, satellite: Satellite) -> bool:
        return timer.satellite_id in ("", satellite.id) or self._book.is_everyones(timer.id)

    def _shown(self, timer: Timer) -> dict[str, Any]:
        left_s = max(0, round(timer.left(self.home.clock)))
        shown = {"id": timer.id, "name": timer.name or None, "total_seconds": timer.total_s}
        return shown | {"seconds_left": left_s, "is_active": timer.state == RUNNING}

    def _push_finished(self, timer: Timer) -> None:
        for satellite in self.home.satellites():
            if self._rings_at(timer, satellite):
                self._push_to(satellite, timer)

    def _push_everywhere(self, timer: Timer) -> None:
        for satellite in self.home.satellites():
            if timer.satellite_id != satellite.id:
                self._push_to(satellite, timer)

    def _push_to(self, satellite: Satellite, timer: Timer) -> None:
        late_s = max(0.0, -timer.left(self.home.clock))
        wording = Wording(self.home.phrases(satellite.language or timer.language), self.home.clock, satellite.id)
        text = wording.say("finished_late" if late_s >= _LATE_S else "finished", timer, length=wording.ago(late_s))
        data = {"id": timer.id, "name": timer.name or None, "text": text, "late_s": round(late_s, 1), "total_seconds": timer.total_s}
        self.home.announce(satellite.id, "timer-finished", data)

    def _push(self, timer: Timer, event_type: str, data: Mapping[str, Any], everywhere: bool = False) -> None:
        for satellite in self.home.satellites():
            if everywhere or timer.satellite_id in ("", satellite.id):
                self.home.announce(satellite.id, event_type, data)
