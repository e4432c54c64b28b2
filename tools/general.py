"""Stop, never mind, and say that again."""

from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.tool import Tool, ToolContext, ToolResult, argument


class GeneralTool(Tool):
    """Answers what is about the conversation itself."""

    name = "general"
    description = "Stops speaking, drops the matter, or repeats the last answer."
    intents = {
        "EarshotStop": {"what": "stop"},
        "HassNevermind": {"what": "nevermind"},
        "EarshotRepeat": {"what": "repeat"},
    }

    @dataclass(frozen=True)
    class Args:
        """What is asked for."""

        what: str = argument("stop", "which", choices=("stop", "nevermind", "repeat"))

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Silence, or the last answer of this conversation that was spoken. The satellite itself ends speech and ringing."""
        if args.what != "repeat":
            return ToolResult("")
        spoken = [turn.answer for turn in context.history if turn.answer]
        return ToolResult(spoken[-1] if spoken else context.phrases.say("nothing_said"))
