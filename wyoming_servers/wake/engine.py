"""The contract of a wake word detector."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..shared.engines import EngineContext, Model
from .thresholds import Thresholds


@dataclass(frozen=True)
class Hit:
    """A wake word was heard."""

    name: str
    """The model's name."""
    timestamp_ms: int
    """Stream time of the end of the frame that completed it: milliseconds of audio since the stream began."""
    score: float
    """0 to 1."""


class WakeStream(ABC):
    """One client's audio. Used on one thread at a time; all times are stream times, never the clock."""

    @property
    @abstractmethod
    def wanted_samples(self) -> int:
        """How many more samples are worth a call of `feed` now; fewer are taken too. Changes with every call."""

    @abstractmethod
    def feed(self, samples: np.ndarray) -> list[Hit]:
        """Takes (n,) int16 mono 16 kHz, any n; returns what was heard, in order. How the audio is cut makes no difference."""

    @abstractmethod
    def finish(self) -> list[Hit]:
        """No more audio comes; returns what its last part, followed by silence, completes. Afterwards only close."""

    @abstractmethod
    def best_scores(self) -> dict[str, float]:
        """Each word's highest score so far, 0 to 1, also of those that were not reported: how sure it has been."""

    def close(self) -> None:
        """Gives everything back."""


class WakeEngine(ABC):
    """A loaded detector, shared by its streams. `open` and the streams are used on several threads."""

    Options: type
    thresholds: Thresholds
    """Asked for every batch of audio, so that a change takes effect in streams that are open."""

    @classmethod
    @abstractmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        """Wake words on this machine now, the default first. Reads folders but loads nothing; blocking, called on any thread.

        Called every few seconds while the server runs, so that words which come and go are seen: cheap when nothing has changed,
        and a fault of one word is logged once.
        """

    @abstractmethod
    def __init__(self, options: Any, context: EngineContext) -> None: ...

    @abstractmethod
    def open(self, names: Sequence[str]) -> WakeStream:
        """Begins to listen for `names`; those that do not exist here are left out, empty means the default words of the options.

        Raises: UnknownNameError when none of them exists here.
        """

    def close(self) -> None:
        """Frees what the garbage collector does not."""
