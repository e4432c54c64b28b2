"""One turn, from the user's words to the spoken answer. Nothing is audible and nothing is asked for before it is committed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from wyoming.asr import Transcript

from ..shared.errors import AssistantError
from ..shared.responses import apologies
from ..shared.settings import Settings
from ..shared.tasks import cancel
from .answering import Answer, handle
from .peers import Peers
from .report import TurnReport
from .speech import SpeechBlock, synthesize
from .transcribing import transcribe
from .utterance import Utterance
from .wording import Wording

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class TurnId:
    """Which turn, and which attempt at it: what belongs to an older one is dropped."""

    number: int
    revision: int = 0


@dataclass(frozen=True)
class Asker:
    """Who asks, and where: what the intent server is told."""

    satellite_id: str
    conversation_id: str
    area: str = ""

    def context(self, turn: TurnId) -> dict[str, Any]:
        """For the `context` of Wyoming events."""
        context = {"satellite_id": self.satellite_id, "conversation_id": self.conversation_id}
        if self.area:
            context["area"] = self.area
        return context | {"turn": turn.number, "revision": turn.revision}


class Output(Protocol):
    """Where a turn is heard."""

    async def speak(self, blocks: AsyncIterator[SpeechBlock]) -> float:
        """Plays speech to its end; returns when (loop time) its first sound was heard.

        Raises: what `blocks` raises.
        """

    async def fail(self) -> None:
        """Lets the user hear that it did not work, without words."""


class Turn:
    """Runs once. Its methods belong to the event loop."""

    def __init__(
        self, turn_id: TurnId, peers: Peers, settings: Settings, asker: Asker, *, addressed: bool = True, asked: bool = False
    ) -> None:
        """addressed: False when nothing came before, no wake word and no question, so that what is not understood was not meant for us.

        asked: it is expected to answer a question of ours; nobody is told off for not doing so.
        """
        self.id = turn_id
        self.report = TurnReport()
        self._peers = peers
        self._settings = settings
        self._asker = asker
        self.addressed = addressed
        self.asked = asked
        self._committed = asyncio.Event()
        self._committed_at = 0.0
        self._speech_ended_at: float | None = None

    def commit(self, speech_ended_at: float | None = None) -> None:
        """Opens the one door to actions and sound: the user has finished.

        speech_ended_at: loop time of the user's last sound, for the figures.
        """
        self._committed_at = asyncio.get_running_loop().time()
        self._speech_ended_at = speech_ended_at
        if speech_ended_at is not None:
            self._took("endpoint", speech_ended_at)
        self._committed.set()

    async def run(self, words: Utterance | str, output: Output | None) -> TurnReport:
        """The whole turn; what fails is in the report and is heard by the user.

        words: what the user says (may still grow; commit when it is finished), or its text. output: None for an answer in text.
        """
        report = self.report
        try:
            report.transcript = words if isinstance(words, str) else await self._hear(words)
        except AssistantError as err:
            self._failed(err)
        await self._committed.wait()
        if report.error:
            report.answer = apologies(self._settings.language)["asr"] if self.addressed else ""
            if output:
                await self._tell(output, Wording(report.answer))
        elif report.transcript:
            await self._answer(output)
        else:
            report.ended = "empty" if self.addressed else "ignored"
        return report

    async def _hear(self, utterance: Utterance) -> str:
        satellite = self._settings.satellite
        context = self._asker.context(self.id)
        transcript = await transcribe(self._peers, utterance, self._settings.language, satellite.asr_s, context)
        await self._committed.wait()
        self._took("asr", self._committed_at)
        return transcript

    async def _answer(self, output: Output | None) -> None:
        """Speaks while the answer is written."""
        began = asyncio.get_running_loop().time()
        wording = Wording()
        handling = asyncio.create_task(self._handle(wording), name=f"answer of turn {self.id.number}")
        try:
            await wording.begun()
            self._took("handle", began)
            if output:
                await self._tell(output, wording)
            await handling
        finally:
            await cancel(handling)

    async def _handle(self, wording: Wording) -> None:
        """Has the answer written; what it is, or why there is none, is in the report when it is finished."""
        report, settings = self.report, self._settings
        request = Transcript(text=report.transcript, language=settings.language, context=self._asker.context(self.id))
        try:
            await handle(self._peers, request, settings.satellite.handle_s, wording, lambda answer: self._note(answer, wording))
        except AssistantError as err:
            if wording.finished:  # the answer was there; it is of no account how the connection ended
                return
            self._failed(err)
            if wording.text.strip():
                wording.append(f"\n{apologies(settings.language)['answer']}")
            elif self.addressed:
                wording.append(apologies(settings.language)["handle"])
            report.answer = " ".join(wording.text.split())
        finally:
            wording.finish()

    def _note(self, answer: Answer, wording: Wording) -> None:
        report = self.report
        report.intent, report.slots = answer.intent, answer.slots
        report.route, report.tool, report.llm = answer.route, answer.tool, answer.llm
        report.handled, report.ask = answer.handled, answer.ask
        if answer.handled or self.addressed or wording.text.strip():
            wording.append(_rest(answer, wording.text))
            report.answer = answer.text if answer.handled else " ".join(wording.text.split())
        else:
            report.ended = "ignored"
        wording.finish()

    def _failed(self, err: AssistantError) -> None:
        self.report.ended, self.report.error = "failed", "; ".join(filter(None, (self.report.error, str(err))))
        _LOGGER.warning("%s", err)

    async def _tell(self, output: Output, wording: Wording) -> None:
        if not wording.text.strip():
            return
        report = self.report
        began = asyncio.get_running_loop().time()
        try:
            async with aclosing(self._speech(wording, began)) as blocks:
                heard_at = await output.speak(blocks)
        except AssistantError as err:
            self._failed(err)
            await output.fail()
            return
        self._took("play", began + report.stages_ms.get("tts", 0) / 1000, heard_at)
        if self._speech_ended_at is not None:
            self._took("v2v", self._speech_ended_at, heard_at)

    async def _speech(self, wording: Wording, began: float) -> AsyncIterator[SpeechBlock]:
        settings = self._settings
        async with aclosing(synthesize(self._peers, wording, settings.language, settings.satellite.tts_s)) as blocks:
            async for block in blocks:
                if "tts" not in self.report.stages_ms:
                    self._took("tts", began)
                yield block

    def _took(self, stage: str, since: float, until: float | None = None) -> None:
        until = asyncio.get_running_loop().time() if until is None else until
        self.report.stages_ms[stage] = round((until - since) * 1000)


def _rest(answer: Answer, said: str) -> str:
    """What is still to be said when this much of an answer was handed on already: the end of it, or why it was not done."""
    text, said = answer.text, said.strip()
    if text.startswith(said):
        return text[len(said) :]
    return "" if answer.handled else f"\n{text}"
