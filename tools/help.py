"""What can be asked here: told from the tools that are on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Ability, Phrases, Tool, ToolContext, ToolResult, argument

_SILENT = ("general", "help")
"""What everybody knows, or is just using."""
_EXAMPLES = 3


class HelpTool(Tool):
    """Answers "what can you do?" and "help with timers" from the tools that are on.

    A tool tells what it can do under `help` in its own sentences: first what stands behind "I can", then things one may say to it.
    """

    name = "help"
    description = "Tells what can be done here, or gives examples for one topic."
    intents = {"EarshotHelp": {}}
    deadline_s = 8.0  # asked at the start, it waits for the tools that are still starting

    @dataclass(frozen=True)
    class Args:
        """What help is wanted with."""

        topic: str | None = argument(None, "name of a tool, such as timers; none for an overview")

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """What the tools can do, or what may be said to one of them."""
        phrases = context.phrases
        on = {ability.tool: ability for ability in await self.home.abilities(phrases.language) if ability.tool not in _SILENT}
        if not args.topic:
            return _overview(list(on.values()), phrases)
        wanted = args.topic.casefold().strip()
        ability = on.get(wanted) or next((ability for ability in on.values() if wanted in ability.tool), None)
        if ability is None:
            raise ToolError(phrases.say("not_here", topic=args.topic))
        _, *examples = _told(ability, phrases) or [""]
        if not examples:
            return ToolResult(phrases.say("only", what=ability.description), {"tool": ability.tool})
        said = phrases.say("or_say").join(examples[:_EXAMPLES])
        return ToolResult(phrases.say("examples", examples=said), {"tool": ability.tool, "examples": examples})


def _overview(on: Sequence[Ability], phrases: Phrases) -> ToolResult:
    told = {ability.tool: lines for ability in on if (lines := _told(ability, phrases))}
    if not told:
        raise ToolError(phrases.say("nothing"))
    can = phrases.join([lines[0] for lines in told.values()])
    return ToolResult(f"{phrases.say('can', what=can)} {phrases.say('ask')}", {"tools": list(told)})


def _told(ability: Ability, phrases: Phrases) -> list[str]:
    """What it can do, then examples: its own words, or those kept here for the tools that come along; empty for none."""
    return ability.phrases.items("help") or phrases.items(f"with_{ability.tool}")
