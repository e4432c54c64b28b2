"""The way out of the house, as tools see it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import HttpError


@dataclass(frozen=True)
class Fetched:
    """What a web service answered."""

    url: str
    status: int
    """HTTP status, below 400."""
    body: bytes
    age_s: float = 0.0
    """Above 0 when it was kept from an earlier answer."""

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises: HttpError when it is none.
        """
        try:
            return json.loads(self.body)
        except ValueError as err:
            raise HttpError(f"{self.url} did not answer with JSON") from err


@dataclass(frozen=True)
class Departure:
    """One request that left, or stayed in the house, as the egress ledger has it."""

    at: float
    """Seconds since 1970 UTC."""
    tool: str
    method: str
    host: str
    why: str
    local: bool
    """True when the host is in the house: nothing left it."""
    sent_bytes: int
    """Request line, headers and body; 0 when there was no connection."""
    received_bytes: int
    """Headers and body, unpacked."""
    status: int
    """HTTP status; 0 without an answer."""
    problem: str
    """What went wrong; empty when nothing did."""

    @property
    def left(self) -> bool:
        """True when something left the house."""
        return not self.local and self.sent_bytes > 0


class Http(ABC):
    """The only way out of the house. Every request is written into the egress ledger: when, which tool, which host, how much, why."""

    def allows(self, url: str) -> bool:
        """False when the owner lets nothing out to the host of this address. Judged by its name alone, without looking it up."""
        return True

    @abstractmethod
    async def get(
        self,
        url: str,
        *,
        why: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        keep_s: float = 0.0,
        stale_s: float = 0.0,
        most_bytes: int = 4 * 1024 * 1024,
        enough: Callable[[bytearray], bool] | None = None,
        check: Callable[["Fetched"], object] | None = None,
    ) -> Fetched:
        """Asks a web service.

        why: what it is for, in a few words, for the ledger. keep_s: an answer that is younger is used again without asking.
        stale_s: when nobody answers, an earlier answer up to this old is used; its `age_s` says so.
        enough: for answers that need not end, such as video; called with what has come so far, which it must not change, and once it
        is true the connection is closed.
        check: looks at an answer; when it raises HttpError, the answer is not kept, and an earlier one helps out as if nobody had
        answered. Without it what a hotel's sign-in page says would be kept as the weather.
        Raises: HttpError.
        """

    @abstractmethod
    async def post(
        self,
        url: str,
        *,
        why: str,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        most_bytes: int = 4 * 1024 * 1024,
    ) -> Fetched:
        """Sends JSON to a web service. Never repeated, never kept.

        Raises: HttpError.
        """

    async def departures(self, since: float) -> Sequence[Departure]:
        """What all tools have sent since then, seconds since 1970 UTC, oldest first. Empty where no ledger is kept.

        Raises: HttpError when the ledger cannot be read.
        """
        return ()
