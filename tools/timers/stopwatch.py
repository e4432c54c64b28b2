"""A stopwatch per satellite: it counts up, survives a crash as timers do, and never rings."""

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import ToolContext, ToolResult

from .desk import Desk
from .desk_tool import told
from .timer import PAUSED, RUNNING, STOPWATCH
from .wording import Wording

ACTIONS = ("stopwatch_start", "stopwatch_stop", "stopwatch_read", "stopwatch_reset")


async def act(desk: Desk, action: str, context: ToolContext, wording: Wording) -> ToolResult:
    """Starts it (or lets it go on), stops it, reads it, or forgets it.

    Raises: ToolError when there is none; sqlite3.Error.
    """
    clock = desk.clock
    found = next((watch for watch in desk.book.all(STOPWATCH) if watch.satellite_id == context.satellite_id), None)
    if action == "stopwatch_start":
        if found and found.state == RUNNING:
            return told(wording.say("stopwatch_runs"))
        await desk.book.write(found.at(clock, found.left_s, RUNNING) if found else desk.new(STOPWATCH, "", 0, context))
        return ToolResult(wording.say("stopwatch_runs"), undo={"action": "stopwatch_stop" if found else "stopwatch_reset"})
    if found is None:
        raise ToolError(wording.say("stopwatch_none"))
    shows = wording.say("stopwatch_shows", length=wording.length(found.shows(clock)))
    if action == "stopwatch_reset":
        await desk.book.write(deleted=[found.id])
        return ToolResult(wording.say("stopwatch_gone"))
    if action == "stopwatch_read" or found.state == PAUSED:
        return told(shows)
    await desk.book.write(found.at(clock, found.shows(clock), PAUSED))
    return ToolResult(shows, undo={"action": "stopwatch_start"})
