"""What a server offers (Service) and what one connection does with it (Session): the contract between the listener and its kinds."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence

from wyoming.event import Event
from wyoming.info import Artifact, Info

from .errors import DeadlineError
from .occupancy import Occupancy
from .protocol import encode_event, is_sent


class Peer:
    """The other end of one connection."""

    def __init__(self, writer: asyncio.StreamWriter, name: str, stalled_s: float = 30.0) -> None:
        self.name = name
        """For log lines."""
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        """What went wrong in work that goes on outside of `Session.handle`; the connection ends with it."""
        self._writer = writer
        self._transport = writer.transport
        self._stalled_s = stalled_s

    async def send(self, event: Event) -> None:
        """Sends one event; waits while the peer is slow to read.

        Raises: ConnectionError when the peer is gone; DeadlineError when it has stopped reading.
        """
        await self.send_bytes(encode_event(event))

    async def send_bytes(self, data: bytes) -> None:
        """Sends the bytes of whole events; like `send`."""
        self._transport.write(data)
        if is_sent(self._transport):
            return
        try:
            async with asyncio.timeout(self._stalled_s):
                await self._writer.drain()
        except TimeoutError:
            raise DeadlineError(f"the peer has read nothing for {self._stalled_s:g} s") from None
        except OSError as err:
            raise ConnectionResetError(f"{self.name} hung up") from err

    def send_soon(self, data: bytes) -> None:
        """Queues bytes of whole events without waiting; for few and small ones."""
        self._transport.write(data)

    def fail(self, error: BaseException) -> None:
        """Ends the connection with this error: for a session's own tasks. The first one counts."""
        if not self.failed.done():
            self.failed.set_result(error)

    @property
    def unsent_bytes(self) -> int:
        """What the peer has not taken yet of what was written."""
        return self._transport.get_write_buffer_size()

    @property
    def gone(self) -> bool:
        """True once the transport knows that the peer has hung up."""
        return self._transport.is_closing()


class Session(ABC):
    """One connection's use of one service. All its methods run in the connection's one worker task."""

    patience_s: float | None = None
    """How long the peer may be silent now; None leaves that to the connection's limits."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """True while a request is under way that expects further events from the peer."""

    @abstractmethod
    async def handle(self, event: Event) -> None:
        """Takes one event. May take long; is cancelled when the peer hangs up.

        Raises: AssistantError, which is sent to the peer as `error`; the connection then closes.
        """

    async def close(self) -> None:
        """Frees everything; called exactly once, also after errors and cancellation."""


class Service(ABC):
    """One kind of server: wake, asr, handle or tts."""

    kind: str
    """Its field in `info`."""
    events: frozenset[str]
    """Event types it takes, audio excluded. On a port with several services they decide who gets an event."""
    takes_audio = False
    """True when its requests come with audio-start, audio-chunk and audio-stop."""
    revision = 0
    """Goes up whenever what `programs` returns has changed."""

    async def prepare(self) -> None:
        """Finds out what it offers, so that `info` is right from the first answer. Before the port opens.

        Raises: AssistantError when it can never work.
        """

    async def start(self) -> None:
        """Begins to load and returns at once. After the port has opened."""

    @abstractmethod
    def programs(self) -> Sequence[Artifact]:
        """The programs for `info`, from memory; right also while models load."""

    def describe(self, info: Info) -> None:
        """Adds what it offers."""
        getattr(info, self.kind).extend(self.programs())

    def occupancy(self) -> Occupancy | None:
        """How busy it is; None when it cannot tell."""
        return None

    @abstractmethod
    def session(self, peer: Peer) -> Session:
        """What a connection uses from its first event for this service on."""

    async def stop(self) -> None:
        """Frees engines and tasks."""
