"""One accepted connection: reads with limits, answers `describe` and `ping` at once, works requests off in order, ends cleanly."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Ping, Pong

from . import occupancy
from .backlog import Backlog
from .errors import AssistantError, BusyError, DeadlineError, ProtocolError, StoppingError
from .protocol import EventReader, Limits, encode_event, read_in_pieces
from .service import Peer, Service, Session
from .tasks import cancel

_LOGGER = logging.getLogger(__name__)
_AUDIO = frozenset({"audio-start", "audio-chunk", "audio-stop"})
_BACKLOG_EVENTS = 4096  # 40 s of 10 ms chunks; past this the reader waits, and TCP makes the peer wait
_BACKLOG_BYTES = 2 * 1024 * 1024  # 65 s of 16 kHz speech
_PROBE_S = 0.25  # two writes tell a half-closed peer from one that is gone
_FIRST_PROBE_S = 0.003  # after a hang-up: what an engine does for nobody is ended within 20 ms
_FIRST_PROBES = 5
_GOODBYE_S = 0.7  # an error must reach the peer before the socket closes, and its unread input must not reset the connection
_CLOSE_SESSION_S = 5.0
_FRAMING = Limits(data_bytes=1024 * 1024)
_PEERS_AFFAIR = (ProtocolError, StoppingError, BusyError)  # nothing that the owner of this server can put right
_PROBE = encode_event(Pong().event())


@dataclass(frozen=True)
class ConnectionLimits:
    """How patient one connection is."""

    idle_s: float = 60.0
    """Without a request under way and without an event, it is closed after this long."""
    request_idle_s: float = 120.0
    """A request is given up when its peer owes further events and sends none for this long."""
    stalled_s: float = 30.0
    """A peer that reads nothing of what it is sent for this long is given up."""
    framing: Limits = _FRAMING
    """No request has as much data as an `info` may have."""


class Connection:
    """Runs one peer's connection from the first byte to the last."""

    def __init__(
        self,
        services: Sequence[Service],
        describe: Callable[[], bytes],
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        limits: ConnectionLimits,
    ) -> None:
        self._reader, self._writer = streams
        self._incoming = EventReader(self._reader, limits.framing)
        read_in_pieces(self._writer.transport)
        self.host, name = _names_of(self._writer)
        self.peer = Peer(self._writer, name, limits.stalled_s)
        self._services = services
        self._describe = describe
        self._limits = limits
        self._backlog = Backlog(_BACKLOG_EVENTS, _BACKLOG_BYTES)
        self._sessions: dict[str, Session] = {}
        self._listener = next((service for service in services if service.takes_audio), None)
        self._handling = False
        self._reading: asyncio.Task | None = None
        self._stopping = False
        self._now = asyncio.get_running_loop().time
        self._last_event = self._now()

    async def serve(self) -> None:
        """Returns when the connection has ended, for whatever reason. When cancelled, the peer is told that the server stops."""
        reading = self._reading = asyncio.create_task(self._read(), name=f"read {self.peer.name}")
        if self._stopping:
            reading.cancel()
        working = asyncio.create_task(self._work(), name=f"work {self.peer.name}")
        watching = asyncio.create_task(self._watch(), name=f"watch {self.peer.name}")
        failure: BaseException | None = None
        try:
            done, _ = await asyncio.wait((reading, working, watching, self.peer.failed), return_when=asyncio.FIRST_COMPLETED)
            failure = self._failure_of(reading, working, watching)
            if failure is None and reading in done:
                failure = await self._finish(working)
        except asyncio.CancelledError:
            failure = StoppingError("the server is stopping")
            raise
        finally:
            try:
                await cancel(reading, working, watching)
                await self._close_sessions()
            finally:
                await self._goodbye(failure)

    async def refuse(self) -> None:
        """Tells the peer that there is no room, and closes."""
        await self._goodbye(BusyError("too many connections; try again later"))

    def finish(self) -> None:
        """Reads no more; `serve` returns after the requests that are complete have been answered."""
        self._stopping = True
        if self._reading:
            self._reading.cancel()

    async def _read(self) -> None:
        try:
            while (event := await self._incoming.read()) is not None:
                self._last_event = self._now()
                if event.type == "describe":
                    if event.data.get(occupancy.ASK) is True:
                        self.peer.send_soon(encode_event(occupancy.event(self._occupancy())))
                    await self.peer.send_bytes(self._describe())
                elif Ping.is_type(event.type):
                    text = event.data.get("text")
                    await self.peer.send(Pong(text=text if isinstance(text, str) else None).event())
                else:
                    await self._keep(event)
        except ConnectionError:
            _LOGGER.debug("%s hung up", self.peer.name)
        finally:
            self._backlog.end()

    def _occupancy(self) -> dict[str, occupancy.Occupancy]:
        told = {service.kind: service.occupancy() for service in self._services}
        return {kind: figures for kind, figures in told.items() if figures}

    async def _keep(self, event: Event) -> None:
        """Puts an event behind the others. While there is no room, nothing is read, so a hang-up is only noticed by writing.

        Raises: ConnectionError when the peer is gone.
        """
        size_bytes = len(event.payload or b"") + 200  # what an event costs besides its payload
        while not self._backlog.put(event, size_bytes):
            try:
                async with asyncio.timeout(_PROBE_S):
                    await self._backlog.taken()
            except TimeoutError:
                self.peer.send_soon(_PROBE)
                if self.peer.gone:
                    raise ConnectionResetError("the peer is gone") from None

    async def _work(self) -> None:
        while (event := await self._backlog.get()) is not None:
            session = self._session_for(event.type)
            if session is None:
                _LOGGER.debug("%s sent %r, which nothing here takes", self.peer.name, event.type)
                continue
            self._handling = True
            try:
                await session.handle(event)
            finally:
                self._handling = False

    async def _watch(self) -> None:
        """Ends when the peer has been silent for too long.

        Raises: DeadlineError when it owes the rest of a request.
        """
        while True:
            if self._handling or self._backlog:
                self._last_event = self._now()  # it is our turn, the services have deadlines of their own
            usual = self._limits.request_idle_s if self._owes_events else self._limits.idle_s
            patience = max((s.patience_s for s in self._sessions.values() if s.patience_s is not None), default=usual)
            remaining = self._last_event + patience - self._now()
            if remaining <= 0:
                break
            await asyncio.sleep(min(remaining, self._limits.request_idle_s))  # a request that begins meanwhile may have less time
        if self._owes_events:
            raise DeadlineError(f"nothing came for {self._limits.request_idle_s:g} s in the middle of a request")

    async def _finish(self, working: asyncio.Task) -> BaseException | None:
        """Nothing more is read: work off what was, as long as the peer still listens. Returns what went wrong, if anything."""
        pause_s, probes = _FIRST_PROBE_S, 0
        while not working.done() and not self.peer.failed.done() and not self.peer.gone:
            await asyncio.wait((working, self.peer.failed), timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
            probes += 1
            if probes >= _FIRST_PROBES:
                pause_s = min(2 * pause_s, _PROBE_S)
            if not working.done():
                self.peer.send_soon(_PROBE)
        if (failure := self._failure_of(working)) is None and self._stopping and self._owes_events:
            failure = StoppingError("the server is stopping")
        return failure

    def _failure_of(self, *tasks: asyncio.Task) -> BaseException | None:
        """What went wrong first, in the order given, or in work that goes on outside of the tasks."""
        if self.peer.failed.done():
            return self.peer.failed.result()
        return next((error for task in tasks if task.done() and not task.cancelled() and (error := task.exception())), None)

    def _session_for(self, event_type: str) -> Session | None:
        service = self._listener if event_type in _AUDIO else next((s for s in self._services if event_type in s.events), None)
        if service is None:
            return None
        if service.takes_audio:
            self._listener = service
        if service.kind not in self._sessions:
            self._sessions[service.kind] = service.session(self.peer)
        return self._sessions[service.kind]

    @property
    def _owes_events(self) -> bool:
        return any(session.busy for session in self._sessions.values())

    async def _close_sessions(self) -> None:
        for session in self._sessions.values():
            try:
                async with asyncio.timeout(_CLOSE_SESSION_S):
                    await session.close()
            except Exception:
                _LOGGER.exception("closing the session of %s failed", self.peer.name)

    async def _goodbye(self, failure: BaseException | None) -> None:
        try:
            if failure is not None and not (isinstance(failure, ConnectionError) and self.peer.gone):
                message = encode_event(_error_event(failure, self.peer.name))
                if not self.peer.gone:
                    await self._last_word(message)
        except (OSError, RuntimeError) as err:  # TimeoutError is an OSError
            _LOGGER.debug("%s: no goodbye: %r", self.peer.name, err)
        finally:
            self._writer.close()
            try:
                async with asyncio.timeout(_GOODBYE_S):
                    await self._writer.wait_closed()
            except OSError:
                pass
            finally:
                self._writer.transport.abort()  # a peer that reads nothing would hold the socket for ever

    async def _last_word(self, message: bytes) -> None:
        self._writer.write(message)
        async with asyncio.timeout(_GOODBYE_S):
            await self._writer.drain()
            if self._writer.can_write_eof():
                self._writer.write_eof()
            while await self._reader.read(self._limits.framing.header_bytes):
                pass  # unread input would reset the connection and take the error with it


def _error_event(failure: BaseException, peer: str) -> Event:
    if isinstance(failure, AssistantError):
        level = logging.DEBUG if isinstance(failure, _PEERS_AFFAIR) else logging.WARNING
        _LOGGER.log(level, "%s: %s (%s)", peer, failure, failure.code)
        return Error(text=str(failure), code=failure.code).event()
    _LOGGER.error("%s: request failed", peer, exc_info=failure)
    return Error(text="The server failed; its log says why.", code=AssistantError.code).event()


def _names_of(writer: asyncio.StreamWriter) -> tuple[str, str]:
    """(host, name for log lines) of the peer; the host counts connections."""
    address = writer.get_extra_info("peername")
    if not isinstance(address, tuple):
        return "", "unix"
    host = str(address[0]).removeprefix("::ffff:")
    return host, f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"
