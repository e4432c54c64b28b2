"""What all stand-in engines share: how quick they are, what is said and answered, and the log of what they did."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from wyoming.info import Attribution

from wyoming_servers.shared.service import Peer, Service, Session
from wyoming_servers.shared.tasks import TaskOwner

from .profile import Profile
from .spoken import Saying

WAKE_SOUND = 255
"""The number of the wake word's sound."""
SPEECH_PER_TOKEN_S = 0.3
"""A word is a token here, and is spoken in this time."""
ARTIFACT: Mapping[str, Any] = {"attribution": Attribution("bench", ""), "installed": True, "description": "", "version": "1"}
_LETTERS = "abcdefghij"
_OPEN_ENDS = frozenset({"a", "and", "at", "for", "from", "if", "in", "is", "of", "on", "or", "so", "the", "to", "um", "why", "with"})


@dataclass(frozen=True)
class Answer:
    """What the house answers to one text."""

    text: str
    by: str = "intent"
    """intent: a template; llm: a model writes it; tool: a model calls a tool whose sentence it is."""
    changes: bool = False
    """True when it changes the world, which waits for the commit."""
    prospect: str = "complete"
    """Its class in `earshot-prospect`."""


@dataclass
class Busy:
    """One piece of work of one engine, in loop time."""

    kind: str
    """asr, intent, llm or tts."""
    what: str
    begin: float
    first: float = 0.0
    """When it gave the first that others can go on with: a clause of a model, a piece of a voice's sound; 0 while it has given none."""
    end: float = 0.0
    used: bool = False
    """False when it was given up."""


@dataclass
class House:
    """One set of engines."""

    profile: Profile
    sayings: Mapping[int, Saying]
    answers: Mapping[str, Answer]
    prospects: Mapping[str, str] = field(default_factory=dict)
    """The class of beginnings of what is answered; by default `prefix` for commands, and what they end with for questions to a model."""
    faults: dict[str, str] = field(default_factory=dict)
    """What is wrong, by engine. asr: dies (hangs up on a request), hangs, or understands nothing; llm: dies, hangs, or stalls after its
    first clause; tts: is silent, hangs, or stalls after its first piece."""
    knows_satellites: bool = False
    """True when its intent server has links to satellites, as ours has; stock ones have none."""
    never_repeats: bool = False
    """True when no answer is given twice, so that a voice is asked for each."""
    work: list[Busy] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    """Texts that changed the world, in order."""
    given: int = 0
    """How many answers there were so far where none is repeated."""
    spoken: dict[int, str] = field(default_factory=dict)
    """Texts by the number of their sound."""

    @asynccontextmanager
    async def busy(self, kind: str, what: str) -> AsyncIterator[Busy]:
        """Logs work from begin to end."""
        now = asyncio.get_running_loop().time
        work = Busy(kind, what, now())
        self.work.append(work)
        try:
            yield work
            work.used = True
        finally:
            work.end = now()
            work.first = work.first or work.end

    def answer(self, text: str) -> Answer | None:
        """What is answered; in a house that never repeats itself with one more word, another one each time."""
        answer = self.answers.get(text)
        if answer and self.never_repeats:
            self.given += 1
            word = "".join(_LETTERS[int(digit)] for digit in f"{self.given:03}")
            return replace(answer, text=f"{answer.text[:-1]} {word}.")
        return answer

    def prospect(self, text: str) -> str:
        """How a text could go on: complete, extendable, prefix, sentence or unfinished."""
        if text in self.answers:
            return self.answers[text].prospect
        if text in self.prospects:
            return self.prospects[text]
        if any(whole.startswith(f"{text} ") and answer.by == "intent" for whole, answer in self.answers.items()):
            return "prefix"
        return "unfinished" if text.rpartition(" ")[2] in _OPEN_ENDS else "sentence"


class StandIn(Service):
    """A server with so many engines; `jobs` outlive the connections that asked for them where an engine cannot be stopped."""

    def __init__(self, house: House, slots: int = 1) -> None:
        self.house = house
        self.slots = asyncio.Semaphore(slots)
        self.jobs = TaskOwner()

    async def stop(self) -> None:
        await self.jobs.close()


class StandInSession(Session):
    """Answers in a task of its own, so that a further event is taken at once."""

    def __init__(self, service: StandIn, peer: Peer) -> None:
        self.service = service
        self.house = service.house
        self.peer = peer
        self._owner = TaskOwner()
        self._waiting = 0

    @property
    def busy(self) -> bool:
        return self._waiting > 0

    def answer(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task:
        """Starts the work that answers a request."""
        self._waiting += 1
        return self._owner.start(self._answer(work), name)

    async def _answer(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as err:
            self.peer.fail(err)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        await self._owner.close()
