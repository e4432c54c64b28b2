"""How loud satellites speak."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import InvalidRequestError, ToolError
from wyoming_servers.shared.tool import Home, Satellite, Tool, ToolContext, ToolResult, argument

_EVENT = "earshot-volume"
_STEP = 10
_ANSWER_S = 2.0


class VolumeTool(Tool):
    """Turns a satellite louder and quieter, mutes it, and tells how loud it is: the one that hears it, or those of a room.

    A number alone means tenths, as on other loudspeakers with voices: "volume 5" is half. Timers ring on a muted satellite too, quietly.
    """

    name = "volume"
    description = "The volume of the speaker the user talks to: up, down, set, mute, unmute, tell."
    intents = {
        "EarshotVolume": {},
        "EarshotVolumeUp": {"volume_step": "up"},
        "EarshotVolumeDown": {"volume_step": "down"},
        "EarshotMute": {"muted": True},
        "EarshotUnmute": {"muted": False},
        "EarshotVolumeTell": {},
        "HassSetVolume": {},
        "HassSetVolumeRelative": {},
        "HassMediaPlayerMute": {"muted": True},
        "HassMediaPlayerUnmute": {"muted": False},
    }
    events = frozenset({_EVENT})
    hidden = frozenset({"level"})
    deadline_s = 5.0
    changes = True
    only_tells = {name: frozenset({None}) for name in ("volume_level", "level", "volume_step", "muted")}

    @dataclass(frozen=True)
    class Args:
        """One of the first four; none only asks how loud it is."""

        volume_level: int | None = argument(None, "percent to set", minimum=0, maximum=100)
        level: int | None = argument(None, "tenths to set", minimum=0, maximum=10)
        volume_step: str | None = argument(None, "up, down, or percent to add (negative: less)")
        muted: bool | None = argument(None, "true mutes, false unmutes")
        area: str | None = argument(None, "the room whose speakers are meant, when it is another one")

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self._known: dict[str, Mapping[str, Any]] = {}
        self._waiting: dict[int, asyncio.Future] = {}
        self._requests = itertools.count(1)

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Changes it and tells how loud it is now, as the satellite says."""
        say = context.phrases.say
        meant = self._meant(args.area, context)
        if not meant:
            raise ToolError(say("none_there", area=args.area) if args.area else say("nobody"))
        wanted = self._wanted(args, context)
        before = self._known.get(meant[0])
        states = [state for state in await asyncio.gather(*(self._ask(id, wanted) for id in meant)) if state]
        if not states:
            raise ToolError(say("no_answer"))
        percent, muted = states[0]["percent"], states[0]["muted"]
        if muted:
            speech = "" if args.muted else say("is_muted")
        else:
            speech = say("now" if wanted else "is", percent=context.phrases.number(percent, 0))
        return ToolResult(speech, {"percent": percent, "muted": muted}, undo=_back(before, args.area) if wanted else {})

    async def satellite_event(self, satellite: Satellite, event_type: str, data: Mapping[str, Any]) -> None:
        """A satellite tells how loud it is."""
        percent, muted = data.get("percent"), data.get("muted")
        if not isinstance(percent, int) or isinstance(percent, bool) or not isinstance(muted, bool):
            raise InvalidRequestError(f"{event_type} needs percent, a whole number, and muted, true or false")
        request = data.get("request", 0)
        if not isinstance(request, int):
            raise InvalidRequestError(f"{event_type} answers a request that is a number")
        self._known[satellite.id] = {"percent": percent, "muted": muted}
        waiting = self._waiting.get(request)
        if waiting and not waiting.done():
            waiting.set_result(self._known[satellite.id])

    def _meant(self, area: str | None, context: ToolContext) -> list[str]:
        """The ids of the satellites; the one that asks first."""
        there = self.home.satellites()
        wanted = (area or "").casefold()
        if wanted and wanted != context.area.casefold():
            return [satellite.id for satellite in there if satellite.area.casefold() == wanted]
        return [satellite.id for satellite in there if satellite.id == context.satellite_id]

    def _wanted(self, args: Any, context: ToolContext) -> dict[str, Any]:
        """What `earshot-volume` shall ask for; empty for nothing."""
        if args.volume_level is not None:
            return {"percent": args.volume_level}
        if args.level is not None:
            return {"percent": 10 * args.level}
        if args.volume_step is not None:
            step = {"up": _STEP, "down": -_STEP}.get(args.volume_step) or _number(args.volume_step)
            if step is None:
                raise ToolError(context.phrases.say("no_step"))
            return {"by": step}
        return {} if args.muted is None else {"muted": args.muted}

    async def _ask(self, satellite_id: str, wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Tells a satellite and waits for its answer; None when none comes."""
        request = next(self._requests)
        self._waiting[request] = answer = asyncio.get_running_loop().create_future()
        try:
            if not self.home.announce(satellite_id, _EVENT, {**wanted, "request": request}, asks=not wanted):
                return None
            async with asyncio.timeout(_ANSWER_S):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._waiting[request]


def _back(before: Mapping[str, Any] | None, area: str | None) -> dict[str, Any] | None:
    """Arguments that make it as loud as it was."""
    if before is None:
        return None
    there = {"area": area} if area else {}
    return {"muted": True, **there} if before["muted"] else {"volume_level": before["percent"], **there}


def _number(text: str) -> int | None:
    try:
        return max(-100, min(100, round(float(text.strip(" %")))))
    except ValueError:
        return None
