"""What the tools that share the desk have in common: starting, ringing, and refusals."""

import sqlite3
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from wyoming_servers.shared.errors import InvalidRequestError, ToolError
from wyoming_servers.shared.tool import Home, Satellite, Tool, ToolContext, ToolResult

from .desk import MOST, Desk
from .timer import RUNNING, Timer
from .wording import Wording

LONGEST_S = 24 * 3600
_ACKNOWLEDGE, _DISMISS = "earshot-acknowledge", "earshot-dismiss"


class DeskTool(Tool):
    """One kind of what rings. A change is on disk before it is confirmed."""

    kinds: ClassVar[Sequence[str]]
    """Whose events of satellites it takes; the first is what its greeting tells."""
    deadline_s = 8.0  # a memory card may take seconds to write, and given up half-way the timer would still be set
    events = frozenset({_ACKNOWLEDGE, _DISMISS})
    changes = True

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self.desk: Desk = home.shared.setdefault("timers", Desk(home)).join()

    async def start(self) -> None:
        """Goes on with what is on disk.

        Raises: ToolError when the file cannot be used.
        """
        await self.desk.open(self.kinds, self.home.phrases)

    async def stop(self) -> None:
        """Closes the file."""
        await self.desk.leave()

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Does one action."""
        wording = Wording(context.phrases, self.home.clock, context.satellite_id)
        try:
            return await self.desk.book.alone(lambda: self.act(args, context, wording))
        except (sqlite3.Error, OSError) as err:
            raise ToolError(wording.say("not_saved")) from err

    @abstractmethod
    async def act(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        """Does one action while no other is under way.

        Raises: ToolError; sqlite3.Error when it cannot be saved.
        """

    def own(self) -> list[Timer]:
        """Those of its first kind, in the order they were set."""
        return self.desk.book.all(self.kinds[0])

    def greeting(self, satellite: Satellite) -> Mapping[str, Any]:
        """Those of this satellite that have not run out."""
        shown = [self.shown(timer) for timer in self.own() if timer.satellite_id == satellite.id and not timer.ended]
        return {f"{self.kinds[0]}s": shown}

    async def joined(self, satellite: Satellite) -> None:
        """Tells it what ended unheard."""
        self.desk.joined(satellite, self.kinds)

    async def satellite_event(self, satellite: Satellite, event_type: str, data: Mapping[str, Any]) -> None:
        """It rings there, or was silenced there."""
        id = data.get("id")
        if not isinstance(id, str) and not (id is None and event_type == _DISMISS):
            raise InvalidRequestError(f"{event_type} needs the timer's id as text")
        desk = self.desk
        if not desk.ringing_at(satellite, self.kinds, id):
            return
        if event_type == _ACKNOWLEDGE:
            await desk.book.alone(lambda: desk.heard(satellite, self.kinds, id))
        else:
            by_user = data.get("unheard") is not True
            await desk.book.alone(lambda: desk.silenced(satellite, self.kinds, id, by_user=by_user))

    def shown(self, timer: Timer) -> dict[str, Any]:
        """One of them, for callers and displays."""
        left_s = max(0, round(timer.left(self.home.clock)))
        shown = {"id": timer.id, "name": timer.name or None, "total_seconds": timer.total_s}
        return shown | {"seconds_left": left_s, "is_active": timer.state == RUNNING}

    def check_room(self, wording: Wording) -> None:
        """Raises: ToolError when no more are kept."""
        if self.desk.full():
            raise ToolError(wording.say("too_many", count=MOST))

    def check_length(self, seconds: float, wording: Wording, longest_s: int = LONGEST_S) -> None:
        """Raises: ToolError."""
        if seconds < 1:
            raise ToolError(wording.say("too_short"))
        if seconds > longest_s:
            raise ToolError(wording.say("too_long", length=wording.length(longest_s)))

    def confirmed(self, speech: str, wording: Wording, data: Mapping[str, Any], undo: Mapping[str, Any]) -> ToolResult:
        """The confirmation of something that will ring, or that nobody can ring it now."""
        if not self.desk.satellites():
            speech = wording.say("nobody_rings", answer=speech)
        return ToolResult(speech, data, undo=undo)

    async def restore(self, args: Any, context: ToolContext, wording: Wording) -> ToolResult:
        """Takes a cancellation back."""
        timers = await self.desk.restore((args.ids or "").split())
        if not timers:
            raise ToolError(wording.say("cannot_restore"))
        speech = wording.say("restored", timers[0]) if len(timers) == 1 else wording.listed(self.own())
        return ToolResult(speech, {"ids": [timer.id for timer in timers]}, undo=ids("cancel", timers))


def told(speech: str, data: Mapping[str, Any] | None = None) -> ToolResult:
    """An answer that changed nothing."""
    return ToolResult(speech, data or {}, undo={})


def ids(action: str, timers: Sequence[Timer]) -> dict[str, str]:
    """The arguments of a call that does something to exactly these."""
    return {"action": action, "ids": " ".join(timer.id for timer in timers)}
