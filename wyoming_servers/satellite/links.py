"""Connections that stay: to the wake server and to the intent server. Lost ones are made again, with growing pauses."""

import asyncio
import dataclasses
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event
from wyoming.ping import Ping
from wyoming.wake import Detect, Detection

from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.client import WyomingClient
from ..shared.errors import PeerError, PeerUnreachableError
from ..shared.tasks import cancel
from .loudness import Loudness
from .mute import Mute
from .peers import Peers
from .turn import CutOff

_LOGGER = logging.getLogger(__name__)
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_PICK_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 2.0
_PING_S = 10.0
_MISSED_S = 25.0  # two pongs
_CATCH_UP_FRAMES = round(3.0 * RATE_HZ / FRAME_SAMPLES)  # said while the server was away: still heard when it is back
_CHUNK_FRAMES = 2  # per chunk to the wake server, which works on 80 ms at a time: each write costs more than all else on the way
_OUTBOX_EVENTS = 64
_SUBSCRIBE_S = 5.0
_VOLUME = "earshot-volume"
_MICROPHONE = "earshot-microphone"


class Link(ABC):
    """One lasting connection to the server that the directory recommends."""

    kind: str
    lost_s = 4.0
    """The other machine is gone when it has confirmed nothing for this long."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self.connected = False
        self.told: Callable[[str, str, bool], None] = lambda kind, uri, connected: None
        """Called with `kind`, the server's URI and whether it is there, at every change."""

    async def run(self) -> None:
        """Keeps the connection, until cancelled."""
        pause_s = _FIRST_PAUSE_S
        failing = False
        while True:
            uri = None
            try:
                uri = (await self._peers.pick(self.kind, _PICK_TIMEOUT_S)).uri
                async with await WyomingClient.connect(uri, _CONNECT_TIMEOUT_S, lost_s=self.lost_s) as client:
                    await self.greet(client)
                    failing, pause_s = False, _FIRST_PAUSE_S
                    self._be(uri, True)
                    await self._talk(client, uri)
                continue
            except PeerError as err:
                if uri:
                    self._peers.report_failure(uri, err)
                if not failing:
                    _LOGGER.warning("%s; it is tried again until it is back", err)
                failing = True
            finally:
                if uri:
                    self._be(uri, False)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    @abstractmethod
    async def greet(self, client: WyomingClient) -> None:
        """Opens the conversation.

        Raises: PeerError.
        """

    @abstractmethod
    async def send(self, client: WyomingClient) -> None:
        """Sends what there is to send, for ever.

        Raises: PeerError.
        """

    @abstractmethod
    async def receive(self, client: WyomingClient) -> None:
        """Takes what comes, for ever.

        Raises: PeerError.
        """

    def _be(self, uri: str, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            self.told(self.kind, uri, connected)

    async def _talk(self, client: WyomingClient, uri: str) -> None:
        """Returns when another server is better now; raises what goes wrong."""
        work = (self.send(client), self.receive(client), self._until_another_is_better(uri))
        tasks = [asyncio.create_task(each, name=f"{self.kind} link") for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                await cancel(task)
                if not task.cancelled():
                    task.exception()

    async def _until_another_is_better(self, uri: str) -> None:
        best = uri
        while best == uri:
            await asyncio.sleep(_PING_S)
            best = (await self._peers.pick(self.kind, _PICK_TIMEOUT_S)).uri


class WakeLink(Link):
    """Streams the microphone to the wake server. Every method is called on the loop."""

    kind = "wake"
    lost_s = 1.2  # sound flows all the time, and what is said meanwhile is not heard

    def __init__(self, peers: Peers, names: tuple[str, ...], heard: Callable[[str, int], Awaitable[None]]) -> None:
        """names: wake words; empty for the server's default. heard: called with the word's name and the position of its end."""
        super().__init__(peers)
        self._names = list(names) or None
        self._heard = heard
        self._frames: deque[tuple[int, np.ndarray]] = deque(maxlen=_CATCH_UP_FRAMES)
        self._there = asyncio.Event()
        self._begin = 0
        self._sent = 0
        self.listening = asyncio.Event()
        """Set once a wake server takes sound."""

    def feed(self, position: int, frame: np.ndarray) -> None:
        """Adds the frame that begins at `position`. The oldest is dropped when the server is away for more than 3 s."""
        self._frames.append((position, frame))
        self._there.set()

    def forget(self) -> None:
        """Drops what was not sent yet. The server hears what follows as if it came at once."""
        lost = sum(len(frame) for _, frame in self._frames)
        self._frames.clear()
        if self._begin >= 0:
            self._begin, self._sent = self._begin + lost, self._sent + lost

    async def greet(self, client: WyomingClient) -> None:
        await client.send(Detect(names=self._names).event())
        await client.send(AudioStart(rate=RATE_HZ, width=2, channels=1, timestamp=0).event())
        self._begin = self._sent = -1

    async def send(self, client: WyomingClient) -> None:
        while True:
            while len(self._frames) < _CHUNK_FRAMES:
                self._there.clear()
                try:
                    async with asyncio.timeout(_PING_S):
                        await self._there.wait()
                except TimeoutError:  # no sound, or none that may leave: the connection is kept
                    await client.send(Ping().event())
            position, frame = self._frames.popleft()
            samples = [frame] + [self._frames.popleft()[1] for _ in range(_CHUNK_FRAMES - 1)]
            if self._begin < 0:
                self._begin = self._sent = position
            if position != self._sent:
                raise PeerUnreachableError(f"{client.uri} is too slow: microphone sound was lost")
            self._sent += sum(map(len, samples))
            pcm, timestamp_ms = b"".join(each.tobytes() for each in samples), (position - self._begin) * 1000 // RATE_HZ
            self.listening.set()
            await client.send(AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=pcm, timestamp=timestamp_ms).event())

    async def receive(self, client: WyomingClient) -> None:
        while True:
            event = await client.receive(None)
            if Detection.is_type(event.type):
                timestamp_ms = event.data.get("timestamp")
                known = isinstance(timestamp_ms, int) and 0 <= timestamp_ms * RATE_HZ // 1000 <= self._sent - self._begin
                position = self._begin + timestamp_ms * RATE_HZ // 1000 if known else self._sent
                await self._heard(str(event.data.get("name") or ""), position)


@dataclass(frozen=True)
class FinishedTimer:
    """A timer, an alarm or a reminder that rings here."""

    id: str
    text: str
    """The sentence to speak."""
    times: int = 0
    """How often it is spoken; 0 for until it is silenced."""


@dataclass(frozen=True)
class Saying:
    """A sentence that is spoken here without having been asked for now."""

    text: str
    language: str = ""
    """Empty for the satellite's own."""


class TimerLink(Link):
    """Tells the intent server who we are and hears of our timers and of what is to be said. Every method is called on the loop."""

    kind = "handle"

    def __init__(
        self,
        peers: Peers,
        identity: dict[str, Any],
        finished: Callable[[FinishedTimer], Awaitable[None]],
        cancelled: Callable[[str], Awaitable[None]],
        say: Callable[[Saying], Awaitable[None]],
        volume: Loudness,
        mute: Mute,
    ) -> None:
        """identity: satellite_id, name, area, language. finished, cancelled, say: called with a timer, a timer's id, and a sentence.

        volume, mute: are changed when the server asks for it.
        """
        super().__init__(peers)
        self._identity = identity
        self._finished = finished
        self._cancelled = cancelled
        self._say = say
        self._volume = volume
        self._mute = mute
        self.yielded: Callable[[int], Awaitable[None]] | None = None
        """Called with a turn that another satellite answers."""
        self._subscribed = asyncio.Event()
        self._outbox: asyncio.Queue[Event] = asyncio.Queue(_OUTBOX_EVENTS)

    def acknowledge(self, timer_id: str) -> None:
        """It rings here."""
        self._post(Event("earshot-acknowledge", {"id": timer_id}))

    def dismiss(self, timer_id: str, *, by_user: bool) -> None:
        """It rings no more. by_user: somebody silenced it, so somebody has heard it."""
        self._post(Event("earshot-dismiss", {"id": timer_id} | ({} if by_user else {"unheard": True})))

    def woken(self, turn: int, wake_word: str, level_dbfs: float) -> None:
        """A turn has begun with a wake word: `yielded` is called when another satellite heard it better."""
        if self.connected and self._subscribed.is_set():  # told later, it would count as heard later
            self._post(Event("earshot-woken", {"turn": turn, "wake_word": wake_word, "level_dbfs": round(level_dbfs, 1)}))

    def spoken(self, cut: CutOff) -> None:
        """Only the beginning of an answer was heard."""
        self._post(Event("earshot-spoken", dataclasses.asdict(cut)))

    async def greet(self, client: WyomingClient) -> None:
        self._subscribed.clear()
        await client.send(Event("earshot-subscribe", self._identity))

    async def send(self, client: WyomingClient) -> None:
        await self._subscribed.wait()
        while True:
            try:
                async with asyncio.timeout(_PING_S):
                    event = await self._outbox.get()
            except TimeoutError:
                event = Ping().event()
            await client.send(event)

    async def receive(self, client: WyomingClient) -> None:
        if not await _is_subscribed(client):
            _LOGGER.info("%s answers, but its timers cannot ring here", client.uri)
            await asyncio.Event().wait()  # until the directory recommends another one
        self._subscribed.set()
        self._post(Event(_VOLUME, self._volume.state()))
        while True:
            event = await client.receive(_MISSED_S)
            if event.type == _MICROPHONE:
                self._post(Event(_MICROPHONE, await self._mute.change(event.data)))
                continue
            if event.type == _VOLUME:
                request = {key: event.data[key] for key in ("request",) if key in event.data}
                self._post(Event(_VOLUME, {**await self._volume.change(event.data), **request}))
                continue
            if event.type == "earshot-replaced":
                _LOGGER.warning("another satellite is called %s too; its timers ring there: change satellite.name", self._identity["name"])
                await asyncio.Event().wait()
            if event.type == "earshot-yield" and self.yielded and isinstance(turn := event.data.get("turn"), int):
                await self.yielded(turn)
            timer_id, text = event.data.get("id"), event.data.get("text")
            if event.type == "earshot-say" and isinstance(text, str) and text.strip():
                language = event.data.get("language")
                await self._say(Saying(text, language if isinstance(language, str) else ""))
            if not isinstance(timer_id, str):
                continue
            if event.type == "timer-finished":
                times = event.data.get("times")
                await self._finished(FinishedTimer(timer_id, text if isinstance(text, str) else "", times if isinstance(times, int) else 0))
            elif event.type == "timer-cancelled":
                await self._cancelled(timer_id)

    def _post(self, event: Event) -> None:
        if self._outbox.full():
            self._outbox.get_nowait()  # the server asks again for what it has not heard
        self._outbox.put_nowait(event)


async def _is_subscribed(client: WyomingClient) -> bool:
    """False when it is not a server that knows satellites: stock ones say nothing, or that they do not understand."""
    try:
        async with asyncio.timeout(_SUBSCRIBE_S):
            while (await client.receive(None)).type != "earshot-subscribed":
                pass
    except TimeoutError:
        return False
    except PeerUnreachableError:
        raise
    except PeerError:
        return False
    return True
