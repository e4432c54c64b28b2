"""Requests that move on to another server when one fails, within the caller's deadline."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from wyoming.info import Info

from ..shared.client import WyomingClient
from ..shared.errors import AssistantError, DeadlineError, PeerBusyError, PeerError
from ..shared.tasks import cancel

if TYPE_CHECKING:
    from .said_before import SaidBefore

_LOGGER = logging.getLogger(__name__)
_PICK_TIMEOUT_S = 1.0  # a server that was killed is back within that, when something supervises it
_PING_S = 0.3
_GIVE_UP_S = 3.0  # of failures in a row: the user waits for an answer, be it an apology
_PAUSE_S = 0.1  # doubled with every failure
_LONGEST_PAUSE_S = 0.8
_KINDS = {"wake": "the wake word server", "asr": "the speech recogniser", "handle": "the intent server", "tts": "the voice"}


class PeerRef(Protocol):
    """One server, as the directory knows it."""

    @property
    def uri(self) -> str:
        """Where it listens."""

    @property
    def info(self) -> Info:
        """What it offers."""

    @property
    def ours(self) -> bool:
        """True when it is known to answer `ping`, as all of our servers do."""


class Peers(Protocol):
    """Says which server to use now; `satellite.directory.Directory` is one."""

    said: "SaidBefore"
    """What its voices have said before."""

    def available(self, kind: str) -> PeerRef | None:
        """The server that `pick` would give without waiting."""

    async def pick(self, kind: str, timeout_s: float) -> PeerRef:
        """The best server of this kind; waits up to `timeout_s` for one.

        Raises: PeerUnreachableError when there is none.
        """

    def warm(self, *kinds: str) -> None:
        """A request of each of these kinds is about to be made: connections are made ready."""

    async def connect(self, kind: str, uri: str) -> WyomingClient:
        """A connection for one request.

        Raises: PeerUnreachableError.
        """

    def report_failure(self, uri: str, error: BaseException) -> None:
        """A request to it failed: others come first until it is well again."""

    def using(self, kind: str, uri: str) -> AbstractContextManager[None]:
        """While inside, a request is under way there: it does not make that server count as busy."""


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
        self.peer: PeerRef | None = None
        """Whom `connection` leads to."""
        self.speaks_streams = False
        """True when the voice that `connection` leads to takes text piece by piece."""
        self._busy: set[str] = set()
        self._pause_s = _PAUSE_S
        self._give_up_at: float | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[WyomingClient]:
        """A connection to the server to use now.

        Raises: PeerUnreachableError when there is none.
        """
        self._uri = None
        peer = await self._peers.pick(self._kind, _PICK_TIMEOUT_S)
        self.peer, self._uri = peer, peer.uri
        self.speaks_streams = any(program.installed and program.supports_synthesize_streaming for program in peer.info.tts)
        with self._peers.using(self._kind, peer.uri):
            async with await self._peers.connect(self._kind, peer.uri) as client:
                reassuring = asyncio.create_task(client.reassure(_PING_S), name=f"ping {self._kind}") if peer.ours else None
                try:
                    yield client
                finally:
                    await cancel(reassuring)

    async def failed(self, error: PeerError, *, may_repeat: bool = True) -> None:
        """Reports the server and waits a little before the next attempt; not when another one may have room.

        Raises: `error`, after 3 s of failures or when the request may not be repeated. One that was refused may be.
        """
        refused = isinstance(error, PeerBusyError)
        if self._uri:
            self._peers.report_failure(self._uri, error)
        now = asyncio.get_running_loop().time()
        if self._give_up_at is None or self._may_wait():
            self._give_up_at = now + _GIVE_UP_S
        if not (may_repeat or refused) or now >= self._give_up_at:
            raise error
        if refused and self._uri and self._uri not in self._busy:
            self._busy.add(self._uri)
            return
        _LOGGER.info("%s; trying again", error)
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def went_on(self) -> None:
        """The request got further than ever: failures from now on are counted anew."""
        self._give_up_at, self._pause_s = None, _PAUSE_S

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
