"""The satellite's own sounds: short, soft, made of pure tones, which no wake word model takes for a voice."""

import numpy as np

RATE_HZ = 22_050
_PEAK = 0.25  # of full scale: clearly below speech
_EDGE_S = 0.012  # fades of this length leave no click


def wake() -> np.ndarray:
    """Listening: two rising notes, 0.17 s. Chimes are (n,) int16 mono at RATE_HZ."""
    return _samples(_note(660.0, 0.07), _note(880.0, 0.10))


def done() -> np.ndarray:
    """Listening has ended and there is nothing to say: two falling notes, 0.17 s."""
    return _samples(_note(880.0, 0.07), _note(660.0, 0.10))


def error() -> np.ndarray:
    """It did not work: two low notes, 0.4 s."""
    return _samples(_note(330.0, 0.16), _rest(0.06), _note(247.0, 0.18))


def working() -> np.ndarray:
    """Still at work on it: two equal soft notes, 0.2 s."""
    return _samples(_note(523.0, 0.07), _rest(0.06), _note(523.0, 0.07), peak=_PEAK / 2)


def muted() -> np.ndarray:
    """The microphone is off: three falling notes, 0.27 s."""
    return _samples(_note(1047.0, 0.08), _note(880.0, 0.08), _note(660.0, 0.11))


def unmuted() -> np.ndarray:
    """The microphone is on again: the same notes, upwards."""
    return _samples(_note(660.0, 0.08), _note(880.0, 0.08), _note(1047.0, 0.11))


def announce() -> np.ndarray:
    """Something is going to be said: three rising notes, 0.38 s."""
    return _samples(_note(660.0, 0.09), _note(784.0, 0.09), _note(988.0, 0.20))


def ring() -> np.ndarray:
    """A timer has finished: three times a high pair, then a pause, 1.9 s."""
    pair = (_note(988.0, 0.11), _rest(0.05), _note(1319.0, 0.16), _rest(0.12))
    return _samples(*pair, *pair, *pair, _rest(0.6), peak=2 * _PEAK)


def _note(frequency_hz: float, length_s: float) -> np.ndarray:
    """A tone with a soft octave above it, which makes it warmer, fading like a struck bar."""
    times = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    tone = np.sin(2 * np.pi * frequency_hz * times) + 0.2 * np.sin(4 * np.pi * frequency_hz * times)
    envelope = np.exp(-times / (0.8 * length_s))
    edge = np.linspace(0.0, 1.0, round(_EDGE_S * RATE_HZ))
    envelope[: len(edge)] *= edge
    envelope[-len(edge) :] *= edge[::-1]
    return tone * envelope


def _rest(length_s: float) -> np.ndarray:
    return np.zeros(round(length_s * RATE_HZ))


def _samples(*parts: np.ndarray, peak: float = _PEAK) -> np.ndarray:
    sound = np.concatenate(parts)
    return np.rint(sound / np.max(np.abs(sound)) * peak * 32767).astype(np.int16)
