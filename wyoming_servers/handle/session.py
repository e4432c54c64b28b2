"""One connection to the intent server: sentences, answers as they come, and the link of a satellite."""

import asyncio
import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled
from wyoming.intent import Entity, Intent, IntentsStart, IntentsStop, NotRecognized

from ..shared.errors import AssistantError, InvalidRequestError
from ..shared.patience import Prospect
from ..shared.protocol import encode_event
from ..shared.service import Peer, Session
from ..shared.tasks import cancel
from .commit import Commit
from .exchange import Answer, Request, Step
from .links import Links, satellite_from
from .router import Router
from .toolbox import Toolbox
from .turns import TURNS, Turns, on_this_machine
from .wakes import WOKEN, Wakes

_LOGGER = logging.getLogger(__name__)
SUBSCRIBE = "earshot-subscribe"
SPOKEN = "earshot-spoken"
PROVISIONAL = "earshot-provisional"
"""What may be all that the user says; a `transcript` with the same content makes it certain."""
PROSPECT = "earshot-prospect"
"""What may still follow it."""
WAITING = "earshot-waiting"
"""All that may be done before the sentence is certain has been done: told to those who hold the `transcript` back until then."""
_TO_BE_CONTINUED = frozenset({Prospect.PREFIX, Prospect.UNFINISHED})
_MAX_ID_CHARS = 200
_HOME_ASSISTANTS_ID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
"""A ULID: Home Assistant numbers its conversations with them, nobody else does."""


class Serving(Protocol):
    """What a connection needs of its server."""

    router: Router
    toolbox: Toolbox
    links: Links
    turns: Turns
    wakes: Wakes

    async def ready(self) -> None:
        """Waits until the tools have started."""


class HandleSession(Session):
    """One connection: any number of sentences, one after the other, and perhaps a link."""

    busy = False  # every event is a whole request

    def __init__(self, service: Serving, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._prepared: _Prepared | None = None

    async def handle(self, event: Event) -> None:
        """Takes one event."""
        data = event.data or {}
        if event.type == "transcript":
            await self._transcript(data)
        elif event.type == PROVISIONAL:
            await self._provisional(data)
        elif event.type == "recognize":
            await self._send(_intent_events(await self._service.router.recognize(self._request(data))))
        elif event.type == TURNS:
            if not on_this_machine(self._peer.name):
                raise InvalidRequestError("the last commands are told to processes of the same machine only")
            await self._peer.send(self._service.turns.event())
        else:
            await self._link_event(event.type, data)

    async def close(self) -> None:
        """Closes the link, if it was one. What was only prepared was never asked."""
        await self._drop()
        self._service.links.leave(self._peer)

    async def _provisional(self, data: Mapping[str, Any]) -> None:
        """Begins to work; the connection reads on meanwhile. What was prepared before is given up."""
        await self._drop()
        waiting = Event(WAITING, {"text": data.get("text")})
        holds = data.get("holds") is True
        commit = Commit(given=False, awaited=(lambda: self._peer.send_soon(encode_event(waiting))) if holds else None)
        request = replace(self._request(data), commit=commit)
        work = self._prepare(request, {"waiting": False} if holds else {})
        task = asyncio.create_task(work, name=f"prepare an answer for {self._peer.name}")
        self._prepared = _Prepared(_content(data), request.commit, task)

    async def _prepare(self, request: Request, promise: dict[str, Any]) -> None:
        prospect = await self._service.router.prospect(request)
        await self._peer.send(Event(PROSPECT, {"class": str(prospect), "text": request.text} | promise))
        if prospect in _TO_BE_CONTINUED:
            await request.commit.given()
        await self._answer(request)

    async def _transcript(self, data: Mapping[str, Any]) -> None:
        """Goes on with what was prepared for the same content."""
        if self._prepared and self._prepared.content == _content(data):
            self._prepared.commit.give()
            await self._prepared.task
            self._prepared = None
        else:
            await self._drop()
            await self._answer(self._request(data))

    async def _drop(self) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared:
            await cancel(prepared.task)

    async def _answer(self, request: Request) -> None:
        """What comes slowly is sent as it comes, and so is what comes before the sentence is certain; everything else in one piece."""
        fragments: list[str] = []

        async def speak(fragment: str) -> None:
            if not fragments:
                slowly = {"earshot": {"route": "llm"}} if request.commit.is_given else {}
                start = HandledStart(context={"conversation_id": request.conversation_id, **slowly})
                self._peer.send_soon(encode_event(start.event()))
            fragments.append(fragment)
            await self._peer.send(HandledChunk(text=fragment).event())

        try:
            answer = await self._service.router.answer(request, speak)
        except AssistantError as err:
            await request.commit.given()
            self._service.turns.failed(request, err)
            raise
        await request.commit.given()
        self._service.turns.answered(request, answer)
        if fragments:
            whole = Handled(text="".join(fragments).strip(), context=answer.context())
            await self._send([whole.event(), HandledStop().event()])
        else:
            await self._send(_answer_events(answer))

    async def _link_event(self, event_type: str, data: Mapping[str, Any]) -> None:
        links, toolbox = self._service.links, self._service.toolbox
        if event_type == SUBSCRIBE:
            satellite = satellite_from(data)
            await self._service.ready()
            links.leave(self._peer)
            links.join(satellite, self._peer, toolbox.greeting(satellite))
            await toolbox.joined(satellite)
        elif event_type == SPOKEN:
            self._cut_off(data)
        elif not (satellite := links.of(self._peer)):
            _LOGGER.debug("%s sent %r without a link", self._peer.name, event_type)
        elif event_type == WOKEN:
            self._service.wakes.add(satellite.id, Event(event_type, dict(data)))
        else:
            await toolbox.satellite_event(satellite, event_type, data)

    def _cut_off(self, data: Mapping[str, Any]) -> None:
        """An answer was broken off: the conversation goes on from what was heard of it."""
        conversation_id, asked, heard = _id(data, "conversation_id"), data.get("transcript"), data.get("text")
        if conversation_id and isinstance(asked, str) and asked and isinstance(heard, str):
            self._service.router.cut_off(conversation_id, asked, heard)

    def _request(self, data: Mapping[str, Any]) -> Request:
        """Everything but the text may be missing or of a type we do not know.

        Raises: InvalidRequestError.
        """
        text = data.get("text")
        if not isinstance(text, str):
            raise InvalidRequestError("a sentence must come as text")
        context = data.get("context")
        context = context if isinstance(context, dict) else {}
        asker = _id(context, "satellite_id") or _id(context, "device_id")
        links = self._service.links
        satellite_id = links.known_as(asker)
        satellite = links.get(satellite_id)
        return Request(
            text=text,
            language=_id(data, "language") or _id(context, "language"),
            conversation_id=_id(context, "conversation_id") or uuid.uuid4().hex,
            satellite_id=satellite_id,
            area=_id(context, "area") or (satellite.area if satellite else ""),
            home_assistant=links.get(asker) is None and bool(_HOME_ASSISTANTS_ID.fullmatch(_id(context, "conversation_id"))),
        )

    async def _send(self, events: Sequence[Event]) -> None:
        """All in one piece: whoever reads the first knows at once that the answer is complete."""
        await self._peer.send_bytes(b"".join(encode_event(event) for event in events))


@dataclass(frozen=True)
class _Prepared:
    """An answer that is being worked out before it is certain that it is wanted."""

    content: tuple[Any, ...]
    commit: Commit
    task: asyncio.Task[None]


def _content(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """What two events must have in common to mean the same: all but the number of the attempt."""
    context = data.get("context")
    about = {key: value for key, value in context.items() if key not in ("turn", "revision")} if isinstance(context, dict) else {}
    return data.get("text"), data.get("language"), about


def _id(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value[:_MAX_ID_CHARS] if isinstance(value, str) else ""


def _answer_events(answer: Answer) -> list[Event]:
    context = answer.context()
    if any(step.hand_over is not None for step in answer.steps):
        return _in_brackets([_intent_to_do(step, context).event() for step in answer.steps], context)
    if not answer.handled:
        return [NotHandled(text=answer.text, context=context).event()]
    handled = Handled(text=answer.text, context=context).event()
    if not answer.text:
        return [handled]
    return [HandledStart(context=context).event(), HandledChunk(text=answer.text).event(), handled, HandledStop().event()]


def _intent_events(answer: Answer) -> list[Event]:
    context = answer.context()
    if not answer.handled:
        return [NotRecognized(text=answer.text, context=context).event()]
    return _in_brackets([_intent(step, context).event() for step in answer.steps], context)


def _in_brackets(intents: list[Event], context: dict[str, Any]) -> list[Event]:
    if len(intents) == 1:
        return intents
    return [IntentsStart(context=context).event(), *intents, IntentsStop(context=context).event()]


def _intent_to_do(step: Step, context: dict[str, Any]) -> Intent:
    """What Home Assistant is to do; of what was done here already it only tells."""
    if step.hand_over is None:
        return Intent(name="HassRespond", entities=[Entity(name="response", value=step.text)], context=context)
    return replace(_intent(step, context), text=step.hand_over or None)


def _intent(step: Step, context: dict[str, Any]) -> Intent:
    entities = [Entity(name=name, value=value) for name, value in step.slots.items()]
    return Intent(name=str(step.intent), entities=entities, context=context)
