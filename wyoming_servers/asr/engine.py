"""The contract of a speech recogniser."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..shared.engines import EngineContext, Model
from ..shared.house import House


@dataclass(frozen=True)
class AsrRequest:
    """What is known before the first sample."""

    language: str | None = None
    """BCP 47 tag, one that `models` lists; None means the house's language."""
    model: str | None = None
    """One of `models`; None means the default."""
    names: tuple[str, ...] = ()
    """Names the transcript may hold; a bias, not a limit."""
    terms: tuple[str, ...] = ()
    """Words of the subject; a weaker bias."""


@dataclass(frozen=True)
class Transcription:
    """What was said."""

    text: str
    """Trimmed, single spaces; empty for silence, noise and what the engine does not trust."""
    confidence: float | None = None
    """0 (guess) to 1 (sure); None when the engine cannot tell."""
    language: str | None = None
    engine: str = ""
    """Which of several engines heard it; empty when there is only one."""
    begun: str = ""
    """Set when only the beginning of a sentence was heard: that beginning, where `text` is what comes closest to it."""


class AsrStream(ABC):
    """One utterance. Used on one thread at a time."""

    @abstractmethod
    def feed(self, samples: np.ndarray) -> str | None:
        """Takes (n,) int16 mono 16 kHz. Returns the hypothesis so far when it has changed, else None."""

    @abstractmethod
    def finish(self) -> Transcription:
        """The transcript of all that was fed."""

    def cancel(self) -> None:
        """The client has hung up: makes a `feed` or `finish` that waits for others end soon. On another thread than they."""

    def close(self) -> None:
        """Gives everything back; called once, also after an error or when the client hung up."""


class AsrEngine(ABC):
    """A loaded recogniser, shared by its streams. The constructor loads everything and may take seconds."""

    Options: type
    """Dataclass of options (see shared.schema.option)."""
    streams_partials = False
    """True when `feed` returns hypotheses while the user speaks."""
    settles_after = 0
    """A word that stands in the same place in so many hypotheses in a row, and is not the last, is sent to clients for good while
    the user speaks. 1 for an engine that only ever adds to its last word; 0 for one that may take back anything: its words are
    sent with the final text."""

    @classmethod
    @abstractmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        """Models on this machine now, the default first. Reads folders but loads nothing; blocking, called on any thread."""

    @abstractmethod
    def __init__(self, options: Any, context: EngineContext) -> None: ...

    @abstractmethod
    def open(self, request: AsrRequest) -> AsrStream:
        """Begins an utterance; may be called from several threads.

        Raises: UnsupportedLanguageError, UnknownNameError.
        """

    def renew(self, house: House) -> None:
        """The names of the house, or the files of sentences, have changed. Blocking, off the loop, while streams are open: they end as
        they began. Only for an engine that has built something of them; all others are told the names with each request."""

    def close(self) -> None:
        """Frees what the garbage collector does not."""
