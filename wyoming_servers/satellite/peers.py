"""Requests that move on to another server when one fails, within the caller's deadline."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from wyoming.info import Info

from ..shared.client import WyomingClient
from ..shared.errors import AssistantError, DeadlineError, PeerBusyError, PeerError, PeerUnreachableError
from ..shared.tasks import cancel

if TYPE_CHECKING:
    from .said_before import SaidBefore

_LOGGER = logging.getLogger(__name__)
_PICK_TIMEOUT_S = 1.0  # a server that was killed is back within that, when something supervises it
_PING_S = 0.3
_GIVE_UP_S = 2.0  # of failures in a row: the apology that follows is to be heard within 3 s, and voices take up to one for its first clause
_REPEATED_S = 1.0  # between two pieces of what was there before
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
        self.stood_in = False
        """True when another voice than its usual one has spoken there."""
        self._busy: set[str] = set()
        self._pause_s = _PAUSE_S
        self._give_up_at: float | None = None
        self._due_at: float | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[WyomingClient]:
        """A connection to the server to use now.

        Raises: PeerUnreachableError when there is none.
        """
        peer, connected = await self._reach()
        self.peer, self.stood_in = peer, False
        self.speaks_streams = any(program.installed and program.supports_synthesize_streaming for program in peer.info.tts)
        with self._peers.using(self._kind, peer.uri):
            async with connected as client:
                reassuring = asyncio.create_task(client.reassure(_PING_S), name=f"ping {self._kind}") if peer.ours else None
                try:
                    yield client
                finally:
                    await cancel(reassuring)

    async def failed(self, error: PeerError, *, may_repeat: bool = True) -> None:
        """Reports the server and waits a little before the next attempt; not when another one may have room.

        Raises: `error`, when the next attempt would come after 2 s of failures or when the request may not be repeated. One that was
        refused may be.
        """
        refused = isinstance(error, PeerBusyError)
        if self._uri:
            self._peers.report_failure(self._uri, error)
        if self._give_up_at is None or self._may_wait():
            self._give_up_at = _now() + _GIVE_UP_S
        if not (may_repeat or refused) or _now() + self._pause_s >= self._give_up_at:
            raise error
        if refused and self._uri and self._uri not in self._busy:
            self._busy.add(self._uri)
            return
        _LOGGER.info("%s; trying again", error)
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def owed(self, limit_s: float) -> float:
        """A reply is owed, if not since earlier; the loop time until which it is waited for.

        That is `limit_s` from then on, whoever is asked meanwhile. When one server was silent for so long, others have what is left of
        the time in which failures are tried again.
        """
        if self._due_at is None:
            self._due_at = _now() + limit_s
        return max(self._due_at, self._give_up_at or 0.0)

    def alive(self) -> None:
        """A part of the reply came; another server's may be what was there before, which takes its time but pays nothing."""
        if self._give_up_at is None:
            self._due_at = None
        elif self._due_at is not None:
            self._due_at = max(self._due_at, _now() + _REPEATED_S)

    def paid(self) -> None:
        """All came that was owed."""
        self._due_at = None

    def went_on(self) -> None:
        """The request got further than ever: deadlines and failures from now on are counted anew."""
        self._give_up_at, self._due_at, self._pause_s = None, None, _PAUSE_S

    def too_slow(self, limit_s: float) -> AssistantError:
        """The error for a deadline that has passed; the server that was being waited for is reported."""
        error = DeadlineError(f"{_KINDS[self._kind]} took longer than {limit_s:g} s")
        if self._uri:
            self._peers.report_failure(self._uri, error)
        return error

    async def _reach(self) -> tuple[PeerRef, WyomingClient]:
        self._uri = None
        give_up_at = self._give_up_at or _now() + _GIVE_UP_S
        try:
            peer = await self._peers.pick(self._kind, min(_PICK_TIMEOUT_S, max(0.0, give_up_at - _now())))
            self._uri = peer.uri
            async with asyncio.timeout_at(give_up_at):
                return peer, await self._peers.connect(self._kind, peer.uri)
        except TimeoutError:
            self._give_up_at = give_up_at
            raise PeerUnreachableError(f"{self._uri} took no connection in time") from None
        except PeerError:
            self._give_up_at = give_up_at  # nobody has been there from the first moment on
            raise


def _now() -> float:
    return asyncio.get_running_loop().time()
