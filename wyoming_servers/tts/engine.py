"""The contract of a voice."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..shared.engines import EngineContext, Model


@dataclass(frozen=True)
class AudioBlock:
    """A piece of speech: mono 16-bit little-endian PCM."""

    pcm: bytes
    rate_hz: int
    """The same for every block of one request."""


@dataclass(frozen=True)
class TtsRequest:
    """What to say, and how."""

    text: str
    """Plain text, at least one character to be spoken."""
    voice: str
    """One that `models` lists; the server has chosen it by name, language or default."""
    speaker: str | None = None
    """One of the voice's speakers."""


class TtsEngine(ABC):
    """A loaded synthesiser."""

    Options: type
    instant = False
    """True for an engine that speaks sooner than finished phrases are read from a disk: none of it are kept."""

    @classmethod
    @abstractmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        """Voices on this machine now, the default first. Reads folders but loads nothing; blocking, called on any thread."""

    @abstractmethod
    def __init__(self, options: Any, context: EngineContext) -> None: ...

    @abstractmethod
    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech, yielded as soon as it is made; stops when the iterator is closed.

        An iterator that waits for others may have `cancel()`, which makes a waiting `next` end soon (see shared.portal).
        """

    def close(self) -> None:
        """Frees what the garbage collector does not."""
