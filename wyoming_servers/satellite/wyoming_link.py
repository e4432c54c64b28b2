"""The satellite as Home Assistant sees it: a Wyoming listener, and what is said over the one connection that counts."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

from wyoming.event import Event
from wyoming.info import Info
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.snd import Played
from wyoming.wake import Detection

from ..shared.errors import BusyError
from ..shared.service import Peer
from .home_run import HomeLostError, HomeSpeech, PipelineRun, tell
from .home_timers import HomeTimers

_LOGGER = logging.getLogger(__name__)
_LATE_ANSWER_S = 30.0  # an answer that nobody waits for any more is not an announcement
_UNCLEAR_S = 0.5  # Home Assistant sends a whole announcement much faster than it is spoken
_MOST_UNSENT_BYTES = 512 * 1024  # 16 s of the microphone
_OF_RUNS = frozenset({"transcribe", "transcript", "voice-started", "voice-stopped", "synthesize"})
_TIMERS = frozenset({"timer-started", "timer-updated", "timer-cancelled", "timer-finished"})

EVENTS = frozenset({"run-satellite", "pause-satellite", "detect", "detection", "error"}) | _OF_RUNS | _TIMERS
"""What Home Assistant sends, sound excluded."""


class Connection(Protocol):
    """One that Home Assistant has made."""

    peer: Peer


class RemoteEar(Protocol):
    """Is told how Home Assistant's own wake word detection fares."""

    def begin(self) -> None:
        """Home Assistant is ready."""

    def end(self) -> None:
        """Home Assistant hears us no more."""

    def listened_to(self) -> None:
        """Home Assistant waits for a wake word now."""

    async def detected(self, name: str) -> None:
        """Home Assistant has heard one."""

    def failed(self, code: str) -> None:
        """Its pipeline has ended with an error."""

    def stand_back(self, run: PipelineRun) -> None:
        """A run of another kind has begun: until it is over, no sound is sent but its own."""


class HomeLink:
    """Who speaks with Home Assistant, and what comes from there. Every method is called on the loop."""

    def __init__(
        self, announced: Callable[[HomeSpeech], Awaitable[None]], changed: Callable[[], Awaitable[None]], timers: HomeTimers
    ) -> None:
        """announced: called with speech that nobody here asked for. changed: called when `active` or `muted` has changed."""
        self._announced = announced
        self._changed = changed
        self._timers = timers
        self._session: Connection | None = None
        self._run: PipelineRun | None = None
        self._speech: HomeSpeech | None = None
        self._late_until = -math.inf
        self._worded = False  # the text of the next speech has been told
        self._streams = False  # this Home Assistant begins to speak before it tells the text
        self._unclear: tuple[HomeSpeech, PipelineRun | None] | None = None  # an answer, perhaps of this run, or an announcement
        self._phrases_told: set[str] = set()
        self.info: Callable[[], Info] = Info
        """What a satellite with these wake words is."""
        self.told: Callable[[str, str, bool], None] = lambda kind, uri, connected: None
        """Called with `home_assistant`, its address, and whether it is there, whenever that changes."""
        self.remote_ear: RemoteEar | None = None
        self.muted = False
        """True while Home Assistant's mute switch is on: the microphone is nobody's."""

    @property
    def connected(self) -> bool:
        """True while Home Assistant keeps its connection, muted or not."""
        return self._session is not None

    @property
    def active(self) -> bool:
        """True while Home Assistant is ready to run its pipeline."""
        return self._session is not None and not self.muted

    @property
    def resting(self) -> bool:
        """True while no run is under way."""
        return self._run is None

    def is_current(self, session: "Connection") -> bool:
        """True for the connection that counts."""
        return session is self._session

    def begin(self, wake_word: str | None) -> PipelineRun:
        """Has Home Assistant run its pipeline up to the spoken answer; an older run is over.

        wake_word: the one that was heard here; None when none was, or when it was told already.
        Raises: HomeLostError when Home Assistant is not there.
        """
        peer = self._peer()
        behind_another = self.let_go()
        if wake_word and wake_word not in self._phrases_told:  # its server came later than Home Assistant
            self._tell_phrases(peer)
        if wake_word:
            tell(peer, Detection(name=wake_word).event())
        tell(peer, RunPipeline(start_stage=PipelineStage.ASR, end_stage=PipelineStage.TTS, restart_on_end=False).event())
        self._run = PipelineRun(peer, behind_another=behind_another)
        if self.remote_ear:
            self.remote_ear.stand_back(self._run)
        return self._run

    def take_over(self) -> PipelineRun | None:
        """The run that began with a wake word that Home Assistant heard; None when there is none."""
        return self._run if self._run and self._run.heard_elsewhere and not self._run.closed else None

    def adopt(self) -> PipelineRun:
        """Home Assistant has heard a wake word and goes on by itself: that is a run, too.

        Raises: HomeLostError.
        """
        peer = self._peer()
        self.let_go()
        self._run = PipelineRun(peer, heard_elsewhere=True)
        return self._run

    def wait_for_wake_word(self, *, restart: bool) -> None:
        """Has Home Assistant listen for a wake word, and answer what follows. restart: again and again.

        Raises: HomeLostError.
        """
        run = RunPipeline(start_stage=PipelineStage.WAKE, end_stage=PipelineStage.TTS, restart_on_end=restart)
        tell(self._peer(), run.event())

    def let_go(self) -> bool:
        """Whatever still comes of the run under way is for nobody. True when something may still come."""
        run, self._run = self._run, None
        if run is None:
            return asyncio.get_running_loop().time() < self._late_until
        if run.transcribed and run.speech is None:
            self._late_until = asyncio.get_running_loop().time() + _LATE_ANSWER_S
        if run.speech and run.speech is self._speech:
            self._speech = None  # what is left of it is thrown away
        if self._unclear:
            self._is_answer(self._unclear)  # nobody wants to hear it
        if run.heard_elsewhere:
            run.stop_audio()
        run.close()
        return True

    def finish(self, run: PipelineRun, *, answered: bool) -> None:
        """A turn is done with its run. answered: nothing more comes of it."""
        if run is self._run and not answered:
            self.let_go()
            return
        if run is self._run:
            self._run = None
        run.close()

    def send_sound(self, event: Event) -> bool:
        """Sends the microphone's sound for Home Assistant's own wake word detection; False when it takes none."""
        if not self._session or self._session.peer.unsent_bytes > _MOST_UNSENT_BYTES:
            return False
        tell(self._session.peer, event)
        return True

    async def take(self, session: "Connection", event: Event) -> None:
        """Something came over a connection. What comes over one that does not count is left alone."""
        if event.type == "run-satellite":
            await self._start(session)
        elif session is not self._session:
            _LOGGER.debug("%s sent %s, but has not sent run-satellite", session.peer.name, event.type)
        elif event.type in _TIMERS:
            await self._timers.take(event)
        elif event.type.startswith("audio-"):
            await self._take_speech(event)
        elif event.type in _OF_RUNS or event.type == "error":
            self._take_of_run(event)
        elif event.type == "pause-satellite":
            await self._pause()
        elif self.remote_ear and event.type == "detect":
            self._late_until = -math.inf
            self.remote_ear.listened_to()
        elif self.remote_ear and event.type == "detection":
            await self.remote_ear.detected(str(event.data.get("name") or ""))

    async def lost(self, session: "Connection") -> None:
        """A connection has ended. What is being said is said to the end."""
        if session is self._session:
            _LOGGER.info("Home Assistant at %s has gone", session.peer.name)
            self.told("home_assistant", session.peer.name, False)
            self._session = None
            self._forget("Home Assistant has gone away")
            self.muted = False
            await self._changed()

    async def _start(self, session: "Connection") -> None:
        before, self._session = self._session, session
        self.muted = False
        if before is not session:
            _LOGGER.info("Home Assistant at %s uses this satellite", session.peer.name)
            self.told("home_assistant", session.peer.name, True)
        self._forget("Home Assistant began anew")
        self._phrases_told = _wake_words(self.info())  # its next event is describe
        if before and before is not session:
            before.peer.fail(BusyError("another connection has taken this satellite over"))
        if self.remote_ear:
            self.remote_ear.begin()
        await self._changed()

    async def _pause(self) -> None:
        if not self.muted:
            self.muted = True
            self._forget("Home Assistant has muted this satellite")
            await self._changed()

    def _forget(self, why: str) -> None:
        self._late_until, self._worded = -math.inf, False
        if self._speech:
            self._speech.finish()
            self._speech = None
        if self._unclear:
            self._is_answer(self._unclear)
        if self._run and not self._run.speech:
            self._run.fail(HomeLostError(why))
        self._run = None
        if self.remote_ear:
            self.remote_ear.end()

    async def _take_speech(self, event: Event) -> None:
        if event.type == "audio-chunk":
            if self._speech:
                self._speech.take(event)
            return
        if self._speech:
            self._speech.finish()  # with audio-start: Home Assistant has broken it off
            self._speech = None
        if self._unclear:
            await self._announce(*self._unclear)
        if event.type == "audio-start":
            await self._speech_begins()

    async def _speech_begins(self) -> None:
        """An answer's text is told before its sound, or soon after where it is streamed; an announcement has none.

        So what comes without a text when an answer is due, or was, is an announcement if it ends without one.
        """
        session = self._session
        assert session is not None

        def played() -> None:
            if session is self._session:
                tell(session.peer, Played().event())

        speech = self._speech = HomeSpeech(played)
        loop = asyncio.get_running_loop()
        if not self._thinking and loop.time() >= self._late_until:
            await self._announce(speech, self._run)
            return
        self._unclear = unclear = speech, self._thinking
        if self._worded or (self._streams and self._thinking):
            self._is_answer(unclear)
        elif self._thinking:
            loop.call_later(_UNCLEAR_S, self._is_answer, unclear)

    @property
    def _thinking(self) -> PipelineRun | None:
        """The run whose answer is due."""
        run = self._run
        return run if run and run.transcribing and run.transcribed and run.speech is None else None

    def _is_answer(self, unclear: tuple[HomeSpeech, PipelineRun | None]) -> None:
        """Of the run under way; when that has ended, it comes too late, and is thrown away."""
        if unclear is not self._unclear:
            return
        self._unclear, self._worded = None, False
        speech, run = unclear
        if run and run is self._thinking:
            run.answered(speech)
            return
        self._late_until = -math.inf
        if speech is self._speech:
            self._speech = None
        speech.played()

    async def _announce(self, speech: HomeSpeech, run: PipelineRun | None) -> None:
        """Home Assistant has given up for it what it was doing in this run."""
        self._unclear = None
        if run and run is self._run and run.speech is None:
            self._run = None
            run.displaced(speech)
        await self._announced(speech)

    def _take_of_run(self, event: Event) -> None:
        run = self._run
        if run and event.type == "transcribe":
            self._late_until, self._worded = -math.inf, False
        if run and (run.transcribing or event.type in ("transcribe", "error")):
            run.take(event)
        elif event.type in ("transcript", "synthesize"):
            self._late_until = asyncio.get_running_loop().time() + _LATE_ANSWER_S
        if event.type == "synthesize":
            self._text_told(run)
        if event.type == "error":
            self._late_until = -math.inf
            if self.remote_ear:
                self.remote_ear.failed(str(event.data.get("code") or ""))

    def _text_told(self, run: PipelineRun | None) -> None:
        """Of the speech that comes next, or of one that has begun."""
        if self._unclear:
            self._streams = True
            self._is_answer(self._unclear)
        elif run and run.speech:
            self._streams = True
        else:
            self._worded = True

    def _tell_phrases(self, peer: Peer) -> None:
        info = self.info()
        self._phrases_told = _wake_words(info)
        tell(peer, info.event())

    def _peer(self) -> Peer:
        if not self.active or self._session is None or self._session.peer.gone:
            raise HomeLostError("Home Assistant has muted this satellite" if self.muted else "Home Assistant is not connected")
        return self._session.peer


def _wake_words(info: Info) -> set[str]:
    return {model.name for program in info.wake for model in program.models}
