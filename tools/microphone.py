"""Switches a satellite's microphone off. It cannot be switched on again by voice: nobody would hear that."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import InvalidRequestError, ToolError
from wyoming_servers.shared.tool import Home, Satellite, Tool, ToolContext, ToolResult, argument

_EVENT = "earshot-microphone"
_ANSWER_S = 2.0


class MicrophoneTool(Tool):
    """Switches the microphone of the satellite that hears it off, and says how it comes on again: not by voice.

    While it is off, no sound leaves the satellite, wake words are not heard, and timers still ring.
    """

    name = "microphone"
    description = "Switches the microphone of the speaker the user talks to off. Not its sound: that is volume."
    intents = {"EarshotMicrophoneOff": {"muted": True}, "EarshotMicrophoneTell": {}}
    events = frozenset({_EVENT})
    deadline_s = 5.0
    changes = True
    only_tells = {"muted": frozenset({False})}

    @dataclass(frozen=True)
    class Args:
        """Without an argument it only tells."""

        muted: bool = argument(False, "true switches it off")

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Switches it off and says so once the satellite has confirmed it."""
        say = context.phrases.say
        if context.satellite_id not in {satellite.id for satellite in self.home.satellites()}:
            raise ToolError(say("nobody"))
        muted = await self._ask(context.satellite_id, {"muted": True} if args.muted else {})
        if muted is None or (args.muted and not muted):
            raise ToolError(say("no_answer"))
        return ToolResult(say("is_off" if muted else "is_on"), {"muted": muted})

    async def satellite_event(self, satellite: Satellite, event_type: str, data: Mapping[str, Any]) -> None:
        """A satellite tells whether its microphone is off."""
        muted = data.get("muted")
        if not isinstance(muted, bool):
            raise InvalidRequestError(f"{event_type} needs muted, true or false")
        for waiting in self._waiting.pop(satellite.id, []):
            if not waiting.done():
                waiting.set_result(muted)

    async def _ask(self, satellite_id: str, wanted: Mapping[str, Any]) -> bool | None:
        """Tells a satellite and waits for its answer; None when none comes."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(satellite_id, []).append(answer)
        try:
            if not self.home.announce(satellite_id, _EVENT, wanted, asks=not wanted):
                return None
            async with asyncio.timeout(_ANSWER_S):
                return await answer
        except TimeoutError:
            return None
        finally:
            waiting = self._waiting.get(satellite_id, [])
            if answer in waiting:
                waiting.remove(answer)
