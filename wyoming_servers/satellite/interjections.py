"""What is heard without having been asked for now: timers that ring, sentences, and announcements. All but these wait for their turn."""

import asyncio
import logging
from collections import deque
from contextlib import aclosing
from typing import Protocol

from ..shared.errors import AssistantError
from ..shared.settings import Settings
from ..shared.tasks import TaskOwner
from . import chimes
from .home_run import HomeSpeech
from .links import FinishedTimer, Saying
from .messages import Message, RingOver, SaidOver
from .output import LiveOutput
from .peers import Peers
from .playback import Player
from .ringing import Ringing
from .speech import synthesize
from .turn import CutOff
from .wording import Wording

_LOGGER = logging.getLogger(__name__)
_REMEMBERED_TIMERS = 64
_MOST_SAYINGS = 8  # of more, the oldest are not said


class TimerDesk(Protocol):
    """The intent server: is told what became of timers, and of answers."""

    def acknowledge(self, timer_id: str) -> None:
        """It rings here."""

    def dismiss(self, timer_id: str, *, by_user: bool) -> None:
        """It rings no more. by_user: somebody silenced it."""

    def woken(self, turn: int, wake_word: str, level_dbfs: float) -> None:
        """A turn has begun with a wake word that was so loud: perhaps another satellite heard it better."""

    def spoken(self, cut: CutOff) -> None:
        """Only the beginning of an answer was heard."""


class Interjections:
    """Owned by the state machine, which says when there is room for them. Set `timers` before the first one comes."""

    timers: TimerDesk

    def __init__(
        self, settings: Settings, peers: Peers, player: Player, output: LiveOutput, owner: TaskOwner, inbox: asyncio.Queue[Message]
    ) -> None:
        """inbox: is told with RingOver and SaidOver when something has ended by itself."""
        self._settings = settings
        self._peers = peers
        self._player = player
        self._output = output
        self._owner = owner
        self._inbox = inbox
        self._ringing = Ringing(player, chimes.ring(), self._say, settings.satellite.ring_s)
        self._rings = 0
        self._ring_task: asyncio.Task | None = None
        self._waiting: list[FinishedTimer] = []
        self._rung: deque[str] = deque(maxlen=_REMEMBERED_TIMERS)
        self._sayings: deque[Saying] = deque(maxlen=_MOST_SAYINGS)
        self._said = 0
        self._chime = chimes.announce() if settings.satellite.chimes else None
        self._announcements = 0
        self._say_task: asyncio.Task | None = None

    @property
    def waiting(self) -> bool:
        """True while something is still to be heard."""
        return bool(self._waiting or self._sayings)

    @property
    def busy(self) -> bool:
        """True while something is heard or waits."""
        return bool(self.waiting or self._ring_task or self._say_task or self._announcements)

    @property
    def ringing(self) -> dict[str, str]:
        """The sentences of what rings now, by id."""
        return {timer.id: timer.text for timer in self._ringing.timers.values()} if self._ring_task else {}

    def add_timer(self, timer: FinishedTimer) -> bool:
        """A timer waits to ring; False when it has rung already."""
        if timer.id in self._rung:
            self.timers.acknowledge(timer.id)
            return False
        self._rung.append(timer.id)
        self._waiting.append(timer)
        return True

    def cancel_timer(self, timer_id: str) -> bool:
        """A timer is no more; True when that ended the ringing."""
        self._waiting = [timer for timer in self._waiting if timer.id != timer_id]
        if timer_id not in self._ringing.timers:
            return False
        self._ringing.remove(timer_id)
        if not self._ringing.timers:
            self.stop_ringing()
        return not self._ringing.timers

    def add_saying(self, saying: Saying) -> None:
        """A sentence waits to be said."""
        self._sayings.append(saying)

    def announce(self, speech: HomeSpeech) -> None:
        """Home Assistant waits until it has been heard: behind what is being said, but not behind what waits."""
        self._announcements += 1
        self._owner.start(self._announce(speech), "announcement")

    def ring_over(self, message: RingOver) -> bool:
        """It has rung for as long as it may; False when that was another ringing."""
        if message.ring != self._rings:
            return False
        self.stop_ringing(by_user=False)
        return True

    def said_over(self, message: SaidOver) -> bool:
        """A sentence has been said; False when it was another one."""
        if message.saying != self._said:
            return False
        self._say_task = None
        return True

    def speak_up(self) -> None:
        """What waits is heard, timers first; call when no turn is under way."""
        if self._say_task:
            return
        self._ring()
        if self._sayings and not self._ring_task:
            self._said += 1
            self._say_task = self._owner.start(self._run_saying(self._sayings.popleft(), self._said), "say")

    def stop(self) -> None:
        """Nothing of it is heard any more; what waits goes on waiting."""
        self.stop_ringing()
        if self._say_task:  # the rest of the sentence is not said
            self._say_task.cancel()
            self._say_task = None

    def stop_ringing(self, *, by_user: bool = True) -> None:
        """Silences the timers that ring. by_user: somebody has heard them."""
        if self._ring_task is None:
            return
        self._ring_task.cancel()
        self._ring_task = None
        self._player.silence()
        for timer_id in list(self._ringing.timers):
            self._ringing.remove(timer_id)
            self.timers.dismiss(timer_id, by_user=by_user)

    def _ring(self) -> None:
        """Rings for all that wait."""
        for timer in self._waiting:
            self._ringing.add(timer)
            self.timers.acknowledge(timer.id)
        self._waiting.clear()
        if self._ringing.timers and self._ring_task is None:
            self._rings += 1
            self._ring_task = self._owner.start(self._run_ringing(self._rings), "ring")

    async def _run_ringing(self, number: int) -> None:
        await self._ringing.run()
        await self._inbox.put(RingOver(number))

    async def _run_saying(self, saying: Saying, number: int) -> None:
        await self._say(saying.text, saying.language)
        await self._inbox.put(SaidOver(number))

    async def _announce(self, speech: HomeSpeech) -> None:
        if self._chime is not None:
            self._player.play(self._chime)
        try:
            async with aclosing(speech.blocks()) as blocks:
                await self._output.speak(blocks)
        except AssistantError as err:
            _LOGGER.warning("an announcement could not be heard: %s", err)
        finally:
            speech.played()
            self._announcements -= 1

    async def _say(self, text: str, language: str = "") -> None:
        satellite, wording = self._settings.satellite, Wording(text)
        try:
            async with aclosing(synthesize(self._peers, wording, language or self._settings.language, satellite.tts_s)) as blocks:
                await self._output.speak(blocks, wording)
        except AssistantError as err:
            _LOGGER.warning("%r could not be said: %s", text, err)
