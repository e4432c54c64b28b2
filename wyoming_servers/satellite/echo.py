"""Our own voice taken out of the microphone's sound: what the loudspeaker plays is the reference, WebRTC's canceller does the rest."""

import asyncio
import importlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..shared.audio import RATE_HZ, AudioFormat, Converter
from ..shared.errors import SettingsError
from .speakers import PLAYBACK_RATE_HZ

_PIECE = RATE_HZ // 100  # WebRTC works on 10 ms
_KEPT = 2 * RATE_HZ  # of the reference: microphones lag behind for less
_OFF = RATE_HZ // 125  # by less than 8 ms both streams go on side by side: the canceller follows
_EARLY_S = 0.02  # the reference comes this much later than it was taken; the way through the sound cards and the room takes longer
_DRIFT = 100e-6  # of two sound cards' clocks, at most
_GAP_S = 0.2  # a stream that is off by more has begun anew
_SETTLED_S = 3.0  # of our own sound: before, 15 to 20 dB less are taken out of it
_AUDIBLE = 30  # of 32768
_TAIL_S = 1.0  # the room goes on for a while when the loudspeaker is silent


class EchoCanceller:
    """Takes what is played on any thread and what is heard on the event loop's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: seconds, the event loop's. Blocking: loads the library.

        Raises: SettingsError when it is not installed.
        """
        try:
            self._rtc = importlib.import_module("livekit.rtc")
            apm = importlib.import_module("livekit.rtc.apm")
        except ImportError:
            raise SettingsError("satellite.echo_cancel: webrtc needs a library: pip install 'earshot-voice[echo]'") from None
        self._canceller: Any = apm.AudioProcessingModule(echo_cancellation=True)
        self._clock = clock
        self._reference = _Reference()
        self._microphone = _Timeline(RATE_HZ)
        self._raw = np.empty(0, dtype=np.int16)
        self._clean = np.zeros(_PIECE, dtype=np.int16)  # frames are no whole number of pieces: one piece of delay
        self._heard = np.empty(0, dtype=np.int16)
        self._loud_samples = 0
        self._quiet_samples = round(_TAIL_S * RATE_HZ)

    @property
    def settled(self) -> bool:
        """True once it has heard enough of our own sound."""
        return self._loud_samples >= _SETTLED_S * RATE_HZ

    def as_heard(self, count: int) -> np.ndarray:
        """The last `count` samples, at most 2 s, with our own sound: soft consonants, which are taken for echo, are in it."""
        return self._heard[-count:]

    def play(self, samples: np.ndarray) -> None:
        """This goes to the loudspeaker now, (n,) int16 at PLAYBACK_RATE_HZ; silence too."""
        self._reference.add(samples, self._clock())

    def clean(self, frame: np.ndarray) -> np.ndarray:
        """The frame without our own sound: as many samples, 10 ms later. Takes (n,) int16 mono 16 kHz."""
        self._microphone.note(len(frame), self._clock())
        self._raw = np.concatenate((self._raw, frame))
        self._heard = np.concatenate((self._heard, frame))[-_KEPT:]
        while len(self._raw) >= _PIECE:
            piece, self._raw = self._raw[:_PIECE], self._raw[_PIECE:]
            begins_at = self._microphone.end - (len(self._raw) + _PIECE) / RATE_HZ
            self._clean = np.concatenate((self._clean, self._cancel(piece, begins_at - _EARLY_S)))
        done, self._clean = self._clean[: len(frame)], self._clean[len(frame) :]
        return done

    def _cancel(self, piece: np.ndarray, begins_at: float) -> np.ndarray:
        reference = self._reference.at(begins_at)
        if np.abs(reference.astype(np.int32)).max() > _AUDIBLE:
            self._loud_samples += _PIECE
            self._quiet_samples = 0
        else:
            self._quiet_samples += _PIECE
        if self._quiet_samples > _TAIL_S * RATE_HZ:
            return piece
        self._canceller.process_reverse_stream(self._frame(reference))
        heard = self._frame(piece)
        self._canceller.process_stream(heard)
        return np.frombuffer(bytes(heard.data), dtype=np.int16)

    def _frame(self, samples: np.ndarray) -> Any:
        return self._rtc.AudioFrame(bytearray(samples.tobytes()), RATE_HZ, 1, len(samples))


async def open_canceller(choice: str) -> EchoCanceller | None:
    """The canceller that the settings name; None when there is none here.

    Raises: SettingsError.
    """
    if choice != "webrtc":
        return None
    return await asyncio.to_thread(EchoCanceller, asyncio.get_running_loop().time)


class _Timeline:
    """When the samples of a stream came, without the jitter of those who handed them on."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.end = float("-inf")
        """Clock time behind the last sample."""

    def note(self, count: int, now: float) -> None:
        """So many samples more, complete by `now`."""
        expected = self.end + count / self._rate_hz * (1 + _DRIFT)
        self.end = min(expected, now) if abs(expected - now) < _GAP_S else now


class _Reference:
    """What was played lately, at 16 kHz, by time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timeline = _Timeline(PLAYBACK_RATE_HZ)
        self._converter = Converter(AudioFormat(PLAYBACK_RATE_HZ, 2, 1), RATE_HZ)
        self._played = 0
        self._kept = np.empty(0, dtype=np.int16)
        self._first = 0
        self._next: int | None = None

    def add(self, samples: np.ndarray, now: float) -> None:
        """These begin to be played now."""
        with self._lock:
            self._timeline.note(len(samples), now + len(samples) / PLAYBACK_RATE_HZ)
            self._played += len(samples)
            self._kept = np.concatenate((self._kept, self._converter.convert(samples.astype("<i2").tobytes())))
            if (surplus := len(self._kept) - 2 * _KEPT) > 0:
                self._kept, self._first = self._kept[surplus:], self._first + surplus

    def at(self, begins_at: float) -> np.ndarray:
        """10 ms from a moment on, (160,) int16; silence where nothing was played. The next call goes on where this one ends."""
        with self._lock:
            ideal = round(self._played * RATE_HZ / PLAYBACK_RATE_HZ + max(-_KEPT, min(_KEPT, (begins_at - self._timeline.end) * RATE_HZ)))
            if self._next is None or abs(ideal - self._next) > _OFF:
                self._next = ideal
            start = self._next - self._first
            self._next += _PIECE
            found = self._kept[max(0, start) : max(0, start + _PIECE)]
        before = min(_PIECE, max(0, -start))
        return np.pad(found, (before, _PIECE - before - len(found)))
