"""What left the house: the egress ledger, spoken."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wyoming_servers.shared.errors import HttpError, ToolError
from wyoming_servers.shared.tool import Departure, Phrases, Tool, ToolContext, ToolResult, argument

_MOST_HOSTS = 3
"""Named aloud; nobody remembers more."""


class EgressTool(Tool):
    """Says which requests left the house, to whom, and what for.

    Every request of every tool is written down before it is sent, and kept for 90 days; `earshot egress` prints the list.
    Answers that were kept from earlier, and servers in the house, are not counted: nothing left for them.
    """

    name = "egress"
    description = "Tells what was sent out of the house to the internet: to whom and what for."
    intents = {"EarshotEgress": {}}

    @dataclass(frozen=True)
    class Args:
        """What is asked for."""

        period: str = argument("today", "which time", choices=("today", "yesterday", "week"))

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """The requests of that time.

        Raises: ToolError when the ledger cannot be read.
        """
        say = context.phrases.say
        now = self.home.clock.local()
        begin, end = _bounds(args.period, now)
        try:
            sent = [one for one in await self.home.http.departures(begin) if one.left and one.at < end]
        except HttpError as err:
            raise ToolError(say("unreadable")) from err
        data = {"requests": len(sent), "hosts": dict(Counter(one.host for one in sent))}
        if not sent:
            return ToolResult(say(f"nothing_{args.period}"), data)
        last = {"purpose": _purpose(sent[-1], context.phrases), "time": _time(sent[-1].at, now, context.phrases)}
        if len(sent) > 1:
            number, hosts = context.phrases.number(len(sent)), _hosts(sent, context.phrases)
            ending = "" if args.period == "week" else say("last", **last)
            return ToolResult(context.phrases.count(f"many_{args.period}", len(sent), n=number, hosts=hosts) + ending, data)
        return ToolResult(say(f"one_{args.period}", host=sent[0].host, **last), data)


def _bounds(period: str, now: datetime) -> tuple[float, float]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "yesterday":
        return (midnight - timedelta(days=1)).timestamp(), midnight.timestamp()
    return (midnight - timedelta(days=6 if period == "week" else 0)).timestamp(), now.timestamp() + 1


def _hosts(sent: Sequence[Departure], phrases: Phrases) -> str:
    """`two to api.open-meteo.com and one to en.wikipedia.org`."""
    counts = Counter(one.host for one in sent).most_common()
    named = counts[:_MOST_HOSTS]
    others = sum(count for _, count in counts[_MOST_HOSTS:])
    parts = [phrases.count("to", count, n=phrases.number(count), host=host) for host, count in named]
    if others:
        parts.append(phrases.count("others", others, n=phrases.number(others)))
    return phrases.join(parts)


def _purpose(departure: Departure, phrases: Phrases) -> str:
    """What for; in other languages than English only for tools whose purpose has a word there, for reasons are written in English."""
    if phrases.language == "en":
        return phrases.say("purpose", why=departure.why) if departure.why else ""
    try:
        return phrases.say("purpose", why=phrases.say(f"purpose_{departure.tool}"))
    except KeyError:
        return ""


def _time(at: float, now: datetime, phrases: Phrases) -> str:
    moment = datetime.fromtimestamp(at, now.tzinfo)
    half = phrases.say("morning" if moment.hour < 12 else "afternoon")
    said = {"hour": moment.hour, "hour_12": (moment.hour + 11) % 12 + 1, "minute": f"{moment.minute:02}", "half": half}
    return phrases.say("time_one" if moment.hour == 1 else "time", **said)
