"""One attempt at a turn: transcript, answer and speech of what was said so far. Nothing of it is done or heard before its gate opens."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from wyoming.asr import Transcript

from ..shared.errors import AssistantError
from ..shared.patience import Prospect
from ..shared.responses import apologies
from ..shared.settings import Settings
from ..shared.tasks import cancel
from .answering import Answer, ProvisionalLostError, handle
from .gate import Gate, Phase
from .held_speech import HeldSpeech
from .peers import Peers
from .report import StageClock, TurnReport
from .speculation import Speculation
from .speech import SpeechBlock, synthesize
from .transcribing import transcribe
from .utterance import Take
from .wording import Wording

_LOGGER = logging.getLogger(__name__)
_VERDICT_S = 0.05  # our intent server tells within 10 ms


class Output(Protocol):
    """Where a turn is heard."""

    async def speak(self, blocks: AsyncIterator[SpeechBlock], wording: Wording | None = None) -> float:
        """Plays speech to its end; returns when (loop time) its first sound was heard.

        wording: its text; None when nobody knows it.
        Raises: what `blocks` raises.
        """

    async def fail(self) -> None:
        """Lets the user hear that it did not work, without words."""


@dataclass(frozen=True)
class Means:
    """What the revisions of one turn share."""

    gate: Gate
    peers: Peers
    settings: Settings
    speculation: Speculation
    report: TurnReport
    """Written to when the gate is open, and not before."""
    clock: StageClock
    addressed: bool
    """False when what is not understood was not meant for us."""
    judged: Callable[[int, Prospect | None], Awaitable[None]]
    """Takes what may follow the words of a revision."""


class Revision:
    """Runs once; cancelling it hangs up on every server at once. It is the door of its request to the intent server."""

    def __init__(self, number: int, words: Take | str, context: dict[str, Any], means: Means) -> None:
        """words: what was said, or its text. context: of the Wyoming events."""
        self.number = number
        self.words = words
        self._context = context
        self._means = means
        self._gate = means.gate
        self.transcript = words if isinstance(words, str) else ""
        """Empty until it is there, and when nothing was understood."""
        self.saying: Wording | None = None
        """What is being said in answer; None before its first sound."""
        self._trouble: AssistantError | None = None
        self._heard = self._plain = isinstance(words, str)
        self._judged = self._begun = self._audible = False
        self._from_memory = False
        self._idle_since: float | None = None
        self._voiced_at = 0.0

    @property
    def worked_s(self) -> float:
        """Seconds of work since its words were taken for all there is, as far as it can be seen from here.

        What an intent server does between its verdict and its first words does not show.
        """
        if isinstance(self.words, str) or not self.words.finished:
            return 0.0
        return (self._idle_since or _now()) - self.words.finished_at

    @property
    def transcribing(self) -> bool:
        """True while there is no transcript."""
        return not self._heard

    @property
    def _apologies(self) -> Mapping[str, str]:
        return apologies(self._means.settings.language)

    async def run(self, output: Output | None) -> None:
        """All of it; what fails is in the report and is heard by the user."""
        if not isinstance(self.words, str):
            await self._hear(self.words)
        doubt = asyncio.create_task(self._doubt(), name=f"verdict on revision {self.number}")
        try:
            await self._go_through(output)
        finally:
            await cancel(doubt)

    async def _go_through(self, output: Output | None) -> None:
        if self.transcript:
            try:
                await self._answer(output)
            except ProvisionalLostError as err:
                _LOGGER.info("%s; it is asked again", err)
                self._plain = True
                await self._answer(output)
            return
        await self.opened()
        report = self._means.report
        if self._trouble:
            self._failed(self._trouble)
            report.answer = self._apologies["asr"] if self._means.addressed else ""
            if output and report.answer:
                await self._speak(output, Wording(report.answer))
        else:
            report.ended = "empty" if self._means.addressed else "ignored"

    async def _hear(self, words: Take) -> None:
        means = self._means
        try:
            heard = await transcribe(means.peers, words, means.settings.language, means.settings.satellite.asr_s, self._context)
        except AssistantError as err:
            self._trouble = err
            return
        self.transcript, self._begun = heard.text, heard.begun
        self._heard = True
        if self._gate.lets(self.number):
            means.report.transcript = self.transcript
        means.speculation.transcribed(_now() - words.finished_at, again=words.again)
        means.clock.took("asr", words.finished_at)

    async def _doubt(self) -> None:
        """The transcript is there; says so when nobody tells in time what may follow it."""
        speculation = self._means.speculation
        if self.transcript and not self._plain and speculation.expects_verdicts:
            await asyncio.sleep(_VERDICT_S)
            if not self._judged:
                speculation.misses_verdict()
        if not self._judged:
            await self._means.judged(self.number, self._prospect(None))

    async def _answer(self, output: Output | None) -> None:
        """Speaks while the answer is written."""
        wording = Wording()
        telling = asyncio.create_task(self._tell(output, wording), name=f"speech of revision {self.number}")
        try:
            await self._handle(wording)
            await telling
        finally:
            await cancel(telling)

    async def _handle(self, wording: Wording) -> None:
        """Has the answer written; what it is, or why there is none, is in the report when it is finished."""
        means, settings = self._means, self._means.settings
        request = Transcript(text=self.transcript, language=settings.language, context=self._context)
        try:
            await handle(means.peers, request, settings.satellite.handle_s, wording, lambda answer: self._note(answer, wording), self)
        except AssistantError as err:
            if isinstance(err, ProvisionalLostError) and not self._audible:
                raise
            if wording.finished:  # the answer was there; it is of no account how the connection ended
                return
            await self.opened()
            self._failed(err)
            if wording.text.strip():
                wording.append(f"\n{self._apologies['answer']}")
            elif means.addressed:
                wording.append(self._apologies["handle"])
            means.report.answer = " ".join(wording.text.split())
        wording.finish()

    def _note(self, answer: Answer, wording: Wording) -> None:
        report = self._means.report
        report.intent, report.slots = answer.intent, answer.slots
        report.route, report.tool, report.llm = answer.route, answer.tool, answer.llm
        report.handled, report.ask = answer.handled, answer.ask
        if answer.handled or self._means.addressed or wording.text.strip():
            wording.append(_rest(answer, wording.text))
            report.answer = answer.text if answer.handled else " ".join(wording.text.split())
        else:
            report.ended = "ignored"
        wording.finish()

    def _failed(self, err: AssistantError) -> None:
        report = self._means.report
        report.ended, report.error = "failed", "; ".join(filter(None, (report.error, str(err))))
        _LOGGER.warning("%s", err)

    async def _tell(self, output: Output | None, wording: Wording) -> None:
        began = _now()
        await wording.begun()
        self._idle_since = None
        self._means.clock.took("handle", began)
        if output and wording.text.strip():
            await self._speak(output, wording)

    async def _speak(self, output: Output, wording: Wording) -> None:
        held = HeldSpeech(wording, self._means.speculation.voice)
        filling = asyncio.create_task(held.fill(self._speech(wording, _now())), name=f"voice of revision {self.number}")
        try:
            await self.opened()
            opened_at = _now()
            self._note_voice()
            async with aclosing(self._let_out(held.blocks())) as blocks:
                self.saying = wording
                heard_at = await output.speak(blocks, wording)
        except AssistantError as err:
            await self._gate.let_out(self.number)
            self._failed(err)
            await output.fail()
            return
        finally:
            await cancel(filling)
        self._means.clock.heard(max(opened_at, self._voiced_at), heard_at)

    async def _let_out(self, speech: AsyncIterator[SpeechBlock]) -> AsyncIterator[SpeechBlock]:
        async with aclosing(speech) as blocks:  # type: ignore[type-var]
            async for block in blocks:
                await self._gate.let_out(self.number)
                self._audible = True
                yield block

    async def _speech(self, wording: Wording, began: float) -> AsyncIterator[SpeechBlock]:
        means = self._means
        first = True
        async with aclosing(synthesize(means.peers, wording, means.settings.language, means.settings.satellite.tts_s)) as blocks:
            async for block in blocks:
                if first:
                    first, self._voiced_at, self._from_memory = False, _now(), block.from_memory
                    means.clock.took("tts", began)
                    self._note_voice()
                self._idle_since = _now()
                yield block

    def _note_voice(self) -> None:
        if self._gate.lets(self.number):
            self._means.report.from_memory = self._from_memory

    async def opened(self) -> None:
        """Waits until this revision may be acted on and heard."""
        await self._gate.opened(self.number)

    async def settled(self) -> None:
        """See answering.Door."""
        await self._gate.settled(self.number)

    def waited_for(self) -> None:
        """See answering.Door."""
        if self.number == self._gate.revision:
            self._gate.settle()

    def may_act(self) -> bool:
        """See answering.Door."""
        return self._gate.act(self.number)

    def not_done(self) -> None:
        """See answering.Door."""
        self._gate.not_done()

    def may_ask(self, uri: str) -> bool:
        """See answering.Door."""
        return self._gate.phase is Phase.PAUSED and not self._plain and self._means.speculation.may_ask(uri)

    async def judged(self, uri: str, prospect: Prospect | None) -> None:
        """See answering.Door."""
        self._means.speculation.knows(uri)
        self._idle_since, self._judged = self._idle_since or _now(), True
        await self._means.judged(self.number, self._prospect(prospect))

    def _prospect(self, told: Prospect | None) -> Prospect | None:
        """A recogniser that knows whole sentences only makes one of every beginning, which looks complete."""
        return Prospect.PREFIX if self._begun else told

    def lost(self, uri: str) -> None:
        """See answering.Door."""
        self._means.speculation.lost(uri)


def _rest(answer: Answer, said: str) -> str:
    """What is still to be said when this much of an answer was handed on already: the end of it, or why it was not done."""
    text, said = answer.text, said.strip()
    if text.startswith(said):
        return text[len(said) :]
    return "" if answer.handled else f"\n{text}"


def _now() -> float:
    return asyncio.get_running_loop().time()
