"""The edges of sound: any PCM in becomes 16 kHz mono int16 inside; the only place where samples change format."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from .errors import InvalidRequestError

RATE_HZ = 16_000
"""Inside Earshot."""
FRAME_SAMPLES = 512
"""32 ms: one Silero VAD frame; what the satellite sends per audio-chunk."""
_RATES_HZ = (4_000, 192_000)
_MAX_CHANNELS = 8


@dataclass(frozen=True)
class AudioFormat:
    """How PCM is to be read."""

    rate_hz: int
    width_bytes: int
    """1 (unsigned), 2, 3 or 4 (signed little-endian)."""
    channels: int

    def __post_init__(self) -> None:
        for name, low, high in (("rate_hz", *_RATES_HZ), ("width_bytes", 1, 4), ("channels", 1, _MAX_CHANNELS)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise InvalidRequestError(f"audio {name.replace('_', ' ')} {value!r} is not supported (allowed: {low} to {high})")

    @property
    def frame_bytes(self) -> int:
        """One sample of every channel."""
        return self.width_bytes * self.channels


INSIDE = AudioFormat(RATE_HZ, 2, 1)


class Framer:
    """Cuts one stream into frames of FRAME_SAMPLES, the same ones however it comes in."""

    def __init__(self) -> None:
        self._left = np.empty(0, dtype=np.int16)

    def feed(self, samples: np.ndarray) -> list[np.ndarray]:
        """Takes (n,) int16, any n; returns the frames that are full now, (FRAME_SAMPLES,) int16 each."""
        samples = np.concatenate((self._left, samples)) if len(self._left) else samples
        whole = len(samples) - len(samples) % FRAME_SAMPLES
        self._left = samples[whole:].copy()
        return [samples[first : first + FRAME_SAMPLES] for first in range(0, whole, FRAME_SAMPLES)]

    def flush(self) -> np.ndarray:
        """What is left, less than a frame; call once, at the end."""
        left, self._left = self._left, np.empty(0, dtype=np.int16)
        return left

    def pad(self) -> list[np.ndarray]:
        """What is left as a frame filled up with silence; none when nothing is left. In place of `flush`."""
        left = self.flush()
        return [np.pad(left, (0, FRAME_SAMPLES - len(left)))] if len(left) else []


class Converter:
    """A stream of PCM in one format to (n,) int16 mono at `rate_hz`, without seams between chunks."""

    def __init__(self, source: AudioFormat, rate_hz: int = RATE_HZ) -> None:
        self.source = source
        self._left = b""
        self._resampler = (
            None if source.rate_hz == rate_hz else soxr.ResampleStream(source.rate_hz, rate_hz, 1, dtype="float32", quality="HQ")
        )

    def convert(self, pcm: bytes) -> np.ndarray:
        """Samples for this chunk; a split sample waits for its other half."""
        pcm = self._left + pcm
        whole = len(pcm) - len(pcm) % self.source.frame_bytes
        self._left = pcm[whole:]
        return self._resample(pcm[:whole], last=False)

    def flush(self) -> np.ndarray:
        """The samples the resampler still holds; call once, at the end."""
        self._left = b""
        return self._resample(b"", last=True)

    def _resample(self, pcm: bytes, *, last: bool) -> np.ndarray:
        source = self.source
        if self._resampler is None and source.width_bytes == 2 and source.channels == 1:
            return np.frombuffer(pcm, dtype="<i2")
        samples = _to_float(pcm, source.width_bytes).reshape(-1, source.channels).mean(axis=1, dtype=np.float32)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        return to_int16(samples)


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Floats in -1..1 to int16; what is louder is clipped, never wrapped."""
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)


def level_dbfs(samples: np.ndarray) -> float:
    """Loudness of (n,) int16 as RMS in dB of full scale; -120 for digital silence."""
    if not len(samples):
        return -120.0
    rms = float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))) / 32768.0
    return max(-120.0, 20.0 * float(np.log10(rms))) if rms > 0 else -120.0


def read_wav(path: Path, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A WAV file of any PCM format as (n,) int16 mono at `rate_hz`.

    Raises: InvalidRequestError that says why the file cannot be used.
    """
    try:
        with wave.open(str(path), "rb") as file:
            source = AudioFormat(file.getframerate(), file.getsampwidth(), file.getnchannels())
            pcm = file.readframes(file.getnframes())
    except FileNotFoundError:
        raise InvalidRequestError(f"there is no file {path}") from None
    except (wave.Error, EOFError) as err:
        raise InvalidRequestError(f"{path} is not a PCM WAV file: {err or 'it ends too early'}") from None
    except OSError as err:
        raise InvalidRequestError(f"{path} cannot be read: {err.strerror}") from None
    converter = Converter(source, rate_hz)
    return np.concatenate((converter.convert(pcm), converter.flush()))


def _to_float(pcm: bytes, width_bytes: int) -> np.ndarray:
    if width_bytes == 1:
        return (np.frombuffer(pcm, dtype=np.uint8).astype(np.float32) - 128.0) / 128.0
    if width_bytes == 2:
        return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
    if width_bytes == 3:
        padded = np.zeros((len(pcm) // 3, 4), dtype=np.uint8)
        padded[:, 1:] = np.frombuffer(pcm, dtype=np.uint8).reshape(-1, 3)
        return padded.view("<i4").reshape(-1).astype(np.float32) / 2147483648.0
    return np.frombuffer(pcm, dtype="<i4").astype(np.float32) / 2147483648.0
