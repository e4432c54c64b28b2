"""The servers that this machine's satellite would use: who answers, how soon, and how busy they are."""

import asyncio
import statistics
from dataclasses import dataclass

from ..shared.asking import Answer, ask
from ..shared.errors import AssistantError
from ..shared.offers import kinds, summary
from ..shared.settings import KINDS
from ..shared.uri import local_uri
from .finding import Finding, Visit, failure, note, ok, warning

_TIMES = 5
_ASK_S = 2.0
_BROWSE_S = 2.5
_SLOW_MS = 100.0
"""A describe on a wired network takes 1 to 3 ms, on a good wireless one 5 to 20."""


@dataclass
class _Place:
    name: str
    uris: tuple[str, ...]
    given_for: tuple[str, ...] = ()


async def peers(visit: Visit) -> list[Finding]:
    """Each server's health and latency: the middle of five questions."""
    places = await _places(visit)
    answers = await asyncio.gather(*(_ask(place) for place in places))
    found = []
    there: set[str] = set()
    told: set[tuple[str, str]] = set()
    for place, (answer, times_ms, problem) in zip(places, answers, strict=True):
        if answer is None:
            if place.given_for:
                text = f"the given {' and '.join(place.given_for)} server does not answer: {problem}"
                found.append(failure(text, f"start it there, or change satellite.peers.{place.given_for[0]}", uri=place.uris[0]))
            elif place.name:
                mend = "`earshot discover` here and on its machine; see docs/discovery.md"
                found.append(warning(f"{place.name} is announced but does not answer: {problem}", mend, uri=place.uris[0]))
            continue
        there |= set(kinds(answer.info))
        if (answer.uri, summary(answer.info)) not in told:
            told.add((answer.uri, summary(answer.info)))
            found.append(_judged(place, answer, times_ms))
        missing = [kind for kind in place.given_for if kind not in kinds(answer.info)]
        if missing:
            mend = f"change satellite.peers.{missing[0]}"
            found.append(failure(f"{answer.uri} is given for {', '.join(missing)} but does not offer it", mend, uri=answer.uri))
    for kind in KINDS:
        if kind not in there and not getattr(visit.settings.satellite.peers, kind):
            found.append(
                failure(f"no {kind} server was found", f"`earshot run`, or `earshot serve {kind}`, or satellite.peers.{kind}", kind=kind)
            )
    return found


async def _places(visit: Visit) -> list[_Place]:
    """Given servers, this machine's own, and those found by mDNS."""
    given: dict[str, tuple[str, ...]] = {}
    for kind in KINDS:
        if uri := getattr(visit.settings.satellite.peers, kind):
            given[uri] = (*given.get(uri, ()), kind)
    places = [_Place("", (uri,), for_kinds) for uri, for_kinds in given.items()]
    open_kinds = [kind for kind in KINDS if not getattr(visit.settings.satellite.peers, kind)]
    places += [_Place("", (uri,)) for uri in dict.fromkeys(local_uri(getattr(visit.settings, kind).uri) for kind in open_kinds)]
    if open_kinds and visit.settings.network.zeroconf:
        from ..shared.discovery import find

        ports = {uri.rpartition(":")[2] for place in places for uri in place.uris}
        for server in await find(_BROWSE_S):
            mine = server.uri.rpartition(":")[2] in ports and server.local
            if not mine and server.uri not in given:
                places.append(_Place(server.name, (server.uri,)))
    return places


async def _ask(place: _Place) -> tuple[Answer | None, list[float], str]:
    """(the last answer, round trips, why there is none)."""
    answer, times_ms = None, []
    try:
        for _ in range(_TIMES):
            answer = await ask(place.uris, _ASK_S)
            times_ms.append(answer.round_trip_ms)
    except AssistantError as err:
        if not times_ms:
            return None, [], str(err)
        return answer, times_ms, str(err)
    return answer, times_ms, ""


def _judged(place: _Place, answer: Answer, times_ms: list[float]) -> Finding:
    p50_ms = statistics.median(times_ms)
    load = {kind: {"working": each.working, "waiting": each.waiting, "places": each.places} for kind, each in (answer.load or {}).items()}
    data = {
        "uri": answer.uri,
        "name": place.name or answer.uri,
        "kinds": kinds(answer.info),
        "p50_ms": round(p50_ms, 1),
        "worst_ms": round(max(times_ms), 1),
        "answered": len(times_ms),
        "asked": _TIMES,
        "load": load,
    }
    busy = "; ".join(f"{kind} works on {each.working} of {each.places}, {each.waiting} wait" for kind, each in (answer.load or {}).items())
    who = f"{place.name} at {answer.uri}" if place.name else answer.uri
    said = f"{who}: {summary(answer.info) or 'offers nothing'}; {p50_ms:.0f} ms" + (f"; {busy}" if busy else "")
    mend = f"`earshot check {answer.uri}`, and the log of that server"
    if len(times_ms) < _TIMES:
        return warning(f"{said}; answered {len(times_ms)} of {_TIMES} questions", mend, **data)
    if not kinds(answer.info):
        return warning(said, mend, **data)
    if p50_ms > _SLOW_MS:
        return warning(f"{said}: slow", f"{mend}; a cable instead of wireless; `ping` its machine", **data)
    if any(each.waiting for each in (answer.load or {}).values()):
        return note(f"{said}: requests wait there", "a second server of that kind is used by itself (docs/several-hosts.md)", **data)
    return ok(said, **data)
