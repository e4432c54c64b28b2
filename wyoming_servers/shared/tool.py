"""The plugin contract: what a tool is, and what it may use of the server it runs in. A plugin imports only this and `errors`."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from .devices import Devices, Entity, EntityState, Room
from .house import House
from .json_schema import json_schema
from .schema import option as argument
from .sqlite import open_tools_database as open_database
from .tasks import on_own_thread
from .way_out import Departure, Fetched, Http

__all__ = [
    "Ability",
    "Clock",
    "Departure",
    "Devices",
    "Endpoint",
    "Entity",
    "EntityState",
    "Fetched",
    "Home",
    "House",
    "Http",
    "NoOptions",
    "Phrases",
    "Room",
    "Satellite",
    "Tool",
    "ToolContext",
    "ToolResult",
    "Turn",
    "argument",
    "json_schema",
    "on_own_thread",
    "open_database",
]


class Clock(ABC):
    """The time, replaced in tests."""

    @property
    @abstractmethod
    def boot(self) -> str:
        """Names this start of the machine: `steady` counts on while it stays the same. Empty when the machine cannot tell."""

    @abstractmethod
    def now(self) -> float:
        """Wall clock, seconds since 1970 UTC. It may jump."""

    @abstractmethod
    def steady(self) -> float:
        """Seconds since some moment; never jumps, and counts while the machine sleeps where the system can tell."""

    @abstractmethod
    def local(self) -> datetime:
        """Wall clock in the house's time zone, aware."""

    @abstractmethod
    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Returns when `event` is set or `timeout_s` has passed."""


@dataclass(frozen=True)
class Satellite:
    """A loudspeaker and microphone somewhere in the house."""

    id: str
    """The same after every restart."""
    name: str = ""
    area: str = ""
    """The room it stands in; empty when it did not say."""
    language: str = ""
    """What announcements are spoken in there."""


class Phrases(ABC):
    """One tool's sentences in one language, from `responses.<tool>` of `intents/<language>/*.yaml`."""

    language: str
    """`en`."""

    @abstractmethod
    def say(self, key: str, **values: Any) -> str:
        """The sentence `key` with `{names}` filled in.

        Raises: KeyError for a sentence that is not there.
        """

    @abstractmethod
    def count(self, key: str, number: float | Decimal, **values: Any) -> str:
        """The sentence `key` about so many; `{n}` is the number unless given. It has the forms that the language tells apart by CLDR's
        plural rules, `{one: …, few: …, other: …}`, or is the same for every number. `1: …` is for exactly one, and so on."""

    @abstractmethod
    def number(self, value: float, decimals: int = 1, gender: str = "") -> str:
        """A number in words: `minus one point five`. Rounded to at most `decimals`.

        gender: `m` or `f`, of the noun that follows a whole number, where the language tells: `ein` Grad, `veintiún` grados.
        """

    @abstractmethod
    def spellings(self, number: int) -> Collection[str]:
        """All that a whole number is called, whatever its case and gender: `one`; `ein`, `eine`, `einem` …; empty where that is unknown."""

    @abstractmethod
    def items(self, key: str) -> list[str]:
        """A list of words, such as the names of the months, or the forms of a sentence; empty when there is none."""

    @abstractmethod
    def item(self, key: str, place: int) -> str:
        """One of a list of words that must be there, by its place: the name of a month, January's being 0.

        Raises: KeyError when there is none.
        """

    @abstractmethod
    def sentences(self, text: str) -> list[str]:
        """The sentences of a text in this language. Abbreviations and dates are kept whole."""

    @abstractmethod
    def join(self, parts: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""


@dataclass(frozen=True)
class Endpoint:
    """A server with OpenAI's chat API."""

    base_url: str = ""
    """`http://HOST:8080/v1`; empty when there is none."""
    key: str = field(default="", repr=False)
    """Sent as `Authorization: Bearer KEY`; empty when it wants none, or when it is in a file."""
    key_file: str = ""
    """Holds the key; empty when none does."""


@dataclass(frozen=True)
class Ability:
    """A tool that is on, for those who tell what can be done here."""

    tool: str
    """Its name."""
    description: str
    """Its own line, in English."""
    phrases: Phrases
    """Its sentences. `help` is a list: what it can do, and sentences one may say to it."""


class Home(ABC):
    """What the server gives every tool."""

    clock: Clock
    http: Http
    house: House
    """The names of the house, as they are now."""
    devices: Devices | None = None
    """The devices of the house; None where no Home Assistant is set up."""
    shared: dict[str, Any]
    """What tools that belong together have in common, by a key of theirs; one for all tools of the server."""
    endpoint: Endpoint = Endpoint()
    """Where the house's language model answers."""
    database: Path
    """SQLite file for what must survive a crash. A tool makes its own tables there and its own connection; blocking work off the loop."""

    @abstractmethod
    def phrases(self, language: str) -> Phrases:
        """This tool's sentences in `language`; in the house's language when it has none in that one."""

    async def abilities(self, language: str) -> Sequence[Ability]:
        """The tools that are on and speak this language, by name. Waits until all have started: not to be called from `start`."""
        return ()

    @abstractmethod
    def satellites(self) -> Sequence[Satellite]:
        """Those with an open link."""

    @abstractmethod
    def announce(self, satellite_id: str, event_type: str, data: Mapping[str, Any], *, asks: bool = False) -> bool:
        """Sends an event down a satellite's link without waiting; False when it has none. Arrival is known only from its answer.

        asks: True for an event that only asks how something is there, which a call that only tells may send.
        """


@dataclass(frozen=True)
class Turn:
    """One earlier exchange of the same conversation."""

    text: str
    """What was asked."""
    answer: str
    """What was said."""
    intent: str | None
    """What was understood."""
    slots: Mapping[str, Any]
    tool: str | None


@dataclass(frozen=True)
class ToolContext:
    """Who asks, where, and in which language."""

    language: str
    """`en`."""
    phrases: Phrases
    """The tool's sentences in that language."""
    satellite_id: str = ""
    """Empty when the request came from no satellite."""
    area: str = ""
    """The room it came from; empty when unknown."""
    conversation_id: str = ""
    history: tuple[Turn, ...] = ()
    """Earlier turns, oldest first."""


@dataclass(frozen=True)
class ToolResult:
    """What a tool has to say."""

    speech: str
    """A finished sentence in the user's language; empty when nothing is to be said."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON for callers that want more than the sentence."""
    ask: str = ""
    """Set when `speech` is a question: the argument that the next utterance of the conversation is to fill. Sentences that fill it have
    `requires_context: {asked: <argument>}`; what was said before counts on for all other arguments."""
    undo: Mapping[str, Any] | None = None
    """Arguments with which a call of the same tool takes back what was done; None when it cannot be taken back, empty when a tool that
    changes things has only told something."""


@dataclass(frozen=True)
class NoArgs:
    """For tools that take no arguments."""


@dataclass(frozen=True)
class NoOptions:
    """For tools without options."""


class Tool(ABC):
    """Answers or does one kind of thing. Made once per server; its coroutines run on the server's loop and must not block it."""

    name: ClassVar[str]
    """Lower case, without spaces; also the name of its settings and its sentences."""
    description: ClassVar[str]
    """One line: what it does, for a model and for people."""
    Args: ClassVar[type] = NoArgs
    """A frozen dataclass whose fields are made with `argument(default, doc, …)`."""
    Options: ClassVar[type] = NoOptions
    """A frozen dataclass of the owner's settings for it, made like Args."""
    intents: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Which intents of the sentence templates it answers, each with arguments it stands for; an intent's slots fill arguments of the
    same names."""
    events: ClassVar[frozenset[str]] = frozenset()
    """Event types from satellites' links that it wants."""
    needs: ClassVar[str] = ""
    """What it cannot work without besides the server, in a few words: `the internet`, `a camera`. Empty when nothing."""
    languages: ClassVar[frozenset[str] | None] = None
    """What it speaks; None means every language that has sentences for it."""
    deadline_s: ClassVar[float] = 3.0
    """A call is given up after this long."""
    changes: ClassVar[bool] = False
    """True when a call changes something in the world: then it happens once, after the turn is certain."""
    only_tells: ClassVar[Mapping[str, Collection[Any]]] = {}
    """Of a tool with `changes`, which calls change nothing: by argument its values in them, `{"action": {"status"}}`; with several
    arguments, each must have one of its values. They may be made before the turn is certain, more than once, or for nothing; one that
    wants to change something all the same is kept from it."""
    offered: ClassVar[bool] = True
    """Whether a language model may call it."""
    hidden: ClassVar[frozenset[str]] = frozenset()
    """Arguments that no language model is shown, since only templates and undo fill them: each costs its reading time."""
    final: ClassVar[bool] = True
    """True when its sentence is the answer; False when a language model is to make its own of it."""

    def __init__(self, options: Any, home: Home) -> None:
        self.options = options
        self.home = home

    def changes_by(self, args: Any) -> bool:
        """Whether a call with these arguments, a checked instance of Args, may change something."""
        if not (self.changes and self.only_tells):
            return self.changes
        return not all(getattr(args, name) in values for name, values in self.only_tells.items())

    @property
    def able(self) -> bool:
        """Whether it has what it needs to do its work; one that has not is not named when somebody asks what can be done."""
        return True

    async def start(self) -> None:
        """Opens what it needs, before the first call.

        Raises: ToolError when it can never work; the server then goes on without it.
        """

    async def stop(self) -> None:
        """Closes what `start` opened."""

    @abstractmethod
    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Does it. `args` is a checked instance of Args.

        Raises: ToolError whose text is a finished sentence.
        """

    def greeting(self, satellite: Satellite) -> Mapping[str, Any]:
        """What a satellite is told when its link opens, from memory."""
        return {}

    async def joined(self, satellite: Satellite) -> None:
        """A satellite's link is open, its greeting sent."""

    async def satellite_event(self, satellite: Satellite, event_type: str, data: Mapping[str, Any]) -> None:
        """One of `events` came from a satellite.

        Raises: InvalidRequestError.
        """
