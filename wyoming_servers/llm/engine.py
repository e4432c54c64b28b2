"""What a language model is to the rest: messages and tools in, text and calls out, as they come into being."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class ToolCall:
    """A tool the model wants called."""

    id: str
    """The model's own, or empty."""
    name: str
    arguments: str
    """As the model wrote them: JSON, if all went well."""


@dataclass(frozen=True)
class Message:
    """One turn of what the model is shown."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message."""
    call_id: str = ""
    """Of a tool's message: which call it answers."""


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model sees it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of an object."""


@dataclass(frozen=True)
class TextDelta:
    """A fragment of what the model says to the user; its thoughts are not among it."""

    text: str


@dataclass(frozen=True)
class Usage:
    """Tokens of one or more requests."""

    prompt: int = 0
    cached: int = 0
    """Of the prompt's, those the server had ready."""
    generated: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt + other.prompt, self.cached + other.cached, self.generated + other.generated)


@dataclass(frozen=True)
class Done:
    """The model has ended."""

    reason: str
    """`stop`, `tool_calls`, `length` (cut off), or what else the server says."""
    usage: Usage = Usage()
    thought: bool = False
    """True when it sent thoughts besides, or instead of, an answer."""


Item = TextDelta | ToolCall | Done


@dataclass(frozen=True)
class Offer:
    """What the endpoint has."""

    model: str
    """The one that is asked."""
    models: tuple[str, ...] = ()
    """All it lists."""
    context_tokens: int = 0
    """How much it can read at once; 0 when it does not tell."""


class LlmEngine(ABC):
    """An asynchronous client of one endpoint; any number of requests at a time. Its constructor blocks (it imports a library)."""

    Options: type
    model: str = ""
    """The one that is asked; empty while that is not known."""

    @classmethod
    @abstractmethod
    def check(cls, options: Any) -> None:
        """Cheap, without the library.

        Raises: SettingsError for an address, a key or a field that cannot be used.
        """

    @abstractmethod
    async def probe(self) -> Offer:
        """Asks the endpoint what it has, and takes its model from now on.

        Raises: PeerUnreachableError, DeadlineError, RefusedError, BusyError, EngineError.
        """

    @abstractmethod
    def chat(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int = 0, first_s: float = 0.0, total_s: float = 0.0
    ) -> AsyncGenerator[Item, None]:
        """One answer, as it comes; the last item is Done. Closing the generator hangs up, which ends the work at the server.

        first_s: seconds until the first word; total_s: until the last. 0 is as the settings say, for all three.
        Raises: as `probe`; what came before may be used.
        """

    @abstractmethod
    async def close(self) -> None:
        """Hangs up."""
