"""The Wyoming face of the wake word server: many long streams of audio in, detections out."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import WakeModel, WakeProgram
from wyoming.wake import Detect, Detection, NotDetected

from ..shared import paths
from ..shared.context import engine_context
from ..shared.engine_service import EngineService, about
from ..shared.engines import EngineContext
from ..shared.errors import BusyError, DeadlineError, InvalidRequestError, UnknownNameError
from ..shared.incoming import IncomingAudio
from ..shared.protocol import printable
from ..shared.service import Peer, Session
from ..shared.settings import ServerSection, Settings
from . import ENGINES
from .engine import Hit, WakeEngine, WakeStream

_LOGGER = logging.getLogger(__name__)
T = TypeVar("T")
_LOOK_EVERY_S = 2.0  # words that come and go must show within 5 s; a file has to be 1 s old
THRESHOLDS_EVENT = "earshot-thresholds"
"""Ours: changes thresholds of words while the server runs, and tells those in force (docs/protocol.md)."""
_STREAMS_PER_SLOT = 32  # one core follows about 40 live streams (2 ms per 80 ms of audio each)
_BATCH_SAMPLES = 16_000  # audio that came faster than real time is worked off in such pieces, so that streams take turns


def serve(settings: Settings) -> "WakeService":
    """The wake word service of these settings."""
    return WakeService(settings.wake, engine_context(settings))


class WakeService(EngineService):
    """Streams stay open for hours, so none holds a slot: each takes one for every batch of its audio."""

    kind = "wake"
    events = frozenset({"detect", THRESHOLDS_EVENT})
    takes_audio = True

    def __init__(self, section: ServerSection, context: EngineContext, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._most_streams = section.streams * _STREAMS_PER_SLOT + section.waiting
        # A stream has one batch under way at a time, so with this many places no open stream is ever refused.
        super().__init__(ENGINES, dataclasses.replace(section, waiting=self._most_streams), context, look_every_s)
        self._streams = 0
        self._thresholds_file = paths.state_dir() / "wake-thresholds.json"

    def load(self) -> WakeEngine:
        """The engine, with the thresholds that were changed before."""
        engine: WakeEngine = super().load()
        engine.thresholds.restore(self._thresholds_file)
        return engine

    def programs(self) -> Sequence[WakeProgram]:
        """The engine with its words, the default first."""
        words = [WakeModel(**about(word.name, word), languages=list(word.languages), phrase=word.phrase) for word in self.models]
        return [WakeProgram(**self.about(), models=words)]

    def session(self, peer: Peer) -> "WakeSession":
        """One connection's wake word detection."""
        return WakeSession(self, peer)

    def known(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that exist.

        Raises: UnknownNameError when there are names and none exists.
        """
        existing = [model.name for model in self.models]
        known = [name for name in names if name in existing]
        unknown = ", ".join(repr(printable(name)) for name in names if name not in existing)
        if names and not known:
            raise UnknownNameError(f"no wake word {unknown}; there are: {', '.join(existing)}")
        if unknown:
            _LOGGER.warning("asked for wake words that are not here: %s", unknown)
        return known

    def admit(self) -> None:
        """Counts one more open stream.

        Raises: BusyError when there are too many.
        """
        if self._streams >= self._most_streams:
            raise BusyError(f"{self._streams} wake word streams are open already; try again later")
        self._streams += 1

    def dismiss(self) -> None:
        """Counts one open stream less."""
        self._streams -= 1

    async def change_thresholds(self, changes: Mapping[str, float | None]) -> dict[str, float]:
        """Changes thresholds of words, for streams that are open too, and keeps them; None goes back to the settings.

        Returns those in force of every word. Raises: UnknownNameError, InvalidRequestError, EngineError.
        """
        engine: WakeEngine = await self.host.ready()
        for name in changes:
            self.known([name])
        for name, threshold in changes.items():
            engine.thresholds.change(name, threshold)
        if changes:
            await asyncio.to_thread(engine.thresholds.keep, self._thresholds_file)
            _LOGGER.info("thresholds changed: %s", ", ".join(f"{name} {value}" for name, value in changes.items()))
        return {model.name: engine.thresholds.of(model.name) for model in self.models}

    async def work(self, call: Callable[[WakeEngine], T]) -> T:
        """Runs `call(engine)` in the next free slot.

        Raises: DeadlineError, EngineError, and what `call` raises.
        """
        try:
            async with asyncio.timeout(self.section.deadline_s), self.host.slot() as slot:
                return await slot.run(call, slot.engine)
        except TimeoutError:
            raise DeadlineError(f"wake word detection took longer than {self.section.deadline_s:g} s") from None


class WakeSession(Session):
    """One connection: `detect` chooses the words of its streams from then on; each audio-start begins a stream."""

    def __init__(self, service: WakeService, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._names: list[str] = []
        self._stream: _OpenStream | None = None

    @property
    def busy(self) -> bool:
        """True while a stream is open."""
        return self._stream is not None

    async def handle(self, event: Event) -> None:
        """Raises: InvalidRequestError, UnknownNameError, BusyError, DeadlineError, EngineError."""
        if Detect.is_type(event.type):
            self._names = self._service.known(_names(event))
        elif AudioStart.is_type(event.type):
            await self._begin(event)
        elif AudioChunk.is_type(event.type):
            await self._take(event)
        elif AudioStop.is_type(event.type):
            await self._end()
        elif event.type == THRESHOLDS_EVENT:
            in_force = await self._service.change_thresholds(_thresholds(event))
            await self._peer.send(Event(THRESHOLDS_EVENT, {"thresholds": in_force}))

    async def close(self) -> None:
        """Ends the stream."""
        if self._stream is not None:
            self._stream.stream.close()
            self._stream = None
            self._service.dismiss()

    async def _begin(self, event: Event) -> None:
        await self.close()
        audio = IncomingAudio()
        samples = audio.take(event)
        self._service.admit()
        try:
            stream = await self._service.work(lambda engine: engine.open(self._names))
        except BaseException:
            self._service.dismiss()
            raise
        self._stream = _OpenStream(stream, audio)
        self._stream.add(samples)

    async def _take(self, event: Event) -> None:
        if self._stream is None:
            await self._begin(event)
        else:
            self._stream.add(self._stream.audio.take(event))
        opened = self._stream
        assert opened is not None
        while (batch := opened.batch()) is not None:
            await self._report(await self._service.work(lambda _, batch=batch: opened.stream.feed(batch)))

    async def _end(self) -> None:
        if self._stream is None:
            return
        opened = self._stream
        opened.add(opened.audio.flush())
        while (batch := opened.batch(last=True)) is not None:
            await self._report(await self._service.work(lambda _, batch=batch: opened.stream.feed(batch)))
        await self._report(await self._service.work(lambda _: opened.stream.finish()))
        if not opened.detected:
            await self._peer.send(NotDetected().event())
        await self.close()

    async def _report(self, hits: list[Hit]) -> None:
        for hit in hits:
            assert self._stream is not None
            self._stream.detected = True
            _LOGGER.info("%s: heard %s at %.2f s (score %.2f)", self._peer.name, hit.name, hit.timestamp_ms / 1000, hit.score)
            await self._peer.send(Detection(name=hit.name, timestamp=hit.timestamp_ms).event())


class _OpenStream:
    """One stream, and its audio that waits until there is enough of it."""

    def __init__(self, stream: WakeStream, audio: IncomingAudio) -> None:
        self.stream = stream
        self.audio = audio
        self.detected = False
        self._pieces: list[np.ndarray] = []
        self._waiting = 0

    def add(self, samples: np.ndarray) -> None:
        """More audio."""
        if len(samples):
            self._pieces.append(samples)
            self._waiting += len(samples)

    def batch(self, *, last: bool = False) -> np.ndarray | None:
        """The next samples for the stream, once they are worth a call (`last`: in any case); None when there is nothing to do."""
        if not self._waiting or (self._waiting < self.stream.wanted_samples and not last):
            return None
        samples = np.concatenate(self._pieces)
        batch, rest = samples[:_BATCH_SAMPLES], samples[_BATCH_SAMPLES:]
        self._pieces, self._waiting = [rest] if len(rest) else [], len(rest)
        return batch


def _names(event: Event) -> list[str]:
    names = event.data.get("names")
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidRequestError("`names` must be a list of texts, or null for the default words")
    return names


def _thresholds(event: Event) -> dict[str, Any]:
    changes = event.data.get("thresholds") or {}
    if not isinstance(changes, dict):
        raise InvalidRequestError("`thresholds` must be {name: number, or null for the settings' value}")
    return changes
