"""Somebody speaks while we do: the loudspeaker is held at once, and what was said decides whether it goes on."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..shared.audio import FRAME_SAMPLES, RATE_HZ, level_dbfs
from ..shared.errors import AssistantError
from ..shared.tasks import TaskOwner
from ..shared.vad import VoiceDetector
from .playback import Player
from .remarks import Remark, Remarks

_FRAME_S = FRAME_SAMPLES / RATE_HZ
_SPEECH, _STILL_SPEECH = 0.5, 0.35  # as in shared/endpointing.py
_ONSET_FRAMES = 3  # in a row: a cup put down has one or two
_REAL_S = 0.7  # of speech: longer than "uh-huh", "okay" and a cough; no recogniser has to be asked
_PERHAPS_REAL_S = 0.4  # less, and no recogniser understands it in time: it was nothing
_ENDED_S = 0.25  # of silence: that was all; now its words count
_DECIDED_S = 1.2  # after the loudspeaker was held it goes on, unless there is a reason not to
_GRACE_S = 0.3  # the same without a microphone, which is its clock otherwise
_SAME_WORDS_S = 0.8  # held for longer than this, nobody remembers how the sentence began
_PRE_ROLL_S = 0.3
_MOST_HOLDS = 3  # for nothing, in one answer: a television must not make it stutter
_LATE_WORDS_S = 6.0  # a slow recogniser's "stop" still counts
_ABOVE_ECHO_DB = 6.0  # where the echo is not cancelled, only who is louder than it is heard
_ECHO_FRAMES = 94  # 3 s of it
_ECHO_PERCENTILE = 95


class Verdict(Enum):
    """What the state machine does."""

    STOP = "stop"
    """Silence, and nothing else."""
    LISTEN = "listen"
    """Silence, and the user has the word, from `Interruption.began` on."""


@dataclass(frozen=True)
class Understood:
    """A remark that interrupted has been recognised; a message to the state machine."""

    hold: int
    """Which interruption."""
    remark: Remark


@dataclass(frozen=True)
class Loud:
    """What is heard from the loudspeaker now."""

    saying: str = ""
    """The text, as far as it is known."""
    speech: bool = True
    """False for a ring without words: no voice detector takes it for speech."""


class Interruption:
    """Belongs to the state machine, which feeds it every frame while something is heard."""

    began: int
    """Position in the stream where the interruption begins."""

    def __init__(
        self,
        player: Player,
        hear: Callable[[np.ndarray], Awaitable[str]],
        remarks: Callable[[], Awaitable[Remarks]],
        understood: Callable[[Understood], Awaitable[None]],
        trusted: Callable[[], bool],
        owner: TaskOwner,
    ) -> None:
        """hear: the transcript of (n,) int16 16 kHz. understood: is told what was said. trusted: True while our own voice is taken out
        of the microphone's sound, so that any speech may interrupt; else only "stop" does."""
        self._player = player
        self._hear = hear
        self._remarks = remarks
        self._understood = understood
        self._trusted = trusted
        self._owner = owner
        self._detector: VoiceDetector | None = None
        self._echo: deque[float] = deque(maxlen=_ECHO_FRAMES)
        self._hold = 0
        self._held_frames: list[np.ndarray] | None = None
        self._asking: asyncio.Task | None = None
        self._release: asyncio.TimerHandle | None = None
        self._saying = ""
        self._holds = 0
        self._forget_burst()

    @property
    def holding(self) -> bool:
        """True while the loudspeaker waits for a decision."""
        return self._held_frames is not None

    def feed(self, position: int, frame: np.ndarray, before: Callable[[], np.ndarray], loud: Loud) -> Verdict | None:
        """Takes the frame that begins at `position`. before: the sound up to there, for the detector to settle in."""
        if self._detector is None:
            self._detector = VoiceDetector()
            self._detector.feed(before())
        self._saying = loud.saying or self._saying
        speech = self._is_speech(frame, loud)
        self._run = self._run + 1 if speech else 0
        self._silent = 0 if speech else self._silent + 1
        self._spoken += speech
        if self._held_frames is None:
            if self._run >= _ONSET_FRAMES and self._holds < _MOST_HOLDS:
                self._begin(position, before(), frame)
            elif self._silent * _FRAME_S >= _ENDED_S:
                self._forget_burst()
            return self._verdict_without_holding(position)
        self._held_frames.append(frame)
        return self._decide()

    def judged(self, message: Understood) -> Verdict | None:
        """The words of an interruption are there. Those of one that is over count if they are "stop"."""
        if message.hold != self._hold:
            return None
        if message.remark is Remark.STOP:
            return Verdict.STOP
        if self._held_frames is None:
            return None
        if message.remark is Remark.WORDS and self._trusted():
            return Verdict.LISTEN
        self._go_on()
        return None

    def over(self) -> None:
        """Nothing is heard any more, or the user has the word: nobody interrupts."""
        if self._detector is None:
            return
        if self._held_frames is not None:
            self._player.resume()
        self._let_go()
        self._hold += 1  # what is still being recognised is about something that is over
        self._detector = None
        self._holds = 0
        self._saying = ""
        self._echo.clear()

    def _is_speech(self, frame: np.ndarray, loud: Loud) -> bool:
        assert self._detector is not None
        probability = max(self._detector.feed(frame), default=0.0)
        speech = probability >= (_STILL_SPEECH if self._run else _SPEECH)
        if self._trusted() or self._held_frames is not None or not loud.speech:
            return speech
        level = level_dbfs(frame)
        known = len(self._echo) == self._echo.maxlen
        above = known and level > float(np.percentile(self._echo, _ECHO_PERCENTILE)) + _ABOVE_ECHO_DB
        if not above:
            self._echo.append(level)
        return speech and above

    def _begin(self, position: int, before: np.ndarray, frame: np.ndarray) -> None:
        """Somebody speaks: silence, until it is clear why."""
        self._hold += 1
        self._holds += 1
        self._player.pause()
        self.began = position - (_ONSET_FRAMES - 1) * FRAME_SAMPLES - round(_PRE_ROLL_S * RATE_HZ)
        self._held_frames = [before[-round(_PRE_ROLL_S * RATE_HZ) - (_ONSET_FRAMES - 1) * FRAME_SAMPLES :], frame]
        self._held_at = asyncio.get_running_loop().time()
        self._spoken = self._run
        self._release = asyncio.get_running_loop().call_later(_DECIDED_S + _GRACE_S, self._go_on)

    def _decide(self) -> Verdict | None:
        if self._trusted() and self._spoken * _FRAME_S >= _REAL_S:
            return Verdict.LISTEN
        waited_s = asyncio.get_running_loop().time() - self._held_at
        ended = self._silent * _FRAME_S >= _ENDED_S
        if self._asking is None and (ended or waited_s >= _DECIDED_S - _ENDED_S):
            assert self._held_frames is not None
            self._asking = self._owner.start(self._ask(self._hold, np.concatenate(self._held_frames), self._saying), "interruption")
        if waited_s < _DECIDED_S:
            return None
        if self._trusted() and self._spoken * _FRAME_S >= _PERHAPS_REAL_S and self._asking and not self._asking.done():
            return Verdict.LISTEN
        self._go_on()
        return None

    def _verdict_without_holding(self, position: int) -> Verdict | None:
        """After too many false alarms nothing is held any more; somebody who goes on speaking is heard all the same."""
        if self._holds < _MOST_HOLDS or not self._trusted() or self._run * _FRAME_S < _REAL_S:
            return None
        self.began = position - self._run * FRAME_SAMPLES - round(_PRE_ROLL_S * RATE_HZ)
        return Verdict.LISTEN

    async def _ask(self, hold: int, samples: np.ndarray, saying: str) -> None:
        try:
            async with asyncio.timeout(_LATE_WORDS_S):
                text = await self._hear(samples)
            remark = (await self._remarks()).judge(text, saying)
        except (AssistantError, TimeoutError):
            return  # nobody understands: the length of it decides
        await self._understood(Understood(hold, remark))

    def _go_on(self) -> None:
        """It was nothing."""
        if self._held_frames is None:
            return
        held_s = asyncio.get_running_loop().time() - self._held_at
        self._player.resume(from_clause=held_s > _SAME_WORDS_S)
        self._let_go()

    def _let_go(self) -> None:
        """The decision is made; a recogniser that is still at work goes on for the sake of a late "stop"."""
        if self._release:
            self._release.cancel()
        self._release = self._asking = self._held_frames = None
        self._forget_burst()

    def _forget_burst(self) -> None:
        self._run = self._silent = self._spoken = 0
