"""Sound cards through PortAudio: found by name or number, opened in a format they take, missed when they are unplugged."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ..shared.audio import AudioFormat, Converter
from ..shared.protocol import printable
from .speakers import PLAYBACK_RATE_HZ, Pull, SoundError, Speaker

_LOGGER = logging.getLogger(__name__)
_INSTALL = "sudo apt-get install libportaudio2"
_BLOCK_S = 0.032
_USUAL_RATES_HZ = (48_000, 44_100, 32_000, 96_000)


class PortAudio:
    """The library. Every method may block, and may be called on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0

    def open(self, direction: str, device: str, rate_hz: int, callback: Callable[..., None]) -> "OpenStream":
        """Opens and starts an `input` or `output` stream on a device.

        device: name, part of a name, number, or empty for the system's default. rate_hz: taken if the device takes it.
        Raises: SoundError that says what there is and what to do.
        """
        with self._lock:
            with _log_held_back():
                sound = self._module()
                if not self._open:  # devices that were plugged in since are only seen after this
                    sound._terminate()
                    sound._initialize()
            try:
                index = find_device(list(sound.query_devices()), direction, device, _default_index(sound, direction))
                name = printable(str(sound.query_devices(index)["name"]), 80)
                source = _usable_format(sound, direction, index, rate_hz)
                make = sound.InputStream if direction == "input" else sound.OutputStream
                stream = make(
                    samplerate=source.rate_hz,
                    blocksize=round(_BLOCK_S * source.rate_hz) if direction == "input" else 0,
                    device=index,
                    channels=source.channels,
                    dtype="int16",
                    callback=callback,
                )
                stream.start()
            except sound.PortAudioError as err:
                raise SoundError(f"{_label(direction)} {device or 'default'!s} cannot be used: {_explain(err)}") from None
            self._open += 1
            return OpenStream(name, source, stream)

    def close(self, stream: "OpenStream") -> None:
        """Ends a stream, also one whose device is gone."""
        with self._lock:
            self._open -= 1
            try:
                stream.stream.abort()
                stream.stream.close()
            except self._module().PortAudioError as err:  # the device is gone
                _LOGGER.debug("closing %s: %s", stream.name, err)

    def _module(self) -> ModuleType:
        try:
            import sounddevice
        except OSError:
            raise SoundError(f"PortAudio is not installed, which microphones and loudspeakers need: {_INSTALL}") from None
        return sounddevice


@dataclass(frozen=True)
class OpenStream:
    """A running stream."""

    name: str
    """The device's."""
    source: AudioFormat
    """What the device gives or takes."""
    stream: Any


def find_device(devices: list[dict[str, Any]], direction: str, wanted: str, default: int | None) -> int:
    """The index of a device: by number, by name, by a part of its name that no other has, or the default.

    Raises: SoundError that lists the devices.
    """
    usable = {index: str(device["name"]) for index, device in enumerate(devices) if device[f"max_{direction}_channels"] > 0}
    label = _label(direction)
    listed = "; ".join(f"{index}: {printable(name, 60)}" for index, name in usable.items())
    if not usable:
        raise SoundError(f"there is no {label} on this machine; plug one in, and see `arecord -l` or `aplay -l`")
    if not wanted:
        return default if default in usable else next(iter(usable))
    if wanted.isdecimal() and int(wanted) in usable:
        return int(wanted)
    for matches in _by_name(usable, wanted.casefold()):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise SoundError(f"several {label}s are called {wanted!r}; use a number: {listed}")
    raise SoundError(f"there is no {label} {wanted!r}; there are: {listed}")


class SoundCardSpeaker(Speaker):
    """A loudspeaker; converts to what its sound card takes."""

    def __init__(self, device: str, portaudio: PortAudio) -> None:
        self.name = device or "the default loudspeaker"
        self._device = device
        self._portaudio = portaudio
        self._stream: OpenStream | None = None

    async def open(self, pull: Pull) -> None:
        feed = _Feed(pull)
        self._stream = await asyncio.to_thread(self._portaudio.open, "output", self._device, PLAYBACK_RATE_HZ, feed.callback)
        feed.begin(self._stream.source)
        self.latency_s = float(self._stream.stream.latency)
        self.name = self._stream.name

    async def close(self) -> None:
        if self._stream:
            stream, self._stream = self._stream, None
            await asyncio.to_thread(self._portaudio.close, stream)


class _Feed:
    """Gives a sound card its blocks; runs on PortAudio's thread."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._converter: Converter | None = None
        self._rate_hz = PLAYBACK_RATE_HZ
        self._left = np.empty(0, dtype=np.int16)
        self._running = False

    def begin(self, source: AudioFormat) -> None:
        """From now on sound is pulled."""
        self._rate_hz = source.rate_hz
        if source.rate_hz != PLAYBACK_RATE_HZ:
            self._converter = Converter(AudioFormat(PLAYBACK_RATE_HZ, 2, 1), source.rate_hz)
        self._running = True

    def callback(self, out: np.ndarray, count: int, _time: Any, _status: Any) -> None:
        """Fills (count, channels) int16."""
        out[:] = self._next(count)[:, np.newaxis] if self._running else 0

    def _next(self, count: int) -> np.ndarray:
        if self._converter is None:
            return self._pull(count)
        step = count * PLAYBACK_RATE_HZ // self._rate_hz + 1
        while len(self._left) < count:
            self._left = np.concatenate((self._left, self._converter.convert(self._pull(step).tobytes())))
        samples, self._left = self._left[:count], self._left[count:]
        return samples


@contextmanager
def _log_held_back() -> Iterator[None]:
    """While PortAudio looks for devices, sounddevice sends standard error to nowhere: log lines wait until it is back."""
    with ExitStack() as held:
        for handler in logging.getLogger().handlers:
            handler.acquire()
            held.callback(handler.release)
        yield


def _by_name(usable: dict[int, str], wanted: str) -> Iterator[list[int]]:
    yield [index for index, name in usable.items() if name.casefold() == wanted]
    yield [index for index, name in usable.items() if wanted in name.casefold()]


def _default_index(sound: ModuleType, direction: str) -> int | None:
    index = sound.default.device[0 if direction == "input" else 1]
    return index if isinstance(index, int) and index >= 0 else None


def _usable_format(sound: ModuleType, direction: str, index: int, wanted_hz: int) -> AudioFormat:
    """A rate and channel count that the device takes, as near to mono `wanted_hz` as it goes."""
    device = sound.query_devices(index)
    most = int(device[f"max_{direction}_channels"])
    check = sound.check_input_settings if direction == "input" else sound.check_output_settings
    refusal: Exception | None = None
    for rate_hz in dict.fromkeys((wanted_hz, round(device["default_samplerate"]), *_USUAL_RATES_HZ)):
        for channels in dict.fromkeys((1, min(2, most), min(8, most))):
            try:
                check(device=index, channels=channels, dtype="int16", samplerate=rate_hz)
            except sound.PortAudioError as err:
                refusal = refusal or err
                continue
            return AudioFormat(rate_hz, 2, channels)
    assert refusal is not None
    raise refusal


def _label(direction: str) -> str:
    return "microphone" if direction == "input" else "loudspeaker"


def _explain(err: Exception) -> str:
    text = printable(str(err))
    if "unavailable" in text.lower() or "busy" in text.lower():
        return (
            f"{text}. Another program uses it, or you may not: close that program, or "
            "`sudo usermod -aG audio $USER` and log in again. It is tried again every few seconds."
        )
    return text
