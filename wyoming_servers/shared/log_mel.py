"""Whisper's picture of sound: the logarithm of the energy in 80 mel bands, every 10 ms."""

import functools

import numpy as np

from .audio import RATE_HZ

BANDS = 80
HOP_SAMPLES = 160
_WINDOW = 400  # samples, 25 ms
_FLOOR = 1e-10
_RANGE = 8.0  # powers of ten below the loudest that are told apart
_LINEAR_HZ, _LINEAR_MELS = 1000.0, 15.0  # Slaney's scale: 200/3 Hz a mel up to 1 kHz, then 27 mels for each factor of 6.4
_LOG_STEP = np.log(6.4) / 27.0


def log_mel(samples: np.ndarray) -> np.ndarray:
    """(n,) float32 mono 16 kHz → (80, n // 160) float32, mostly between -1 and 1; n at least 201. A frame looks 12.5 ms to each side."""
    padded = np.pad(samples.astype(np.float32), _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP_SAMPLES][: len(samples) // HOP_SAMPLES]
    spectrum = np.fft.rfft(windows * _hann())
    power = spectrum.real**2 + spectrum.imag**2
    # Not @: the other threads of OpenBLAS spin for 30 ms after it, on the core that the recogniser needs now.
    energy = np.einsum("bf,tf->bt", _filters(), power)
    levels = np.log10(np.maximum(energy, _FLOOR))
    return (np.maximum(levels, levels.max() - _RANGE) + 4.0) / 4.0


@functools.cache
def _hann() -> np.ndarray:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@functools.cache
def _filters() -> np.ndarray:
    """(80, 201) float32: how much of each frequency belongs to each band. Triangles that overlap by half, all of the same area."""
    highest = _LINEAR_MELS + np.log(RATE_HZ / 2 / _LINEAR_HZ) / _LOG_STEP
    corners = _hertz(np.linspace(0.0, highest, BANDS + 2))[:, None]
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    hertz = np.fft.rfftfreq(_WINDOW, 1 / RATE_HZ)
    slopes = np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle))
    return (np.maximum(slopes, 0.0) * 2.0 / (high - low)).astype(np.float32)


def _hertz(mels: np.ndarray) -> np.ndarray:
    linear = mels * _LINEAR_HZ / _LINEAR_MELS
    return np.where(mels < _LINEAR_MELS, linear, _LINEAR_HZ * np.exp(_LOG_STEP * (mels - _LINEAR_MELS)))
