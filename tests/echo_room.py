"""A room in which a satellite hears its own loudspeaker: reflections, delays and a loudspeaker's limits, computed."""

import numpy as np
from satellite_rig import Recorder, Room

from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ, AudioFormat, Converter

_BUFFER = RATE_HZ // 25
"""40 ms in sound cards."""


def impulse_response(delay_s: float, reverberation_s: float, gain: float, seed: int = 3) -> np.ndarray:
    """From loudspeaker to microphone at 16 kHz: a direct path, and noise that dies away by 60 dB; as loud as `gain` in all.

    Both are equally strong: in one case, or on one desk, the direct path is stronger than that."""
    count = round(reverberation_s * RATE_HZ)
    response = np.random.default_rng(seed).normal(0, 1, count) * np.exp(-6.9 * np.arange(count) / count)
    response[0] = np.sqrt(np.sum(response[1:] ** 2))
    response *= gain / np.sqrt(np.sum(response**2))
    return np.concatenate((np.zeros(round(delay_s * RATE_HZ)), response))


class EchoRoom(Room):
    """A microphone that hears what the loudspeaker beside it plays."""

    def __init__(self, response: np.ndarray, drive: float = 1.0) -> None:
        """response: see impulse_response. drive: above 1 the loudspeaker distorts what is loud."""
        super().__init__()
        self._response = response
        self._spectra: dict[int, np.ndarray] = {}
        self._drive = drive
        self._converter = Converter(AudioFormat(PLAYBACK_RATE_HZ, 2, 1), RATE_HZ)
        self._echo = np.zeros(_BUFFER)
        self._there = _BUFFER

    def play(self, samples: np.ndarray) -> None:
        """The loudspeaker plays (n,) int16 at the player's rate now."""
        played = self._converter.convert(samples.astype("<i2").tobytes()).astype(np.float64)
        if self._drive > 1.0:
            played = np.tanh(played * self._drive / 32768) * 32768 / self._drive
        if len(played):
            echo = self._reflected(played)
            self._echo = np.pad(self._echo, (0, max(0, self._there + len(echo) - len(self._echo))))
            self._echo[self._there : self._there + len(echo)] += echo
            self._there += len(played)

    def _reflected(self, played: np.ndarray) -> np.ndarray:
        """The convolution with the room's response."""
        count = len(played) + len(self._response) - 1
        size = 1 << (count - 1).bit_length()
        if size not in self._spectra:
            self._spectra[size] = np.fft.rfft(self._response, size)
        return np.fft.irfft(np.fft.rfft(played, size) * self._spectra[size], size)[:count]

    def surroundings(self) -> np.ndarray:
        """What is heard besides those who speak here, for the next frame."""
        frame, self._echo = self._echo[:FRAME_SAMPLES], self._echo[FRAME_SAMPLES:]
        self._there = max(0, self._there - len(frame))
        return np.pad(frame, (0, FRAME_SAMPLES - len(frame)))


class EchoRecorder(Recorder):
    """A loudspeaker in an echo room."""

    def __init__(self, room: EchoRoom) -> None:
        super().__init__()
        self._room = room

    def take(self, samples: np.ndarray) -> None:
        super().take(samples)
        self._room.play(samples)
