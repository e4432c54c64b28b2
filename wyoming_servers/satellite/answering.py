"""The second request of a turn: from the transcript to the answer, handed on while it is written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, NotHandled

from ..shared.client import WyomingClient
from ..shared.errors import PeerError
from .peers import Attempts, Peers
from .wording import LONGEST_CHARS, Wording


@dataclass(frozen=True)
class Answer:
    """What the intent server says to a transcript."""

    text: str
    """To be spoken; empty for nothing."""
    handled: bool
    """False when it did not understand or could not do it."""
    intent: str | None = None
    slots: dict[str, Any] = field(default_factory=dict)
    route: str | None = None
    """How it was understood: `template`, `llm` …; None when the peer does not tell."""
    tool: str | None = None
    """Who answered."""
    ask: str | None = None
    """What the answer asks for; None when it is no question."""
    llm: dict[str, Any] = field(default_factory=dict)
    """What a language model did for it: model, tokens, milliseconds to the first words."""


async def handle(peers: Peers, request: Transcript, limit_s: float, wording: Wording, done: Callable[[Answer], None]) -> None:
    """Has a transcript answered. A sentence that may have been acted on is not sent a second time.

    limit_s: until the answer, or its first piece, and for each further one. wording: gets the pieces as they come. done: called with the
    answer the moment it is there, so that one that came in a single segment is complete before anybody has read its first piece.
    Raises: PeerError, DeadlineError.
    """
    attempts = Attempts(peers, "handle")
    sent = False
    try:
        async with asyncio.timeout(limit_s) as clock:
            while True:
                try:
                    async with attempts.connection() as client:
                        sent = True
                        await client.send(request.event())
                        done(await _answer(client, wording, clock, limit_s))
                        return
                except PeerError as err:
                    await attempts.failed(err, may_repeat=not sent)
    except TimeoutError:
        raise attempts.too_slow(limit_s) from None


async def _answer(client: WyomingClient, wording: Wording, clock: asyncio.Timeout, limit_s: float) -> Answer:
    while True:
        event = await client.receive(None)
        if HandledStart.is_type(event.type) or HandledChunk.is_type(event.type):
            clock.reschedule(asyncio.get_running_loop().time() + limit_s)
            wording.append(_text(event) if HandledChunk.is_type(event.type) else "")
            if len(wording.text) > LONGEST_CHARS:
                raise PeerError(f"{client.uri} writes an answer without end: {LONGEST_CHARS} characters so far")
        if Handled.is_type(event.type) or NotHandled.is_type(event.type):
            told = _object(_object(event.data, "context"), "earshot")
            return Answer(
                text=_text(event).strip(),
                handled=Handled.is_type(event.type),
                intent=_name(told, "intent"),
                slots=_object(told, "slots"),
                route=_name(told, "route"),
                tool=_name(told, "tool"),
                ask=_name(told, "ask"),
                llm=_object(_object(told, "data"), "llm"),
            )


def _object(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _name(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _text(event: Event) -> str:
    text = event.data.get("text")
    return text if isinstance(text, str) else ""
