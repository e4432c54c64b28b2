"""The loudspeaker's queue: streams of speech and chimes, one after the other, that can be paused and silenced at once."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable

import numpy as np

from ..shared.audio import AudioFormat, Converter
from .rewinding import Played
from .speakers import PLAYBACK_RATE_HZ, SoundError, Speaker

_LOGGER = logging.getLogger(__name__)
_BEGIN_S = 0.08  # heard as soon as this much is there: less risks a gap, more is waiting
_LEAST_RING = 0.3  # a timer is heard on a satellite that was muted or turned down by voice
_LEAD_S = 30.0  # speech is taken from the voice this far ahead, so that it is free for others
_FADE_S = 0.02  # silenced, held and resumed without a click
_AUDIBLE = 100  # of 32768: what voices put before the first sound is quieter
_IDLE_S = 5.0  # the loudspeaker is given back after this
_FADE_SAMPLES = round(_FADE_S * PLAYBACK_RATE_HZ)
STALL_S = 2.0
"""A sound card that takes nothing for this long is gone."""
_PATROL_S = 0.5
_RETRY_S = 2.0


class PlaybackStream:
    """One piece of speech, or one chime. Made by `Player.open`; belongs to the event loop."""

    def __init__(self, player: "Player", least: float = 0.0, *, gives_way: bool = False) -> None:
        self._player = player
        self._least = least
        self._gives_way = gives_way
        self._played = Played(PLAYBACK_RATE_HZ)
        self._converter: Converter | None = None
        self._pending: deque[np.ndarray] = deque()
        self._buffered = 0
        self._started = False
        self._finished = False
        self._written = 0
        self._audible_from: int | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._over = asyncio.Event()
        self.position = 0
        """Samples that the loudspeaker has taken, at PLAYBACK_RATE_HZ; smaller again after it went back to the beginning of a clause."""
        self.heard_at: float | None = None
        """Loop time of the first audible sample; None until then."""
        self.complete = False
        """True when all of it was played; False while it plays and when it was silenced."""

    async def write(self, pcm: bytes, source: AudioFormat) -> bool:
        """Adds PCM; waits while there is plenty. False when the stream was silenced and nothing more is needed."""
        if self._converter is None or self._converter.source != source:
            self._flush()
            self._converter = Converter(source, PLAYBACK_RATE_HZ)
        self._add(self._converter.convert(pcm))
        while self._buffered > _LEAD_S * PLAYBACK_RATE_HZ and not self._over.is_set():
            self._room.clear()
            await self._room.wait()
        return not self._over.is_set()

    def finish(self) -> None:
        """Nothing more comes."""
        self._flush()
        self._player._finish(self)

    async def over(self) -> bool:
        """Waits until it was heard to its end (True) or silenced (False)."""
        await self._over.wait()
        return self.complete

    def _flush(self) -> None:
        if self._converter is not None:
            self._add(self._converter.flush())
            self._converter = None

    def _add(self, samples: np.ndarray) -> None:
        if self._audible_from is None and len(loud := np.flatnonzero(np.abs(samples.astype(np.int32)) > _AUDIBLE)):
            self._audible_from = self._written + int(loud[0])
        self._written += len(samples)
        self._player._add(self, samples)

    @property
    def written_s(self) -> float:
        """How much sound it was given so far."""
        return self._written / PLAYBACK_RATE_HZ

    @property
    def played_s(self) -> float:
        """How much of that the loudspeaker has taken."""
        return self.position / PLAYBACK_RATE_HZ

    @property
    def whole(self) -> bool:
        """True once nothing more comes."""
        return self._finished

    def _put_back(self, samples: np.ndarray) -> None:
        if len(samples):
            self._pending.appendleft(samples)
            self._buffered += len(samples)
            self.position -= len(samples)

    @property
    def _ready(self) -> bool:
        return self._started or self._finished or self._buffered >= _BEGIN_S * PLAYBACK_RATE_HZ


class Player:
    """Plays streams on a speaker, opened when something is to be heard. `run` must be running."""

    def __init__(self, speaker: Speaker, volume: float = 1.0) -> None:
        """volume: 1 is as it comes; what gets too loud is clipped."""
        self._speaker = speaker
        self._volume = volume
        self._least_ring = min(_LEAST_RING, volume)
        self._lock = threading.Lock()
        self._streams: deque[PlaybackStream] = deque()
        self._fading = np.empty(0, dtype=np.int16)
        self._paused = False
        self._wanted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._last_pull = 0.0
        self.underruns = 0
        """How often speech came too late for the loudspeaker."""
        self.problem: str | None = None
        """Why nothing can be heard; None when all is well."""
        self.tap: Callable[[np.ndarray], None] | None = None
        """Gets everything the speaker takes, silence included, (n,) int16 at PLAYBACK_RATE_HZ, on the speaker's thread."""

    @property
    def playing(self) -> bool:
        """True while something is heard or waits to be heard."""
        return bool(self._streams)

    def set_volume(self, volume: float) -> None:
        """The loudness of what is added from now on."""
        self._volume = volume

    def open(self, least: float = 0.0, *, gives_way: bool = False) -> PlaybackStream:
        """A new stream, heard after those that are there. least: not quieter than this, whatever the volume.

        gives_way: it ends as soon as the next one is ready."""
        stream = PlaybackStream(self, least, gives_way=gives_way)
        with self._lock:
            self._streams.append(stream)
        self._wanted.set()
        return stream

    def play(self, samples: np.ndarray, *, rings: bool = False, gives_way: bool = False) -> PlaybackStream:
        """Plays (n,) int16 mono at PLAYBACK_RATE_HZ. rings: it is heard also when the volume was turned down since the start.

        gives_way: it ends as soon as something else is to be heard, so that nothing waits for it."""
        stream = self.open(self._least_ring if rings else 0.0, gives_way=gives_way)
        stream._add(samples)
        stream.finish()
        return stream

    def silence(self) -> None:
        """Ends everything now, with a short fade."""
        with self._lock:
            stopped, self._streams = list(self._streams), deque()
            if stopped and not self._paused:
                self._fade_out(stopped[0])
            self._paused = False
        for stream in stopped:
            _end(stream, complete=False)

    @property
    def paused(self) -> bool:
        """True from `pause` to `resume` or `silence`."""
        return self._paused

    def pause(self) -> None:
        """Holds everything where it is, with a short fade."""
        with self._lock:
            if not self._paused and self._streams:
                faded = self._fade_out(self._streams[0])
                self._streams[0]._put_back(faded)
                self._paused = True

    def resume(self, *, from_clause: bool = False) -> None:
        """Goes on where it was, or at the beginning of the clause that was interrupted."""
        with self._lock:
            if not self._paused:
                return
            self._paused = False
            if self._streams and self._streams[0]._started:
                stream = self._streams[0]
                if from_clause:
                    stream._put_back(stream._played.take_clause())
                stream._put_back(_faded_in(_take(stream, _FADE_SAMPLES), stream))

    def _fade_out(self, stream: PlaybackStream) -> np.ndarray:
        """Has the next few samples heard ever more softly; returns them as they were."""
        if not stream._started:
            return np.empty(0, dtype=np.int16)
        samples = _take(stream, _FADE_SAMPLES)
        stream.position += len(samples)
        self._fading = (samples * np.linspace(1.0, 0.0, len(samples))).astype(np.int16)
        return samples

    async def run(self) -> None:
        """Keeps the speaker, until cancelled. Opens it once at the start, which shows whether it works, and anew when it fails."""
        self._wanted.set()
        while True:
            if not self._speaker.always_open:
                await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._speaker.open(self._pull)
                try:
                    self._set_problem(None)
                    await self._watch()
                finally:
                    await self._speaker.close()
            except SoundError as err:
                self._set_problem(str(err))
                self.silence()  # nobody can hear it: whoever waits for the end goes on
                await asyncio.sleep(_RETRY_S)

    async def _watch(self) -> None:
        """Ends when nothing was played for a while.

        Raises: SoundError when the speaker takes nothing any more.
        """
        self._last_pull = idle_since = self._loop.time()
        while self._speaker.always_open or self._loop.time() < idle_since + _IDLE_S:
            await asyncio.sleep(_PATROL_S)
            if self._loop.time() > self._last_pull + STALL_S:
                raise SoundError(f"{self._speaker.name} plays nothing any more; is it still plugged in?")
            if self._streams:
                idle_since = self._loop.time()

    def _set_problem(self, problem: str | None) -> None:
        if problem != self.problem:
            _LOGGER.log(logging.WARNING if problem else logging.INFO, "loudspeaker: %s", problem or f"{self._speaker.name} plays")
        self.problem = problem

    def _add(self, stream: PlaybackStream, samples: np.ndarray) -> None:
        volume = max(self._volume, stream._least)
        if volume != 1.0:
            samples = np.clip(samples.astype(np.float32) * volume, -32768, 32767).astype(np.int16)
        with self._lock:
            if stream in self._streams and len(samples):
                stream._pending.append(samples)
                stream._buffered += len(samples)

    def _finish(self, stream: PlaybackStream) -> None:
        with self._lock:
            stream._finished = True
            if stream._buffered or stream not in self._streams:
                return
            self._streams.remove(stream)
        _end(stream, complete=True)

    def _pull(self, count: int) -> np.ndarray:
        """The next `count` samples, silence where there are none. Called by the speaker, on any thread."""
        sound = np.zeros(count, dtype=np.int16)
        with self._lock:
            self._last_pull = self._loop.time()
            filled = min(count, len(self._fading))
            sound[:filled] = self._fading[:filled]
            self._fading = self._fading[filled:]
            self._make_way()
            while filled < count and self._streams and self._streams[0]._ready and not self._paused:
                stream = self._streams[0]
                samples = _take(stream, count - filled)
                sound[filled : filled + len(samples)] = samples
                stream._played.add(samples)
                self._note_position(stream, len(samples), filled)
                filled += len(samples)
                if stream._buffered:
                    continue
                if stream._finished:
                    self._streams.popleft()
                    self._later(filled, _end, stream, True)
                elif filled < count:
                    self.underruns += 1
                    stream._started = False  # collect a little before going on
        if self.tap:
            self.tap(sound)
        return sound

    def _make_way(self) -> None:
        """What only bridges a silence ends when there is something to be heard."""
        if len(self._streams) > 1 and self._streams[0]._gives_way and self._streams[1]._ready and not len(self._fading):
            stream = self._streams.popleft()
            self._fade_out(stream)
            self._later(0, _end, stream, False)

    def _note_position(self, stream: PlaybackStream, count: int, offset: int) -> None:
        stream._started = True
        before, stream.position = stream.position, stream.position + count
        if stream._audible_from is not None and before <= stream._audible_from < stream.position:
            self._later(offset + stream._audible_from - before, _first_sound, stream)
        if not stream._room.is_set() and stream._buffered <= _LEAD_S * PLAYBACK_RATE_HZ:
            self._later(0, stream._room.set)

    def _later(self, samples: int, call, *arguments) -> None:
        """Calls on the loop when the sample `samples` after the one being taken now is heard."""
        delay_s = self._speaker.latency_s + samples / PLAYBACK_RATE_HZ
        self._loop.call_soon_threadsafe(self._loop.call_later, delay_s, call, *arguments)


def _take(stream: PlaybackStream, count: int) -> np.ndarray:
    """Up to `count` samples from the front."""
    taken = []
    while count and stream._pending:
        first = stream._pending[0]
        taken.append(first[:count])
        if len(first) > count:
            stream._pending[0] = first[count:]
        else:
            stream._pending.popleft()
        count -= len(taken[-1])
    samples = np.concatenate(taken) if taken else np.empty(0, dtype=np.int16)
    stream._buffered -= len(samples)
    return samples


def _faded_in(samples: np.ndarray, stream: PlaybackStream) -> np.ndarray:
    """The samples that a stream goes on with; `_put_back` counts them as not played, and they were not."""
    stream.position += len(samples)
    return (samples * np.linspace(0.0, 1.0, len(samples))).astype(np.int16)


def _first_sound(stream: PlaybackStream) -> None:
    stream.heard_at = asyncio.get_running_loop().time()


def _end(stream: PlaybackStream, complete: bool) -> None:
    if not stream._over.is_set():
        stream.complete = complete
        stream._over.set()
        stream._room.set()
