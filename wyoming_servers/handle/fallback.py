"""The seam behind the sentence templates: who answers what no template fits, and what it may do in this house.

`agent.open_agent(settings, hands, gate)` makes the one the settings ask for, or None.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from ..shared.tool import Tool, Turn
from .exchange import Request, Step

Piece = str | Step
"""A fragment of the answer to be spoken as soon as it is there, or what became of it."""


class Hands(ABC):
    """The tools of the server, for whoever answers in place of the templates."""

    @abstractmethod
    def tools(self) -> Sequence[Tool]:
        """Those that have started and that a language model may call, by name; the same order every time."""

    @abstractmethod
    async def call(self, tool: str, arguments: Mapping[str, Any], request: Request, language: str, *, route: str, why: str) -> Step:
        """Calls a tool in the user's language, within the tool's own deadline.

        A call that fails has its spoken outcome in the Step, which is then not `handled`. The Step has the intent that means the same,
        the slots, the tool's question (`ask`) and how it is taken back (`undo`): yield it, and questions, follow-ups and undo work.
        Raises: UnknownNameError for a tool that is not there; InvalidRequestError for arguments it does not take (the text says which).
        """

    @abstractmethod
    async def sentence(self, key: str, language: str) -> str:
        """A sentence of `responses.common`, such as `unknown`, `failed`, `too_slow`, in the user's language."""


class Fallback(ABC):
    """Answers what no template fits. One per server; any number of requests at a time."""

    async def start(self) -> None:
        """Opens what it needs and warms up; called once, in a task of its own, after the tools have started. Must end when cancelled."""

    async def stop(self) -> None:
        """Closes what `start` opened; also called when that was cancelled."""

    @abstractmethod
    def answer(self, request: Request, history: tuple[Turn, ...], language: str) -> AsyncIterator[Piece]:
        """An answer while it comes into being: an async generator (`async def` with `yield`).

        Fragments that follow each other join to the text without anything between them: blanks are the generator's. Then comes the Step:
        when fragments preceded it, they are its text, whatever `step.text` says; else `step.text` is spoken. Several fragment–Step groups
        may follow each other (several calls); the last Piece is a Step. `history` has template turns and its own, oldest first, without
        this request; the router remembers the steps.

        It keeps its own deadlines; the router has none for it. The generator is closed (`aclose`, or cancelled) when the client hangs up.
        An AssistantError before the first fragment becomes a spoken apology; afterwards the answer ends there.
        """
