"""The satellite's state machine: frames, wake words, finished turns and timers are messages, and one task acts on them."""

import asyncio
import logging
from collections.abc import Callable

from ..shared.audio import RATE_HZ, level_dbfs
from ..shared.endpointing import Ending, Patience
from ..shared.identity import satellite_id
from ..shared.patience import Prospect
from ..shared.settings import Settings
from ..shared.tasks import TaskOwner
from .barge_in import BargeIn
from .boundary import LOOK_BACK_S, boundary
from .conversation import Conversation
from .echo import EchoCanceller
from .events import Events
from .follow_up import FollowUp, Window
from .hearing import Ear, Hearing
from .home_turn import HomeTurn
from .interjections import Interjections, TimerDesk
from .interruption import Understood, Verdict
from .links import FinishedTimer, Saying
from .listening import Listening, patience
from .messages import (
    Announcement,
    Frame,
    HeardOut,
    HomeChanged,
    Interjection,
    Judged,
    Message,
    MicrophoneLost,
    MicrophoneMuted,
    RingOver,
    SaidOver,
    TimerCancelled,
    TurnOver,
    WakeWord,
    Yielded,
)
from .output import LiveOutput
from .peers import Peers
from .playback import Player
from .prosody import ProsodyListener
from .report import TurnReport
from .signals import QUIET_INTENTS, Signals
from .speculation import Speculation
from .targets import check_targets, target_of
from .turn import Asker, Turn, TurnId
from .wyoming_link import HomeLink

_LOGGER = logging.getLogger(__name__)
_INBOX_MESSAGES = 256
_KEEP_S = 10.0  # of the microphone, besides the longest command
_HUM_S = 1.2  # what ends sooner after the wake word and is not understood was a hum or a cough: the command is still to come
_WORD_S = 0.8  # of it, for its loudness
_SAME_WORD_S = 1.0  # two detections closer than this are one wake word


class Satellite:
    """Owns the state. Others put messages into `inbox`; `connect` before `run`."""

    ear: Ear

    def __init__(
        self, settings: Settings, peers: Peers, player: Player, on_turn: Callable[[TurnReport], None], events: Events | None = None
    ) -> None:
        """on_turn: called with every turn's report when it is over. events: are told what happens.

        Raises: SettingsError.
        """
        satellite = settings.satellite
        check_targets(satellite.targets)
        self.inbox: asyncio.Queue[Message] = asyncio.Queue(_INBOX_MESSAGES)
        self.id = satellite_id(satellite.name)
        self._settings = settings
        self._peers = peers
        self._player = player
        self._on_turn = on_turn
        self._events = events or Events()
        self._owner = TaskOwner()
        self._signals = Signals(player, self._owner, wanted=satellite.chimes)
        self._output = LiveOutput(player, self._signals.sound("error"))
        self._hearing = Hearing(satellite.longest_s + _KEEP_S)
        self._turns = 0
        self._home: HomeLink | None = None
        self._target = satellite.assistant
        self._turn: Turn | HomeTurn | None = None
        self._task: asyncio.Task | None = None
        self._listening: Listening | None = None
        self._committed: Listening | None = None  # whose turn has not been answered
        self._speculation = Speculation(satellite.silence_s, allowed=satellite.speculate == "auto")
        self._hum: int | None = None
        self._follow_up = FollowUp(satellite)
        self._muted = self._muted_here = False
        self._conversation = Conversation()
        self._interjections = Interjections(settings, peers, player, self._output, self._owner, self.inbox)
        heard = (player, self._output, self._interjections, self._hearing)
        self._barge_in = BargeIn(settings, peers, *heard, self._owner, self.inbox.put)
        self.melody = ProsodyListener(self._owner, lambda: player.playing and not self._barge_in.trusted)
        """Who listens at pauses whether the user has finished; nobody until it is told to."""

    @property
    def idle(self) -> bool:
        """True while nobody speaks, nothing is heard and nothing waits."""
        return not (self._turn or self._interjections.busy or self._player.playing or self.inbox.qsize())

    @property
    def in_turn(self) -> bool:
        """True while the microphone is open to the user."""
        return self._listening is not None or (self._committed is not None and self._committed.turn.reopens)

    def connect(self, ear: Ear, timers: TimerDesk, home: HomeLink | None = None, canceller: EchoCanceller | None = None) -> None:
        """ear: takes the sound. timers: is told what became of timers. home: where Home Assistant is. canceller: of our own voice."""
        self._barge_in.canceller = canceller
        self.ear = ear
        self._interjections.timers = timers
        self._home = home

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
                    self._signals.play("error")
                self._tell_state()
        finally:
            await self._owner.close()

    def _tell_state(self) -> None:
        self._events.ring(self._interjections.ringing)
        if self._listening:
            self._events.be("listening")
        elif self._output.speaking:
            self._events.be("speaking")
        elif self._turn:
            self._events.be("thinking")
        else:
            self._events.be("ringing" if self._interjections.ringing else "muted" if self._muted else "idle")

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
            case MicrophoneMuted():
                self._muted_here = message.muted
                self._mute(self._muted_here or self._muted_there)
            case HeardOut():
                if self._listening and self._listening.turn.id == message.turn:
                    self._stop_listening(Ending.SILENCE)
            case Judged():
                if self._listening and self._listening.turn.id == message.turn:
                    self._stop_listening(self._listening.judge(message.revision, message.prospect))
            case Understood():
                self._give_way(self._barge_in.judged(message))
            case HomeChanged():
                self._mute(self._muted_here or self._muted_there)
            case _:
                self._act_on_interjection(message)

    def _act_on_interjection(self, message: Interjection) -> None:
        match message:
            case Yielded():
                self._yield(message)
            case Announcement():
                self._interjections.announce(message.speech)
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

    @property
    def _muted_there(self) -> bool:
        """True while Home Assistant's mute switch for this satellite is on."""
        return self._home is not None and self._home.muted

    def _mute(self, muted: bool) -> None:
        """Nothing of what is heard from now on goes anywhere; what is under way is still answered, and timers ring."""
        if muted == self._muted:
            return
        self._muted = muted
        if muted:
            self.ear.forget()
            if self._listening:
                self._drop_turn("muted")
                self._interjections.speak_up()
        if self._output.speaking or not self._player.playing:  # switched to and fro, it would chime for long
            self._signals.play("muted" if muted else "unmuted")
        self._events.tell("muted" if muted else "unmuted")

    def _hear(self, frame: Frame) -> None:
        if self._muted:
            return
        self.ear.feed(self._hearing.position, frame.samples)
        self._hearing.append(frame.samples, frame.heard_at)
        if self._listening:
            self._listen_on(self._listening)
        elif self._committed and self._committed.goes_on():
            self._listening, self._committed = self._committed, None
            self._signals.answered()
        else:
            self._give_way(self._barge_in.feed(frame.samples))

    def _give_way(self, verdict: Verdict | None) -> None:
        """Somebody has spoken into what is heard, and means it."""
        if verdict is None:
            return
        self._hush()
        if verdict is Verdict.LISTEN:
            self._listen_for(self._follow_up.interrupted(), self._barge_in.began)
        else:
            self._interjections.speak_up()

    def _hush(self) -> None:
        """Nothing is heard any more, and nobody waits for an answer."""
        self._interjections.stop()
        self._drop_turn("interrupted")
        self._player.silence()
        self._barge_in.over()

    def _wake_up(self, word: WakeWord) -> None:
        if self._listening and self._turn and self._turn.report.wake_word and word.end - self._listening.start < _SAME_WORD_S * RATE_HZ:
            return
        if self._muted:
            return  # it was heard before
        self._target = target_of(word.name, self._settings.satellite)
        self._events.tell("detected", wake_word=word.name, target=self._target)
        self._hush()
        if self._target == "home_assistant" and not (self._home and self._home.active):
            self._refuse(word)
            return
        self._signals.play("wake")
        self._follow_up.woken()
        turn = self._new_turn(addressed=True)
        turn.report.wake_word = word.name
        turn.report.stages_ms["wake"] = round((asyncio.get_running_loop().time() - self._hearing.clock(word.end)) * 1000)
        found = boundary(self._hearing.between(word.end - round(LOOK_BACK_S * RATE_HZ), word.end))
        if isinstance(turn, Turn):  # Home Assistant chooses among its satellites by itself
            level = level_dbfs(self._hearing.between(word.end - round(_WORD_S * RATE_HZ), word.end))
            self._interjections.timers.woken(turn.id.number, word.name, level)
        limits = patience(self._settings.satellite)
        self._open(turn, word.end - found.early, limits, found.tail_s)

    def _yield(self, message: Yielded) -> None:
        """Another satellite answers. Nobody is told here."""
        if self._turn and self._turn.id.number == message.turn and not self._output.speaking:
            self._drop_turn("ignored")
            self._interjections.speak_up()

    def _refuse(self, word: WakeWord) -> None:
        """Nobody is there who may answer."""
        self._signals.play("error")
        why = "Home Assistant is not connected, and nobody else may answer (satellite.assistant, satellite.targets)"
        self._report(TurnReport(wake_word=word.name, ended="failed", error=why))

    def _open(self, turn: Turn | HomeTurn, start: int, limits: Patience, tail_s: float = 0.0) -> None:
        self._listening = Listening(turn, self._hearing, start, limits, self._speculation, self.melody, tail_s)
        self._listen_on(self._listening)

    def _listen_on(self, listening: Listening) -> None:
        ending = listening.update()
        if listening.started and not self._task:  # the recogniser works while the user speaks
            self._task = self._owner.start(self._run(listening), f"turn {listening.turn.id.number}")
        self._stop_listening(ending)

    def _stop_listening(self, ending: Ending | None) -> None:
        """The microphone is closed to the user, if there is a reason; what was said is answered."""
        listening = self._listening
        if listening is None or ending is None:
            return
        self._listening = None
        if ending is not Ending.NO_SPEECH and listening.started:
            short = listening.speech_end - listening.start < _HUM_S * RATE_HZ
            self._hum = self._hearing.position if short and listening.turn.addressed and not listening.turn.id.revision else None
            self._committed = listening if ending is Ending.SILENCE else None
            listening.commit(settled=self._committed is None)
            self._signals.wait()
            return
        self._drop_turn("no-speech")
        if self._home:
            self._home.let_go()
        if listening.turn.addressed and not listening.turn.asked:
            self._signals.play("done")
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
        self._signals.answered()
        report, turn = message.report, self._turn
        self._turn = self._task = self._listening = self._committed = None
        if report.ended == "empty" and self._hum is not None:
            self._listen_again(turn, self._hum)
            return
        self._report(report)
        self._signals.end(report, addressed=turn.addressed)
        if self._interjections.waiting:
            self._interjections.speak_up()
        elif report.ended == "answered" and report.intent not in QUIET_INTENTS:
            self._listen_for(self._follow_up.after(report), self._hearing.position + round(self._barge_in.settle_s * RATE_HZ))

    def _listen_again(self, turn: Turn | HomeTurn, start: int) -> None:
        """The same turn's second attempt."""
        again = self._new_turn(addressed=True, asked=turn.asked, turn_id=turn.second_attempt)
        again.report.wake_word, again.report.stages_ms = turn.report.wake_word, {"wake": turn.report.stages_ms.get("wake", 0)}
        self._open(again, start, patience(self._settings.satellite))

    def _listen_for(self, window: Window | None, start: int) -> None:
        """Listens without a wake word for a little while."""
        if window and not self._muted:
            self._open(self._new_turn(addressed=window.asked, asked=window.asked), start, window.limits)

    def _new_turn(self, *, addressed: bool, asked: bool = False, turn_id: TurnId | None = None) -> Turn | HomeTurn:
        if turn_id is None:
            self._turns += 1
            turn_id = TurnId(self._turns)
        asker = Asker(self.id, self._conversation.next_turn(), self._settings.satellite.area)
        learnt = {"speculation": self._speculation, "judged": self._judged}
        turn = Turn(turn_id, self._peers, self._settings, asker, addressed=addressed, asked=asked, **learnt)
        self._turn = self._answered_by(turn)
        return self._turn

    def _answered_by(self, turn: Turn) -> Turn | HomeTurn:
        """Home Assistant's, when it is there and may."""
        if self._home is None or not self._home.active or self._target == "local":
            return turn
        return HomeTurn(turn, self._home, self._peers, self._settings, self._heard_out, alone=self._target == "home_assistant")

    async def _judged(self, turn: TurnId, revision: int, prospect: Prospect | None) -> None:
        await self.inbox.put(Judged(turn, revision, prospect))

    async def _heard_out(self, turn: TurnId) -> None:
        await self.inbox.put(HeardOut(turn))

    def _report(self, report: TurnReport) -> None:
        self._on_turn(report)
        self._events.turn(report)

    def _drop_turn(self, why: str) -> None:
        """Whatever the turn still does is for nobody."""
        self._signals.answered()
        turn, self._turn = self._turn, None
        self._listening = self._committed = None
        if isinstance(turn, Turn) and (cut := turn.cut_off(self._output.spoken)):
            self._interjections.timers.spoken(cut)
        if self._task:
            self._task.cancel()
            self._task = None
        if turn and (turn.addressed or turn.report.transcript):
            turn.report.ended = why
            self._report(turn.report)

    def _interject(self) -> None:
        """What waits is heard now, unless the user has the word: then it is when that turn is over."""
        if self._interjections.waiting and (self._turn is None or (not self._turn.addressed and not self._task)):
            self._drop_turn("interrupted")  # an open follow-up window in which nobody speaks
            self._interjections.speak_up()
