"""Has a model listen to the voice at a pause, beside everything else: what it says counts if it comes in time."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..shared.errors import AssistantError
from ..shared.patience import Prosody
from ..shared.tasks import TaskOwner, on_own_thread

if TYPE_CHECKING:
    from ..shared.end_of_turn import EndOfTurnModel

_LOGGER = logging.getLogger(__name__)
SILENCE_S = 0.2
"""Silence after which it is asked: so much ends what such models were taught with."""
_USELESS_S = 5.0  # nobody is waited for so long
_MISSES = 3


@dataclass
class Opinion:
    """What the model says of one pause. Filled in when it knows."""

    asked: bool = False
    """Somebody was to listen."""
    given: bool = False
    """And has."""
    prosody: Prosody | None = None
    """None until then, and when the model is not sure."""


class ProsodyListener:
    """A satellite's. Its methods belong to the event loop; nothing that is heard is kept."""

    def __init__(self, owner: TaskOwner, deafened: Callable[[], bool]) -> None:
        """owner: of its tasks. deafened: whether the microphone hears our own voice now."""
        self._owner = owner
        self._deafened = deafened
        self._model: EndOfTurnModel | None = None
        self._busy = False
        self._missed = 0

    @property
    def window_s(self) -> float:
        """How much of what was said it wants to hear, in seconds; 0 while nobody listens."""
        return self._model.window_s if self._model else 0.0

    def prepare(self, load: "Callable[[], EndOfTurnModel | None]") -> None:
        """Begins to load the model; until it is there, and when it cannot be, nobody listens. load: blocks, on a thread of its own."""
        self._owner.start(self._prepare(load), "model of the end of turns")

    def ask(self, samples: np.ndarray) -> Opinion:
        """An opinion on a pause, which is given later or never. samples: (n,) int16 mono 16 kHz that end with SILENCE_S of silence."""
        opinion = Opinion(asked=self._model is not None and not self._deafened())
        if self._model and opinion.asked and not self._busy:
            self._busy = True
            self._owner.start(self._listen(self._model, samples, opinion), "end of a turn by its melody")
        return opinion

    def counted(self, *, in_time: bool) -> None:
        """A turn is over for which the opinion mattered. One that always comes too late costs the machine work for nothing."""
        self._missed = 0 if in_time else self._missed + 1
        if self._model and self._missed >= _MISSES:
            self._model = None
            _LOGGER.warning(
                "the end-of-turn model was too late %d times in a row: this machine is too slow or too busy for it. It is not asked any"
                " more until the next start; satellite.end_of_turn: none switches it off for good",
                _MISSES,
            )

    async def _prepare(self, load: "Callable[[], EndOfTurnModel | None]") -> None:
        try:
            self._model = await on_own_thread(load, "model of the end of turns")
        except AssistantError as err:
            _LOGGER.warning("nobody listens to the melody of the voice: %s", err)
        if self._model:
            _LOGGER.info("%s listens to the melody of the voice", type(self._model).__name__)

    async def _listen(self, model: "EndOfTurnModel", samples: np.ndarray, opinion: Opinion) -> None:
        try:
            async with asyncio.timeout(_USELESS_S):
                opinion.prosody = await on_own_thread(lambda: model.prosody(samples), "end of a turn by its melody", self._free)
        except TimeoutError:
            return
        except AssistantError as err:
            self._model = None
            _LOGGER.warning("nobody listens to the melody of the voice any more: %s", err)
        opinion.given = True

    def _free(self) -> None:
        self._busy = False
