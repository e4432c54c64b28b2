"""Home Assistant's own wake word detection: the microphone goes there all the time, or while somebody speaks."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum

import numpy as np
from wyoming.audio import AudioChunk, AudioStop

from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.vad import VoiceDetector
from .home_run import HomeLostError, PipelineRun
from .links import WakeLink
from .messages import WakeWord
from .wyoming_link import HomeLink

_LOGGER = logging.getLogger(__name__)
_FIRST_PAUSE_S = 0.3  # after an error, doubled with every further one
_LONGEST_PAUSE_S = 30.0
_RESTART_S = 10.0  # Home Assistant does not tell that a run has ended, or never began: without a sign of it, it is asked again
_LONGEST_GATE_S = 30.0
_SPEECH, _STILL_SPEECH = 0.5, 0.35  # Silero's own threshold, and its hysteresis
_ONSET_FRAMES = 3
_SILENCE_FRAMES = round(1.0 * RATE_HZ / FRAME_SAMPLES)
_PRE_ROLL_FRAMES = round(0.8 * RATE_HZ / FRAME_SAMPLES)  # a wake word has begun before speech is certain


class _Phase(Enum):
    OFF = "off"
    WAITING = "Home Assistant waits for a wake word"
    COMMAND = "it has heard one"
    ANSWER = "it works on the command, and begins anew by itself"


class HomeEar:
    """Takes every frame; hands it to Home Assistant while that listens, and to our own wake word server in any case, so that it
    can take over at once. Every method is called on the loop."""

    def __init__(self, link: HomeLink, wake: WakeLink, heard: Callable[[WakeWord], Awaitable[None]], *, gated: bool) -> None:
        """heard: called with a wake word that counts. gated: sound is only sent while somebody speaks."""
        self._link = link
        self._wake = wake
        self._heard = heard
        self._detector = VoiceDetector() if gated else None
        self._phase = _Phase.OFF
        self._confirmed = False  # that it waits for a wake word
        self._run: PipelineRun | None = None
        self._position = 0
        self._sent = 0
        self._restart_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._speech_frames = self._silent_frames = 0
        self._gate_open_since = 0.0
        self._before: deque[np.ndarray] = deque(maxlen=_PRE_ROLL_FRAMES)
        self.listening = asyncio.Event()
        """Set once Home Assistant has taken sound."""

    @property
    def remote(self) -> bool:
        """True while wake words are Home Assistant's affair."""
        return self._link.active

    def feed(self, position: int, frame: np.ndarray) -> None:
        """Takes the (512,) int16 mono 16 kHz frame that begins at `position`."""
        self._wake.feed(position, frame)
        self._position = position + len(frame)
        if not self._link.active:
            return
        if self._phase is _Phase.COMMAND and (self._run is None or self._run.hushed):
            self._phase, self._restart_at = _Phase.ANSWER, 0.0
        if self._detector:
            self._gate(self._detector, frame)
        else:
            self._go_on()
        if self._phase in (_Phase.WAITING, _Phase.COMMAND):
            self._send(frame)

    def forget(self) -> None:
        """What was not handed on yet, never will be."""
        self._wake.forget()
        self._before.clear()

    async def heard_here(self, word: WakeWord) -> None:
        """Our own wake word server has heard one: that counts while Home Assistant is not there."""
        if not self.remote:
            await self._heard(word)

    def begin(self) -> None:
        """See RemoteEar."""
        self._phase, self._run, self._pause_s = _Phase.OFF, None, _FIRST_PAUSE_S
        self._restart_at = asyncio.get_running_loop().time()
        self._speech_frames = 0

    def end(self) -> None:
        """See RemoteEar."""
        self._phase, self._run = _Phase.OFF, None

    def listened_to(self) -> None:
        """See RemoteEar."""
        self._confirmed = True
        if not self._detector:
            self._phase = _Phase.WAITING

    async def detected(self, name: str) -> None:
        """See RemoteEar."""
        self._pause_s = _FIRST_PAUSE_S
        try:
            self._run = self._link.adopt()
        except HomeLostError:
            return
        self._phase = _Phase.COMMAND
        await self._heard(WakeWord(name, self._position))

    def failed(self, code: str) -> None:
        """See RemoteEar."""
        self._phase = _Phase.OFF
        self._restart_at = asyncio.get_running_loop().time() + self._pause_s
        if self._pause_s > _FIRST_PAUSE_S:
            _LOGGER.info("Home Assistant listens for wake words again in %.1f s: %s", self._pause_s, code)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def stand_back(self, run: PipelineRun) -> None:
        """See RemoteEar."""
        self._phase, self._run, self._restart_at = _Phase.ANSWER, run, 0.0

    def _go_on(self) -> None:
        """Asks Home Assistant to listen when it should and does not."""
        now = asyncio.get_running_loop().time()
        if self._phase is _Phase.ANSWER and self._run and self._run.closed and not self._restart_at:
            self._restart_at = now + (_RESTART_S if self._run.heard_elsewhere else 0.0)
        silent = self._phase is _Phase.WAITING and not self._confirmed
        over = self._phase is _Phase.OFF or silent or (self._phase is _Phase.ANSWER and self._restart_at)
        if over and now >= self._restart_at:
            self._listen(restart=True)

    def _gate(self, detector: VoiceDetector, frame: np.ndarray) -> None:
        """Opens when somebody speaks; closes in the silence after it, unless a wake word was heard."""
        probability = detector.feed(frame)[0]
        speaks = probability >= (_STILL_SPEECH if self._speech_frames else _SPEECH)
        self._speech_frames = self._speech_frames + 1 if speaks else 0
        self._silent_frames = 0 if speaks else self._silent_frames + 1
        now = asyncio.get_running_loop().time()
        if self._phase is _Phase.WAITING:
            if self._silent_frames >= _SILENCE_FRAMES or now > self._gate_open_since + _LONGEST_GATE_S:
                self._phase = _Phase.OFF
                self._link.send_sound(AudioStop().event())
        elif self._phase is not _Phase.COMMAND and self._speech_frames == _ONSET_FRAMES and self._link.resting:
            self._gate_open_since = now
            self._listen(restart=False)
            for before in self._before:
                self._send(before)
        self._before.append(frame)

    def _listen(self, *, restart: bool) -> None:
        try:
            self._link.wait_for_wake_word(restart=restart)
        except HomeLostError as err:
            _LOGGER.debug("%s", err)
            return
        self._phase, self._confirmed, self._run, self._sent = _Phase.WAITING, False, None, 0
        self._restart_at = asyncio.get_running_loop().time() + _RESTART_S

    def _send(self, frame: np.ndarray) -> None:
        chunk = AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=frame.astype("<i2").tobytes(), timestamp=self._sent * 1000 // RATE_HZ)
        self._sent += len(frame)
        if self._link.send_sound(chunk.event()):
            self.listening.set()
