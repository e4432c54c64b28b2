"""The last commands, for the status page: when, how long, which tool; the words only where the owner wants to see them."""

from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from wyoming.event import Event

from ..shared.errors import AssistantError
from ..shared.settings import WebSection
from .exchange import Answer, Request

TURNS = "earshot-turns"
"""Asks for them, and answers: `{"turns": […]}`, the newest first."""


class Turns:
    """Kept in memory, and only where there is a status page."""

    def __init__(self, web: WebSection, now: Callable[[], float]) -> None:
        """now: seconds since 1970 UTC."""
        self._kept: deque[dict[str, Any]] = deque(maxlen=web.turns if web.uri else 0)
        self._words = web.words
        self._now = now

    def answered(self, request: Request, answer: Answer) -> None:
        """Remembers how a sentence was answered."""
        first = answer.steps[0]
        turn = {"ms": answer.ms, "handled": answer.handled, "route": first.route, "tool": first.tool, "intent": first.intent}
        self._keep(request, turn, answer.text)

    def failed(self, request: Request, error: AssistantError) -> None:
        """Remembers that a sentence got an error for an answer."""
        self._keep(request, {"ms": None, "handled": False, "route": error.code, "tool": None, "intent": None}, str(error))

    def event(self) -> Event:
        """All that are remembered."""
        return Event(TURNS, {"turns": list(self._kept)})

    def _keep(self, request: Request, turn: dict[str, Any], answer: str) -> None:
        turn |= {"at": self._now(), "language": request.language}
        if self._words:
            turn |= {"text": request.text, "answer": answer}
        self._kept.appendleft(turn)


def on_this_machine(peer: str) -> bool:
    """Whether a peer of this name (`HOST:PORT`, `[HOST]:PORT`, `unix`) is a process of this machine; others are told no turns."""
    if peer == "unix":
        return True
    try:
        return ip_address(peer.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False
