"""Requests that move on to another server when one fails, within the caller's deadline."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from ..shared.client import WyomingClient
from ..shared.errors import AssistantError, DeadlineError, PeerError

_LOGGER = logging.getLogger(__name__)
_PICK_TIMEOUT_S = 1.0  # a server that was killed is back within that, when something supervises it
_CONNECT_TIMEOUT_S = 1.0
_GIVE_UP_S = 3.0  # of failures in a row: the user waits for an answer, be it an apology
_PAUSE_S = 0.1  # doubled with every failure
_LONGEST_PAUSE_S = 0.8
_KINDS = {"wake": "the wake word server", "asr": "the speech recogniser", "handle": "the intent server", "tts": "the voice"}


class PeerRef(Protocol):
    """One server, as the directory knows it."""

    @property
    def uri(self) -> str:
        """Where it listens."""


class Peers(Protocol):
    """Says which server to use now; `satellite.directory.Directory` is one."""

    async def pick(self, kind: str, timeout_s: float) -> PeerRef:
        """The best server of this kind; waits up to `timeout_s` for one.

        Raises: PeerUnreachableError when there is none.
        """

    def report_failure(self, uri: str, error: BaseException) -> None:
        """A request to it failed: others come first until it is well again."""


class Attempts:
    """One request, tried at one server after the other.

    attempts = Attempts(peers, "asr")
    while True:
        try:
            async with attempts.connection() as client:
                return await …
        except PeerError as err:
            await attempts.failed(err)
    """

    def __init__(self, peers: Peers, kind: str, *, may_wait: Callable[[], bool] = lambda: False) -> None:
        """may_wait: while it says True, nobody waits for the result and failures are only tried again."""
        self._peers = peers
        self._kind = kind
        self._may_wait = may_wait
        self._uri: str | None = None
        self._pause_s = _PAUSE_S
        self._give_up_at: float | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[WyomingClient]:
        """A connection to the server to use now.

        Raises: PeerUnreachableError when there is none.
        """
        self._uri = None
        self._uri = (await self._peers.pick(self._kind, _PICK_TIMEOUT_S)).uri
        async with await WyomingClient.connect(self._uri, _CONNECT_TIMEOUT_S) as client:
            yield client

    async def failed(self, error: PeerError, *, may_repeat: bool = True) -> None:
        """Reports the server and waits a little before the next attempt.

        Raises: `error`, after 3 s of failures or when the request may not be repeated.
        """
        if self._uri:
            self._peers.report_failure(self._uri, error)
        now = asyncio.get_running_loop().time()
        if self._give_up_at is None or self._may_wait():
            self._give_up_at = now + _GIVE_UP_S
        if not may_repeat or now >= self._give_up_at:
            raise error
        _LOGGER.info("%s; trying again", error)
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def patience_s(self, limit_s: float) -> float:
        """How long to wait for a reply: `limit_s`, less when an attempt has failed already."""
        if self._give_up_at is None:
            return limit_s
        return min(limit_s, max(_PICK_TIMEOUT_S, self._give_up_at - asyncio.get_running_loop().time()))

    def too_slow(self, limit_s: float) -> AssistantError:
        """The error for a deadline that has passed; the server that was being waited for is reported."""
        error = DeadlineError(f"{_KINDS[self._kind]} took longer than {limit_s:g} s")
        if self._uri:
            self._peers.report_failure(self._uri, error)
        return error
