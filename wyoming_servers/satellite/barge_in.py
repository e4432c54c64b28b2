"""The microphone while something is heard from the loudspeaker: who may interrupt, and with what."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from ..shared.audio import RATE_HZ
from ..shared.settings import Settings
from ..shared.tasks import TaskOwner
from .echo import EchoCanceller
from .hearing import Hearing
from .interjections import Interjections
from .interruption import Interruption, Loud, Understood, Verdict
from .output import LiveOutput
from .peers import Peers
from .playback import Player
from .remarks import Remark, Remarks
from .transcribing import transcribe
from .utterance import Utterance

_CONTEXT_S = 0.5  # before it, for the voice detector to settle in
_SETTLE_S, _SETTLED_S = 0.25, 0.1
_WORDS_S = 6.0  # for the transcript of a remark


class BargeIn:
    """Belongs to the state machine, which tells it of every frame."""

    def __init__(
        self,
        settings: Settings,
        peers: Peers,
        player: Player,
        output: LiveOutput,
        interjections: Interjections,
        hearing: Hearing,
        owner: TaskOwner,
        understood: Callable[[Understood], Awaitable[None]],
    ) -> None:
        """understood: is told what was said; hand it to `judged`."""
        self._language = settings.language
        self._peers = peers
        self._output = output
        self._interjections = interjections
        self._hearing = hearing
        self._clean = settings.satellite.echo_cancel == "device"
        self.canceller: EchoCanceller | None = None
        """What takes our own voice out of the microphone's sound; None for nobody here."""
        self._interruption = Interruption(player, self._hear, self._remarks, understood, lambda: self.trusted, owner)

    @property
    def began(self) -> int:
        """Position in the stream where the user began to interrupt."""
        return self._interruption.began

    @property
    def settle_s(self) -> float:
        """After our own last sample, how long the room rings of it in the microphone's sound."""
        return _SETTLED_S if self.trusted else _SETTLE_S

    @property
    def trusted(self) -> bool:
        """True while our own voice is not in the microphone's sound."""
        return self.canceller.settled if self.canceller else self._clean

    @property
    def _audible(self) -> bool:
        return self._output.speaking or bool(self._interjections.ringing)

    def feed(self, frame: np.ndarray) -> Verdict | None:
        """Takes the latest frame of the hearing; what is to be done when it decided something."""
        if not self._audible:
            self._interruption.over()
            return None
        hearing, at = self._hearing, self._hearing.position - len(frame)
        loud = Loud(self._output.saying, self._output.speaking)
        return self._interruption.feed(at, frame, lambda: hearing.between(at - round(_CONTEXT_S * RATE_HZ), at), loud)

    def judged(self, message: Understood) -> Verdict | None:
        """What is to be done about words."""
        return self._interruption.judged(message) if self._audible else None

    def over(self) -> None:
        """The user has the word."""
        self._interruption.over()

    async def _hear(self, samples: np.ndarray) -> str:
        """The words of a remark. What is not understood without our own voice may be with it."""
        unchanged = self.canceller.as_heard(len(samples)) if self.canceller else None
        remarks = await self._remarks()
        text = await self._transcript(samples, remarks)
        if unchanged is None or remarks.judge(text, "") is not Remark.NOTHING:
            return text
        again = await self._transcript(unchanged, remarks)
        return again if remarks.judge(again, self._output.saying) is Remark.STOP else text

    async def _transcript(self, samples: np.ndarray, remarks: Remarks) -> str:
        remark = Utterance()
        remark.append(samples)
        remark.finish()
        return (await transcribe(self._peers, remark.take(), self._language, _WORDS_S, terms=remarks.terms)).text

    async def _remarks(self) -> Remarks:
        return await asyncio.to_thread(Remarks, self._language)
