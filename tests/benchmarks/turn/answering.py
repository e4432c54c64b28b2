"""An intent server with templates, and a language model that writes as quickly as a profile says. It takes provisional transcripts."""

import asyncio
from collections.abc import Sequence

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop
from wyoming.info import Artifact, HandleModel, HandleProgram

from wyoming_servers.handle.commit import Commit
from wyoming_servers.handle.links import Links, satellite_from
from wyoming_servers.handle.session import PROSPECT, PROVISIONAL, SUBSCRIBE, WAITING
from wyoming_servers.handle.wakes import WOKEN, Wakes
from wyoming_servers.shared.protocol import encode_event
from wyoming_servers.shared.sentences import Splitter
from wyoming_servers.shared.service import Peer, Session

from .house import ARTIFACT, Answer, Busy, House, StandIn, StandInSession


class HandleStandIn(StandIn):
    """What changes nothing is streamed at once; what changes something, and the end of every answer, waits for the commit.

    In a house that knows its satellites it says, with our own server's rules, who answers when several have heard a wake word.
    """

    kind = "handle"

    def __init__(self, house: House, slots: int = 1) -> None:
        super().__init__(house, slots)
        self.events = frozenset({"transcript", PROVISIONAL, *((SUBSCRIBE, WOKEN) if house.knows_satellites else ())})
        self.links = Links()
        self.wakes = Wakes(self.links.send, asyncio.get_running_loop().time)

    def programs(self) -> Sequence[Artifact]:
        model = HandleModel(name="bench", languages=["en"], **ARTIFACT)
        return [HandleProgram(name="bench", models=[model], supports_handled_streaming=True, **ARTIFACT)]

    def session(self, peer: Peer) -> Session:
        return _HandleSession(self, peer)


class _HandleSession(StandInSession):
    def __init__(self, service: HandleStandIn, peer: Peer) -> None:
        super().__init__(service, peer)
        self._text: str | None = None
        self._work: asyncio.Task | None = None
        self._commit = Commit()

    async def handle(self, event: Event) -> None:
        if event.type in (SUBSCRIBE, WOKEN):
            self._link(event)
            return
        text = Transcript.from_event(event).text
        if event.type == PROVISIONAL:
            holds = event.data.get("holds") is True
            promise = {"waiting": False} if holds else {}
            await self.peer.send(Event(PROSPECT, {"class": self.house.prospect(text), "text": text} | promise))
            waiting = encode_event(Event(WAITING, {"text": text}))
            self._begin(text, Commit(given=False, awaited=(lambda: self.peer.send_soon(waiting)) if holds else None))
            return
        if text != self._text:
            self._begin(text, Commit())
        self._commit.give()
        self._text = self._work = None

    def _link(self, event: Event) -> None:
        service = self.service
        assert isinstance(service, HandleStandIn)
        if event.type == SUBSCRIBE:
            service.links.join(satellite_from(event.data), self.peer, {})
        elif satellite := service.links.of(self.peer):
            service.wakes.add(satellite.id, event)

    def _begin(self, text: str, commit: Commit) -> None:
        """Works on this text, and on no other that was only provisional."""
        if self._work:
            self._work.cancel()
        self._text, self._commit = text, commit
        self._work = self.answer(self._handle(text, commit), "handle")

    async def _handle(self, text: str, commit: Commit) -> None:
        house = self.house
        answer = house.answer(text)
        async with house.busy("intent", text):
            await asyncio.sleep(house.profile.intent_s)
        if answer is None:
            await commit.given()
            await self.peer.send(Handled(text="").event())
            return
        if answer.by == "intent" or house.profile.llm is None:
            await self._carry_out(text, answer, commit)
        else:
            await self._ask_model(text, answer, commit)
        await commit.given()
        await self.peer.send(Handled(text=answer.text).event())
        await self.peer.send(HandledStop().event())

    async def _carry_out(self, text: str, answer: Answer, commit: Commit) -> None:
        if answer.changes:
            await commit.given()
            self.house.effects.append(text)
        await self.peer.send(HandledStart().event())
        await self.peer.send(HandledChunk(text=answer.text).event())

    async def _ask_model(self, text: str, answer: Answer, commit: Commit) -> None:
        llm = self.house.profile.llm
        assert llm is not None
        async with self.service.slots, self.house.busy("llm", text) as work:
            if self.house.faults.get("llm") == "hangs":
                await asyncio.Event().wait()
            if self.house.faults.get("llm") == "dies":
                raise ConnectionResetError("the intent server died")
            await asyncio.sleep(llm.first_s + len(text.split()) / llm.prefill_per_s)  # the rest of the prompt is in its cache
            if answer.by == "tool":
                await asyncio.sleep(llm.tool_tokens / llm.decode_per_s)
            else:
                await self._write(answer.text, work)
        if answer.by == "tool":
            await self._carry_out(text, answer, commit)

    async def _write(self, text: str, work: Busy) -> None:
        llm, splitter, now = self.house.profile.llm, Splitter("en", first_clause=True), asyncio.get_running_loop().time
        assert llm is not None
        await self.peer.send(HandledStart().event())
        for at, word in enumerate(text.split()):
            await asyncio.sleep(1 / llm.decode_per_s)
            token = word if at == 0 else f" {word}"
            await self.peer.send(HandledChunk(text=token).event())
            if splitter.feed(token):
                work.first = work.first or now()
                if self.house.faults.get("llm") == "stalls":
                    await asyncio.Event().wait()
