"""What the status page shows, gathered over Wyoming from the servers themselves."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from wyoming.event import Event
from wyoming.info import Info

from ..shared.client import WyomingClient, describe_with_load
from ..shared.errors import AssistantError, PeerError
from ..shared.offers import programs
from ..shared.protocol import printable
from ..shared.tasks import TaskOwner

ANSWER_WITHIN_S = 2.0
_ENGINES_WITHIN_S = 3.0
_ENGINES_KEPT_S = 30.0  # finding them out reads folders
_STATUS_KEPT_S = 1.0  # many open pages ask the servers no oftener than this
_TURNS = "earshot-turns"
_MAX_TURNS = 200
_MAX_CHARS = 500


class EngineState(Protocol):
    """One engine on this machine, now."""

    kind: str
    name: str
    summary: str
    state: str
    """Whether it is used or ready, or what it lacks and the command that brings it."""
    licence: str


@dataclass(frozen=True)
class Program:
    """What one server runs for one kind."""

    name: str
    description: str
    version: str
    models: tuple[str, ...]
    """Models, voices or wake words, each with its languages; those not installed yet say so."""


@dataclass(frozen=True)
class ServiceStatus:
    """One kind of service and whether it answers."""

    kind: str
    uri: str
    ms: float | None
    """Milliseconds to its answer; None when there was none."""
    problem: str = ""
    """Why it is not well, for the owner; empty when it is."""
    programs: tuple[Program, ...] = ()


@dataclass(frozen=True)
class Turn:
    """One command."""

    at: float
    """Seconds since 1970 UTC."""
    ms: float | None
    """Milliseconds from sentence to answer; None when it failed."""
    handled: bool
    route: str
    tool: str
    intent: str
    language: str
    text: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Status:
    """Everything on the page."""

    at: float
    services: tuple[ServiceStatus, ...]
    engines: tuple[EngineState, ...] = ()
    engines_problem: str = ""
    turns: tuple[Turn, ...] = field(default=())
    words: bool = False
    """True when turns carry what was said."""

    @property
    def well(self) -> bool:
        """True when every service answers."""
        return all(not service.problem for service in self.services)


class StatusSource:
    """Asks the servers, each address once. Never fails: what cannot be found out is said in its place."""

    def __init__(self, uris: Mapping[str, str], engines: Callable[[], Sequence[EngineState]], words: bool) -> None:
        """uris: kind → where its server is reached. engines: lists them, blocking. words: whether to show what was said."""
        self._uris = dict(uris)
        self._engines = engines
        self._words = words
        self._owner = TaskOwner()
        self._lock = asyncio.Lock()
        self._status: Status | None = None
        self._asked = 0.0
        self._listing: asyncio.Task | None = None
        self._listed: tuple[float, tuple[EngineState, ...]] = (float("-inf"), ())

    async def status(self) -> Status:
        """The status, at most 1 s old. Takes a few seconds where a server does not answer."""
        async with self._lock:
            if self._status is None or time.monotonic() - self._asked > _STATUS_KEPT_S:
                self._status = await self._ask()
                self._asked = time.monotonic()
            return self._status

    async def close(self) -> None:
        """Ends what is under way."""
        await self._owner.close()

    async def _ask(self) -> Status:
        addresses = list(dict.fromkeys(self._uris.values()))
        answers, turns, (engines, problem) = await asyncio.gather(
            asyncio.gather(*(_describe(uri) for uri in addresses)), self._turns(), self._engine_states()
        )
        found = dict(zip(addresses, answers, strict=True))
        services = tuple(_service(kind, uri, found[uri]) for kind, uri in self._uris.items())
        return Status(time.time(), services, engines, problem, turns, self._words)

    async def _turns(self) -> tuple[Turn, ...]:
        """None where the intent server does not answer: that is shown among the services."""
        uri = self._uris.get("handle")
        if not uri:
            return ()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), await WyomingClient.connect(uri, ANSWER_WITHIN_S) as client:
                await client.send(Event(_TURNS))
                while (event := await client.receive(ANSWER_WITHIN_S)).type != _TURNS:
                    pass
        except (PeerError, TimeoutError):
            return ()
        listed = event.data.get("turns")
        listed = listed if isinstance(listed, list) else []
        return tuple(_turn(turn, self._words) for turn in listed[:_MAX_TURNS] if isinstance(turn, dict))

    async def _engine_states(self) -> tuple[tuple[EngineState, ...], str]:
        """The list, and what is wrong with it. It is found out on a thread, once at a time, and the last one is shown meanwhile."""
        at, engines = self._listed
        if time.monotonic() - at < _ENGINES_KEPT_S:
            return engines, ""
        if self._listing is None or self._listing.done():
            self._listing = self._owner.start(self._list_engines(), "list engines")
        await asyncio.wait([self._listing], timeout=_ENGINES_WITHIN_S)
        if not self._listing.done():
            return engines, "" if engines else "still being looked up; load the page again"
        if error := self._listing.exception():
            return engines, str(error) if isinstance(error, AssistantError) else "cannot be listed; the log says why"
        return self._listed[1], ""

    async def _list_engines(self) -> None:
        engines = tuple(await asyncio.to_thread(self._engines))
        self._listed = (time.monotonic(), engines)


@dataclass(frozen=True)
class _Answer:
    info: Info
    ms: float
    problems: Mapping[str, str]
    """Kind → why it can work on nothing; only kinds with a problem."""


async def _describe(uri: str) -> _Answer | str:
    """The answer, or why there is none."""
    begun = time.monotonic()
    try:
        info, load = await describe_with_load(uri, ANSWER_WITHIN_S)
    except PeerError as err:
        return str(err)
    problems = {kind: occupancy.problem for kind, occupancy in (load or {}).items() if occupancy.problem}
    return _Answer(info, (time.monotonic() - begun) * 1000, problems)


def _service(kind: str, uri: str, answer: _Answer | str) -> ServiceStatus:
    if isinstance(answer, str):
        return ServiceStatus(kind, uri, None, answer)
    info, ms = answer.info, answer.ms
    if kind == "satellite":
        if info.satellite is None or not info.satellite.installed:
            return ServiceStatus(kind, uri, ms, "answers, but is no satellite")
        return ServiceStatus(kind, uri, ms, programs=(_program(info.satellite),))
    offered = programs(info, kind) or (programs(info, "intent") if kind == "handle" else [])
    found = tuple(_program(program) for program in offered)
    problem = answer.problems.get(kind) or ("" if found else f"answers, but offers no {kind}")
    return ServiceStatus(kind, uri, ms, problem, found)


def _program(program: Any) -> Program:
    listed = getattr(program, "voices", None) or getattr(program, "models", None) or []
    text = printable(str(program.description or ""), _MAX_CHARS)
    return Program(
        printable(str(program.name), 80), text, printable(str(program.version or ""), 40), tuple(_model(model) for model in listed)
    )


def _model(model: Any) -> str:
    languages = ", ".join(str(language) for language in model.languages[:3]) + (" …" if len(model.languages) > 3 else "")
    named = printable(str(model.name), 80) + (f" ({printable(languages, 80)})" if languages else "")
    return named if model.installed else f"{named}, being fetched"


def _turn(data: Mapping[str, Any], words: bool) -> Turn:
    return Turn(
        at=_number(data.get("at")) or 0.0,
        ms=_number(data.get("ms")),
        handled=data.get("handled") is True,
        **{key: _text(data.get(key)) for key in ("route", "tool", "intent", "language")},
        **({key: _text(data.get(key)) for key in ("text", "answer")} if words else {}),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return printable(value, _MAX_CHARS) if isinstance(value, str) else ""
