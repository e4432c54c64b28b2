"""One turn, from the user's words to the spoken answer. Nothing is audible and nothing is done before it is committed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..shared.patience import Prospect
from ..shared.settings import Settings
from ..shared.tasks import cancel
from .gate import Gate, Phase
from .peers import Peers
from .report import StageClock, TurnReport
from .revision import Means, Output, Revision
from .speculation import Speculation
from .utterance import Take, Utterance
from .wording import Wording

Judged = Callable[["TurnId", int, Prospect | None], Awaitable[None]]
"""Takes what may follow the words of a revision of a turn, as soon as the intent server has told."""


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


@dataclass(frozen=True)
class CutOff:
    """An answer of which only the beginning was heard: what the intent server remembers of it."""

    conversation_id: str
    turn: int
    transcript: str
    """What was asked."""
    text: str
    """What was heard."""


async def _nobody_waits(turn: "TurnId", revision: int, prospect: Prospect | None) -> None:
    """The words are known to be all."""


class Turn:
    """Runs once. Its methods belong to the event loop."""

    def __init__(
        self,
        turn_id: TurnId,
        peers: Peers,
        settings: Settings,
        asker: Asker,
        *,
        addressed: bool = True,
        asked: bool = False,
        speculation: Speculation | None = None,
        judged: Judged = _nobody_waits,
    ) -> None:
        """addressed: False when nothing came before, no wake word and no question, so that what is not understood was not meant for us.

        asked: it is expected to answer a question of ours; nobody is told off for not doing so. speculation: what was learnt in turns
        before. judged: called when `pause` led to something.
        """
        self.id = turn_id
        self.report = TurnReport()
        self.addressed = addressed
        self.asked = asked
        self._asker = asker
        self._gate = Gate(turn_id.revision)
        self._clock = StageClock(self.report)
        self._speculation = speculation or Speculation(settings.satellite.silence_s, allowed=False)
        self._means = Means(
            self._gate, peers, settings, self._speculation, self.report, self._clock, addressed, lambda *told: judged(turn_id, *told)
        )
        self._words: Utterance | str | None = None
        self._output: Output | None = None
        self._revision: Revision | None = None
        self._running: asyncio.Task | None = None
        self._discarded: set[asyncio.Task] = set()

    @property
    def second_attempt(self) -> TurnId:
        """The id of another attempt at the same turn, when this one came to nothing."""
        return TurnId(self.id.number, self._gate.revision + 1)

    def pause(self, speech_s: float, *, certain: bool = False) -> bool:
        """The user is silent, after so much speech. True when that is taken for all: `judged` is called when more is known.

        certain: for as long as it takes when nothing is done on suspicion.
        """
        if not (certain or self._speculation.worth_it(speech_s)) or not self._gate.pause():
            return False
        if self._revision:
            _take_of(self._revision).stop()
        return True

    @property
    def reopens(self) -> bool:
        """True while `go_on` makes a turn that was committed be heard further: nothing was done or heard of it, and it is not settled."""
        return self._gate.reopens

    def settle(self) -> None:
        """What was committed stays so, from now on: nobody watches whether the user speaks on."""
        self._gate.settle()

    def go_on(self) -> None:
        """The user speaks again: what was made of the pause is thrown away, and everything is heard anew from its beginning."""
        if self._gate.reopens:
            self.report.begin_anew()
            assert isinstance(self._words, Utterance)
            if self._revision:
                _take_of(self._revision).stop()
            self._words.reopen()
        if not self._gate.go_on():
            return
        self._clock.forget()
        revision, running = self._revision, self._running
        if revision and running:
            self.report.wasted_ms += round(revision.worked_s * 1000)
            self._learn_of_hanging_up(revision)
            running.cancel()
            self._discarded.add(running)
            running.add_done_callback(self._discarded.discard)
            self._begin()

    def cut_off(self, spoken: Callable[[Wording], str | None]) -> CutOff | None:
        """What is to be remembered of an answer that is broken off now; None before the question and after the answer.

        spoken: how much of a text has been heard, None when it is not being spoken."""
        revision = self._revision
        if revision is None or not revision.transcript or not self._gate.lets(revision.number) or not self._gate.acted:
            return None
        heard = spoken(revision.saying) if revision.saying else ""
        return None if heard is None else CutOff(self._asker.conversation_id, self.id.number, revision.transcript, heard)

    def judge(self, revision: int, prospect: Prospect | None) -> bool:
        """What may follow the words of a revision; False when that is of no account any more."""
        return self._gate.judge(revision, prospect)

    def commit(self, speech_ended_at: float | None = None, *, settled: bool = True) -> None:
        """Opens the one door to actions and sound: the user has finished.

        speech_ended_at: loop time of the user's last sound, for the figures. settled: False when it is still watched whether the user
        speaks on: then what only tells is asked for without a promise, until its first sound, or until the server waits for that.
        """
        report, gate = self.report, self._gate
        report.prospect, report.revisions = gate.prospect, gate.revision - self.id.revision + 1
        if self._revision:
            report.transcript = self._revision.transcript
        self._clock.commit(speech_ended_at)
        gate.commit(settled=settled)

    async def run(self, words: Utterance | str, output: Output | None) -> TurnReport:
        """The whole turn; what fails is in the report and is heard by the user.

        words: what the user says (may still grow; commit when it is finished), or its text. output: None for an answer in text.
        """
        self._words, self._output = words, output
        if isinstance(words, str):
            self.report.transcript = words
        self._begin()
        try:
            while True:
                running = self._running
                await asyncio.wait([running])
                if running is self._running:
                    running.result()
                    return self.report
        finally:
            self._gate.close()
            if self._revision:
                self._learn_of_hanging_up(self._revision)
            await cancel(self._running, *self._discarded)

    def _begin(self) -> None:
        """The gate's revision is worked on."""
        words = self._words
        assert words is not None
        taken = words if isinstance(words, str) else words.take()
        if isinstance(taken, Take):
            self._means.peers.warm("asr", "handle", "tts")
        number = self._gate.revision
        self._revision = Revision(number, taken, self._asker.context(TurnId(self.id.number, number)), self._means)
        if self._gate.phase is Phase.PAUSED:
            _take_of(self._revision).stop()
        self._running = asyncio.create_task(self._revision.run(self._output), name=f"turn {self.id.number}, revision {number}")

    def _learn_of_hanging_up(self, revision: Revision) -> None:
        """Its recogniser may be busy with its words for a while yet."""
        if revision.transcribing and (words := _take_of(revision)).finished:
            self._speculation.discarded(revision.worked_s, again=words.again)


def _take_of(revision: Revision) -> Take:
    """What it hears. Only those who hear pause."""
    assert isinstance(revision.words, Take)
    return revision.words
