"""What the tool wants of an encyclopaedia."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

KEPT_S = 86400.0
LAST_RESORT_S = 30 * 86400.0


@dataclass(frozen=True)
class Hit:
    """An article that a search has found."""

    title: str
    key: str
    """By which its source finds it again."""
    description: str = ""
    """What it is about, in a few words; empty where the source does not tell."""
    also: str = ""
    """Another title that leads to it, and that fits what was looked for."""


@dataclass(frozen=True)
class Page:
    """An article."""

    title: str
    text: str
    """Its introduction, or the beginning of it, fit to be spoken."""
    ambiguous: bool = False
    """It only lists articles about different things of one name."""


class Source(ABC):
    """One encyclopaedia. All its methods raise HttpError."""

    name: str

    @abstractmethod
    async def search(self, subject: str, language: str) -> list[Hit]:
        """Articles about something, the best first."""

    @abstractmethod
    async def titles(self, beginning: str, language: str) -> list[Hit]:
        """Articles whose titles begin so."""

    @abstractmethod
    async def page(self, hit: Hit, language: str, *, whole: bool) -> Page | None:
        """An article; None when it is not there. whole: all of its introduction."""
