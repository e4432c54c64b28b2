"""The satellite's state machine: frames, wake words, finished turns and timers are messages, and one task acts on them."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Protocol

import numpy as np

from ..shared.audio import RATE_HZ
from ..shared.endpointing import Ending, Patience
from ..shared.identity import machine_id
from ..shared.settings import Settings
from ..shared.tasks import TaskOwner
from . import chimes
from .boundary import LOOK_BACK_S, boundary
from .hearing import Hearing
from .interjections import Interjections, TimerDesk
from .links import FinishedTimer, Saying
from .listening import Listening, patience
from .messages import Frame, Message, MicrophoneLost, RingOver, SaidOver, TimerCancelled, TurnOver, WakeWord
from .output import LiveOutput
from .peers import Peers
from .playback import Player
from .report import TurnReport
from .turn import Asker, Turn, TurnId

_LOGGER = logging.getLogger(__name__)
_INBOX_MESSAGES = 256
_KEEP_S = 10.0  # of the microphone, besides the longest command
_CONVERSATION_S = 300.0  # what was said before is forgotten after this
_SETTLE_S = 0.25  # after the answer's last sample the room still rings of it
_FOLLOW_UP_SPEECH_S = 0.4  # without a wake word, less than this was not meant for us
_FOLLOW_UPS = 10  # in a row: nothing keeps the microphone open for ever
_HUM_S = 1.2  # what ends sooner after the wake word and is not understood was a hum or a cough: the command is still to come
_SAME_WORD_S = 1.0  # two detections closer than this are one wake word
_QUIET_INTENTS = ("EarshotStop", "HassNevermind")


class Ear(Protocol):
    """Takes every frame, for wake words."""

    def feed(self, position: int, frame: np.ndarray) -> None:
        """The frame that begins at `position`."""


def satellite_id(settings: Settings) -> str:
    """Who this satellite is, the same after every restart. Blocking."""
    return f"{settings.satellite.name}-{machine_id()}"[:100]


class Satellite:
    """Owns the state. Others put messages into `inbox`; `connect` before `run`."""

    ear: Ear

    def __init__(self, settings: Settings, peers: Peers, player: Player, on_turn: Callable[[TurnReport], None]) -> None:
        """on_turn: called with every turn's report when it is over."""
        satellite = settings.satellite
        self.inbox: asyncio.Queue[Message] = asyncio.Queue(_INBOX_MESSAGES)
        self.id = satellite_id(settings)
        self._settings = settings
        self._peers = peers
        self._player = player
        self._on_turn = on_turn
        self._owner = TaskOwner()
        self._chimes = {name: getattr(chimes, name)() for name in ("wake", "done", "error")} if satellite.chimes else {}
        self._output = LiveOutput(player, self._chimes.get("error"))
        self._hearing = Hearing(satellite.longest_s + _KEEP_S)
        self._turns = 0
        self._turn: Turn | None = None
        self._task: asyncio.Task | None = None
        self._listening: Listening | None = None
        self._hum: int | None = None
        self._follow_ups = 0
        self._conversation = uuid.uuid4().hex
        self._conversation_until = 0.0
        self._interjections = Interjections(settings, peers, player, self._output, self._owner, self.inbox)

    @property
    def idle(self) -> bool:
        """True while nobody speaks, nothing is heard and nothing waits."""
        return not (self._turn or self._interjections.busy or self._player.playing or self.inbox.qsize())

    @property
    def in_turn(self) -> bool:
        """True while the microphone is open to the user."""
        return self._listening is not None

    def connect(self, ear: Ear, timers: TimerDesk) -> None:
        """ear: takes the sound. timers: is told what became of timers."""
        self.ear = ear
        self._interjections.timers = timers

    async def run(self) -> None:
        """Acts on messages until cancelled."""
        try:
            while True:
                message = await self.inbox.get()
                try:
                    self._act(message)
                except Exception:
                    _LOGGER.exception("the satellite failed at a %s; it begins anew", type(message).__name__)
                    self._drop_turn("failed")
                    self._chime("error")
        finally:
            await self._owner.close()

    def _act(self, message: Message) -> None:
        match message:
            case Frame():
                self._hear(message)
            case WakeWord():
                self._wake_up(message)
            case TurnOver():
                self._turn_over(message)
            case MicrophoneLost():
                self._stop_listening(Ending.TOO_LONG)
            case FinishedTimer() | TimerCancelled() | RingOver() | Saying() | SaidOver():
                self._act_on_interjection(message)

    def _act_on_interjection(self, message: FinishedTimer | TimerCancelled | RingOver | Saying | SaidOver) -> None:
        match message:
            case FinishedTimer():
                if self._interjections.add_timer(message):
                    self._interject()
            case TimerCancelled():
                if self._interjections.cancel_timer(message.id):
                    self._interject()
            case RingOver():
                if self._interjections.ring_over(message):
                    self._interjections.speak_up()
            case Saying():
                self._interjections.add_saying(message)
                self._interject()
            case SaidOver():
                if self._interjections.said_over(message):
                    self._interjections.speak_up()

    def _hear(self, frame: Frame) -> None:
        self.ear.feed(self._hearing.position, frame.samples)
        self._hearing.append(frame.samples, frame.heard_at)
        if self._listening:
            self._listen_on(self._listening)

    def _wake_up(self, word: WakeWord) -> None:
        if self._listening and self._turn and self._turn.report.wake_word and word.end - self._listening.start < _SAME_WORD_S * RATE_HZ:
            return
        self._interjections.stop()
        self._drop_turn("interrupted")
        self._player.silence()
        self._chime("wake")
        self._follow_ups = 0
        turn = self._new_turn(addressed=True)
        turn.report.wake_word = word.name
        turn.report.stages_ms["wake"] = round((asyncio.get_running_loop().time() - self._hearing.clock(word.end)) * 1000)
        found = boundary(self._hearing.between(word.end - round(LOOK_BACK_S * RATE_HZ), word.end))
        limits = patience(self._settings.satellite)
        self._open(Listening(turn, self._hearing, word.end - found.early, limits, found.tail_s))

    def _open(self, listening: Listening) -> None:
        self._listening = listening
        self._listen_on(listening)

    def _listen_on(self, listening: Listening) -> None:
        ending = listening.update()
        if listening.started and not self._task:  # the recogniser works while the user speaks
            self._task = self._owner.start(self._run(listening), f"turn {listening.turn.id.number}")
        if ending:
            self._stop_listening(ending)

    def _stop_listening(self, ending: Ending) -> None:
        """The microphone is closed to the user; what was said is answered."""
        listening, self._listening = self._listening, None
        if listening is None:
            return
        if ending is not Ending.NO_SPEECH and listening.started:
            short = listening.speech_end - listening.start < _HUM_S * RATE_HZ
            self._hum = self._hearing.position if short and listening.turn.addressed and not listening.turn.id.revision else None
            listening.commit()
            return
        self._drop_turn("no-speech")
        if listening.turn.addressed:
            self._chime("done")
        self._interjections.speak_up()

    async def _run(self, listening: Listening) -> None:
        turn = listening.turn
        try:
            await turn.run(listening.utterance, self._output)
        except Exception as err:
            _LOGGER.exception("turn %d failed", turn.id.number)
            turn.report.ended, turn.report.error = "failed", f"{type(err).__name__}; the log says more"
            await self._output.fail()
        await self.inbox.put(TurnOver(turn.id, turn.report))

    def _turn_over(self, message: TurnOver) -> None:
        if self._turn is None or message.turn != self._turn.id:
            return
        report, turn = message.report, self._turn
        self._turn = self._task = self._listening = None
        if report.ended == "empty" and self._hum is not None:
            self._listen_again(turn, self._hum)
            return
        self._on_turn(report)
        if report.ended == "empty":
            self._chime("error")
        if report.ended == "answered" and not report.answer and turn.addressed:
            self._chime("done")
        if self._interjections.waiting:
            self._interjections.speak_up()
        elif report.ended == "answered" and report.intent not in _QUIET_INTENTS:
            self._follow_up()

    def _listen_again(self, turn: Turn, start: int) -> None:
        """The same turn's second attempt."""
        again = self._new_turn(addressed=True, turn_id=TurnId(turn.id.number, turn.id.revision + 1))
        again.report.wake_word, again.report.stages_ms = turn.report.wake_word, {"wake": turn.report.stages_ms.get("wake", 0)}
        self._open(Listening(again, self._hearing, start, patience(self._settings.satellite)))

    def _follow_up(self) -> None:
        """Listens without a wake word for a little while."""
        satellite = self._settings.satellite
        if not satellite.follow_up_s or self._follow_ups >= _FOLLOW_UPS:
            return
        self._follow_ups += 1
        limits = Patience(satellite.silence_s, satellite.follow_up_s, satellite.longest_s, speech_s=_FOLLOW_UP_SPEECH_S)
        start = self._hearing.position + round(_SETTLE_S * RATE_HZ)
        self._open(Listening(self._new_turn(addressed=False), self._hearing, start, limits))

    def _new_turn(self, *, addressed: bool, turn_id: TurnId | None = None) -> Turn:
        now = asyncio.get_running_loop().time()
        if now > self._conversation_until:
            self._conversation = uuid.uuid4().hex
        self._conversation_until = now + _CONVERSATION_S
        if turn_id is None:
            self._turns += 1
            turn_id = TurnId(self._turns)
        asker = Asker(self.id, self._conversation, self._settings.satellite.area)
        self._turn = Turn(turn_id, self._peers, self._settings, asker, addressed=addressed)
        return self._turn

    def _drop_turn(self, why: str) -> None:
        """Whatever the turn still does is for nobody."""
        turn, self._turn, self._listening = self._turn, None, None
        if self._task:
            self._task.cancel()
            self._task = None
        if turn and (turn.addressed or turn.report.transcript):
            turn.report.ended = why
            self._on_turn(turn.report)

    def _interject(self) -> None:
        """What waits is heard now, unless the user has the word: then it is when that turn is over."""
        if self._interjections.waiting and (self._turn is None or (not self._turn.addressed and not self._task)):
            self._drop_turn("interrupted")  # an open follow-up window in which nobody speaks
            self._interjections.speak_up()

    def _chime(self, name: str) -> None:
        if name in self._chimes:
            self._player.play(self._chimes[name])
