"""The second request of a turn: from the transcript to the answer, handed on while it is written."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, NotHandled

from ..shared.client import WyomingClient
from ..shared.errors import PeerBusyError, PeerError, PeerUnreachableError
from ..shared.patience import Prospect, prospect_of
from ..shared.tasks import cancel
from .peers import Attempts, Peers
from .wording import LONGEST_CHARS, Wording

PROVISIONAL = "earshot-provisional"
"""What may be all that the user says: the server prepares its answer, and does nothing."""
PROSPECT = "earshot-prospect"
"""Its reply: what may still follow."""
WAITING = "earshot-waiting"
"""It has done all that it may do before the transcript, which it waits for."""


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


class Door(Protocol):
    """Says when a transcript may be acted on."""

    def may_act(self) -> bool:
        """True when it may be acted on now, which is said once."""

    def not_done(self) -> None:
        """What was allowed was refused, and is to be asked for anew."""

    async def opened(self) -> None:
        """Waits until it may be acted on."""

    async def settled(self) -> None:
        """Waits until that will not be taken back any more."""

    def waited_for(self) -> None:
        """The server can do no more before it is acted on."""

    def may_ask(self, uri: str) -> bool:
        """True when this server may be told of it before, as `earshot-provisional`."""

    async def judged(self, uri: str, prospect: Prospect | None) -> None:
        """What the server says of what may still follow."""

    def lost(self, uri: str) -> None:
        """The server failed after it was told of it before."""


class ProvisionalLostError(PeerError):
    """The intent server failed before anything was to be done. What it has said until then is void; it is asked anew."""

    code = "provisional-lost"


async def handle(peers: Peers, request: Transcript, limit_s: float, wording: Wording, done: Callable[[Answer], None], door: Door) -> None:
    """Has a transcript answered once the door is open. A sentence that may have been acted on is not sent a second time.

    limit_s: from then until the answer, or its first piece, and for each further one. wording: gets the pieces as they come, perhaps
    before the door opens. done: called with the answer the moment it is there, so that one that came in a single segment is complete
    before anybody has read its first piece.
    Raises: PeerError, DeadlineError; ProvisionalLostError.
    """
    attempts = Attempts(peers, "handle")
    try:
        async with asyncio.timeout(None) as clock, _counting_from_the_opening(door, clock, limit_s):
            while True:
                inquiry = None
                try:
                    async with attempts.connection() as client:
                        inquiry = _Inquiry(client, request, door)
                        await inquiry.run(wording, clock, limit_s, done)
                        return
                except PeerError as err:
                    if inquiry and inquiry.provisional and not inquiry.sent:
                        door.lost(client.uri)
                        raise ProvisionalLostError(str(err)) from err
                    if inquiry and inquiry.sent and isinstance(err, PeerBusyError):
                        if wording.text:  # the beginning may have been heard: it is not said again
                            raise
                        door.not_done()
                    await attempts.failed(err, may_repeat=inquiry is None or not inquiry.sent)
    except TimeoutError:
        raise attempts.too_slow(limit_s) from None


@asynccontextmanager
async def _counting_from_the_opening(door: Door, clock: asyncio.Timeout, limit_s: float) -> AsyncIterator[None]:
    async def start_the_clock() -> None:
        await door.opened()
        clock.reschedule(asyncio.get_running_loop().time() + limit_s)

    waiting = asyncio.create_task(start_the_clock(), name="deadline of the answer")
    try:
        yield
    finally:
        await cancel(waiting)


class _Inquiry:
    """One connection's worth of asking."""

    def __init__(self, client: WyomingClient, request: Transcript, door: Door) -> None:
        self._client = client
        self._request = request.event()
        self._door = door
        self.provisional = False
        """True once the server was asked before the door was open."""
        self.sent = False
        """True once the server may have acted."""
        self._holds = False

    async def run(self, wording: Wording, clock: asyncio.Timeout, limit_s: float, done: Callable[[Answer], None]) -> None:
        client, door = self._client, self._door
        asking = asyncio.create_task(self._ask(), name="transcript to the intent server")
        try:
            while True:
                event = await client.receive(None)
                if event.type == PROSPECT:
                    self._holds = event.data.get("waiting") is False
                    await door.judged(client.uri, prospect_of(event.data.get("class")))
                elif event.type == WAITING:
                    door.waited_for()
                elif HandledStart.is_type(event.type) or HandledChunk.is_type(event.type):
                    if clock.when() is not None:
                        clock.reschedule(asyncio.get_running_loop().time() + limit_s)
                    wording.append(_text(event) if HandledChunk.is_type(event.type) else "")
                    if len(wording.text) > LONGEST_CHARS:
                        raise PeerError(f"{client.uri} writes an answer without end: {LONGEST_CHARS} characters so far")
                elif self.sent and (Handled.is_type(event.type) or NotHandled.is_type(event.type)):
                    done(_answer(event))
                    return
        finally:
            await cancel(asking)

    async def _ask(self) -> None:
        with contextlib.suppress(PeerUnreachableError):  # whoever reads notices as well
            if self._door.may_ask(self._client.uri):
                self.provisional = True
                await self._client.send(Event(PROVISIONAL, self._request.data | {"holds": True}))
            await self._door.opened()
            if self._holds:  # as long as the server can go on without it, the transcript would be a promise for nothing
                await self._door.settled()
            if self._door.may_act():
                self.sent = True
                await self._client.send(self._request)


def _answer(event: Event) -> Answer:
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
