"""One turn that Home Assistant answers, or else the satellite itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

from ..shared.audio import RATE_HZ
from ..shared.errors import AssistantError, PeerError
from ..shared.patience import Prospect
from ..shared.responses import apologies
from ..shared.settings import Settings
from ..shared.tasks import cancel
from .home_run import DisplacedError, HomeFailedError, HomeLostError, HomeSpeech, PipelineRun, failure
from .peers import Peers
from .report import TurnReport
from .speech import SpeechBlock, synthesize
from .turn import Output, Turn, TurnId
from .utterance import Utterance
from .wording import Wording
from .wyoming_link import HomeLink

_LOGGER = logging.getLogger(__name__)
ROUTE = "home_assistant"
_LONGEST_STREAM_S = 30.0
_TRANSCRIPT_S = 10.0  # after the user has finished
_VOICE_S = 15.0  # from the text to its first sound: some voices begin when they have made all of it
_DISPLACED_S = 60.0
_ATTEMPTS = 3
_QUESTION_MARKS = ("?", "？", "؟")
_QUIET = {
    "duplicate_wake_up_detected": "ignored",  # another satellite answers
    "wake_word_detection_aborted": "ignored",
    "wake-word-timeout": "ignored",
    "stt-no-text-recognized": "empty",
}
"""Nothing went wrong: how the turn ends, by the error's code."""
_UNHEARD = frozenset({"intent-agent-not-found", "intent-not-supported", "intent-busy", "intent-unauthorized"})
"""Nobody in Home Assistant has taken the sentence: nothing was done."""


class HomeTurn:
    """Runs once, like turn.Turn."""

    def __init__(
        self, local: Turn, link: HomeLink, peers: Peers, settings: Settings, heard_out: Callable[[TurnId], Awaitable[None]], *, alone: bool
    ) -> None:
        """local: the same turn, to be answered here when Home Assistant does not. alone: only Home Assistant may answer.
        heard_out: called when Home Assistant has found the end of the command by itself."""
        self.id = local.id
        self.addressed = local.addressed
        self.asked = local.asked
        self.report = local.report
        self._local = local
        self._link = link
        self._peers = peers
        self._settings = settings
        self._heard_out = heard_out
        self._alone = alone
        self._committed = asyncio.Event()
        self._committed_at = 0.0
        self._speech_ended_at: float | None = None

    @property
    def second_attempt(self) -> TurnId:
        """See Turn.second_attempt."""
        return self._local.second_attempt

    def pause(self, speech_s: float, *, certain: bool = False) -> bool:
        """Home Assistant is sent everything, and finds out what it was when it has ended."""
        return False

    def go_on(self) -> None:
        """See pause."""

    @property
    def reopens(self) -> bool:
        """Home Assistant may have acted."""
        return False

    def settle(self) -> None:
        """See reopens."""

    def judge(self, revision: int, prospect: Prospect | None) -> bool:
        """Nobody judges words before they have ended."""
        return False

    def commit(self, speech_ended_at: float | None = None, *, settled: bool = True) -> None:
        """The user has finished; see Turn.commit. It is always settled."""
        self._committed_at = asyncio.get_running_loop().time()
        self._speech_ended_at = speech_ended_at
        self._local.commit(speech_ended_at)
        self._committed.set()

    async def run(self, words: Utterance, output: Output) -> TurnReport:
        """The whole turn; see Turn.run."""
        report = self.report
        report.route = ROUTE
        for attempt in range(_ATTEMPTS):
            try:
                await self._ask(words, output, self._wake_word if not attempt else None)
                return report
            except DisplacedError as err:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DISPLACED_S):
                        await err.speech.over()
                if report.transcript:  # it may have been carried out
                    return await self._fail(PeerError("Home Assistant gave a command up for an announcement"), output)
            except (HomeLostError, HomeFailedError) as err:
                return await self._without(err, words, output)
            except PeerError as err:
                return await self._fail(err, output)
        return await self._without(HomeLostError("Home Assistant makes one announcement after the other"), words, output)

    @property
    def _wake_word(self) -> str | None:
        return None if self.id.revision else self.report.wake_word

    async def _ask(self, words: Utterance, output: Output, wake_word: str | None) -> None:
        run = self._link.take_over() or self._link.begin(wake_word)
        answered = False
        try:
            async with self._streaming(run, words):
                understood = await self._hear(run)
            if understood:
                await self._committed.wait()
                await self._answer(run, output)
            answered = True
        except HomeFailedError:
            answered = True  # that was its last word
            raise
        finally:
            self._link.finish(run, answered=answered)

    @asynccontextmanager
    async def _streaming(self, run: PipelineRun, words: Utterance) -> AsyncIterator[None]:
        """Sends what the user says, up to its end or as far as Home Assistant wants it."""

        async def stream() -> None:
            sent = 0
            try:
                async with asyncio.timeout(_LONGEST_STREAM_S):
                    async for frame in words.frames():
                        await run.send(frame.astype("<i2").tobytes(), sent * 1000 // RATE_HZ)
                        sent += len(frame)
            except TimeoutError:
                _LOGGER.warning("Home Assistant was sent %g s of sound, and no more", _LONGEST_STREAM_S)
            except HomeLostError as err:
                run.fail(err)
            run.stop_audio()

        sending = asyncio.create_task(stream(), name=f"sound of turn {self.id.number}")
        try:
            yield
        finally:
            await cancel(sending)

    async def _hear(self, run: PipelineRun) -> bool:
        """Waits for the transcript; False when there is none, and the report says why.

        Raises: HomeLostError, HomeFailedError, DisplacedError.
        """
        report = self.report
        try:
            async with asyncio.timeout(None) as clock, _from_the_end(run, clock):
                report.transcript = await self._transcript(run)
        except TimeoutError:
            raise HomeLostError(f"Home Assistant has neither understood nor failed for {_TRANSCRIPT_S:g} s") from None
        except HomeFailedError as err:
            if err.error_code not in _QUIET:
                raise
            report.ended = _QUIET[err.error_code] if self.addressed else "ignored"
        await self._heard_out(self.id)
        await self._committed.wait()
        if report.transcript:
            self._took("asr", self._committed_at)
        elif report.ended == "answered":
            report.ended = "empty" if self.addressed else "ignored"
        return bool(report.transcript)

    async def _transcript(self, run: PipelineRun) -> str:
        while (event := await run.next()).type != "transcript":
            if event.type == "voice-stopped":
                await self._heard_out(self.id)
            elif event.type == "error":
                raise failure(event)
        text = event.data.get("text")
        return " ".join(text.split()) if isinstance(text, str) else ""

    async def _answer(self, run: PipelineRun, output: Output) -> None:
        began = asyncio.get_running_loop().time()
        speech = await self._speech(run, began)
        self.report.answer = run.text
        if speech is None:
            if run.text:
                await self._speak_here(run.text, output)
            return
        try:
            async with aclosing(self._noted(speech, asyncio.get_running_loop().time())) as blocks:
                spoken_from = asyncio.get_running_loop().time()
                heard_at = await output.speak(blocks, Wording(run.text))
        finally:
            speech.played()
        self.report.answer = run.text  # with a streamed voice it comes after the sound has begun
        if self._settings.satellite.questions and run.text.rstrip(" \"'”’»)").endswith(_QUESTION_MARKS):
            self.report.ask = "answer"  # Home Assistant goes on with the same conversation, but does not say so
        self._took("play", spoken_from + self.report.stages_ms.get("tts", 0) / 1000, heard_at)
        if self._speech_ended_at is not None:
            self._took("v2v", self._speech_ended_at, heard_at)

    async def _speech(self, run: PipelineRun, began: float) -> HomeSpeech | None:
        """Waits for the answer's sound; None when there is only its text, or nothing to say.

        Raises: HomeLostError, HomeFailedError.
        """
        limit_s = self._settings.satellite.home_assistant_s
        try:
            async with asyncio.timeout(limit_s) as clock:
                while run.speech is None:
                    event = await run.next()
                    if event.type == "synthesize":
                        self._took("handle", began)
                        clock.reschedule(asyncio.get_running_loop().time() + _VOICE_S)
                    elif event.type == "error":
                        raise failure(event)
        except TimeoutError:
            if run.text:
                _LOGGER.warning("Home Assistant has not spoken its answer within %g s", _VOICE_S)
                return None
            raise _SilentError(f"Home Assistant has said nothing to a command for {limit_s:g} s") from None
        except (HomeLostError, HomeFailedError) as err:
            if run.text:
                _LOGGER.warning("%s; its answer is spoken here", err)
                return None
            raise
        self.report.stages_ms.setdefault("handle", round((asyncio.get_running_loop().time() - began) * 1000))
        return run.speech

    async def _noted(self, speech: HomeSpeech, began: float) -> AsyncIterator[SpeechBlock]:
        async with aclosing(speech.blocks()) as blocks:
            async for block in blocks:
                if "tts" not in self.report.stages_ms:
                    self._took("tts", began)
                yield block

    async def _speak_here(self, text: str, output: Output) -> None:
        settings, wording = self._settings, Wording(text)
        async with aclosing(synthesize(self._peers, wording, settings.language, settings.satellite.tts_s)) as blocks:
            await output.speak(blocks, wording)

    async def _without(self, error: HomeLostError | HomeFailedError, words: Utterance, output: Output) -> TurnReport:
        """Home Assistant does not answer."""
        report = self.report
        if self._link.muted:
            report.ended = "interrupted"
            return report
        code = error.error_code if isinstance(error, HomeFailedError) else ""
        done = bool(report.transcript) and isinstance(error, HomeFailedError) and code not in _UNHEARD
        if self._alone or done:
            return await self._fail(error, output)
        _LOGGER.warning("%s; answered here instead", error)
        report.transcript, report.route = "", None
        for stage in ("asr", "handle", "tts"):
            report.stages_ms.pop(stage, None)
        return await self._local.run(words, output)

    async def _fail(self, error: AssistantError, output: Output) -> TurnReport:
        """The user hears that it did not work."""
        report = self.report
        report.ended, report.error = "failed", str(error)
        _LOGGER.warning("%s", error)
        await self._committed.wait()
        if not self.addressed:
            return report
        report.answer = "" if isinstance(error, _SilentError) else apologies(self._settings.language)["home_assistant"]
        try:
            if report.answer:
                await self._speak_here(report.answer, output)
                return report
        except AssistantError as err:
            report.answer = ""
            _LOGGER.warning("%s", err)
        await output.fail()
        return report

    def _took(self, stage: str, since: float, until: float | None = None) -> None:
        until = asyncio.get_running_loop().time() if until is None else until
        self.report.stages_ms[stage] = round((until - since) * 1000)


class _SilentError(PeerError):
    """Home Assistant has understood, and perhaps obeyed, but says nothing."""


@asynccontextmanager
async def _from_the_end(run: PipelineRun, clock: asyncio.Timeout) -> AsyncIterator[None]:
    """The transcript is owed once the user has finished."""

    async def start_the_clock() -> None:
        await run.until_hushed()
        clock.reschedule(asyncio.get_running_loop().time() + _TRANSCRIPT_S)

    waiting = asyncio.create_task(start_the_clock(), name="deadline of Home Assistant's transcript")
    try:
        yield
    finally:
        await cancel(waiting)
