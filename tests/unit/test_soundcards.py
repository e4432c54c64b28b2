"""Microphones and loudspeakers with a stand-in for the sound card, which is all that is not ours."""

import asyncio
import os
import sys
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from virtual_time import virtual

from wyoming_servers.satellite import microphones
from wyoming_servers.satellite.devices import open_microphone, open_speaker
from wyoming_servers.satellite.microphones import CaptureBuffer, FileMicrophone, Microphone, SoundCardMicrophone, StandardInputMicrophone
from wyoming_servers.satellite.playback import Player
from wyoming_servers.satellite.soundcard import PortAudio, SoundCardSpeaker, find_device
from wyoming_servers.satellite.speakers import PLAYBACK_RATE_HZ, FileSpeaker, SoundError
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.errors import InvalidRequestError
from wyoming_servers.shared.tasks import cancel

DEVICES = [
    {"name": "HDMI", "max_input_channels": 0, "max_output_channels": 2, "default_samplerate": 48_000.0},
    {"name": "USB Mic", "max_input_channels": 2, "max_output_channels": 0, "default_samplerate": 44_100.0},
    {"name": "ReSpeaker 2", "max_input_channels": 2, "max_output_channels": 2, "default_samplerate": 48_000.0},
    {"name": "ReSpeaker 4", "max_input_channels": 4, "max_output_channels": 2, "default_samplerate": 16_000.0},
]


class Card:
    """Stands in for the `sounddevice` module; its streams call back when the test says so."""

    class PortAudioError(Exception):
        """As PortAudio raises."""

    def __init__(self) -> None:
        self.devices: list[dict[str, Any]] = DEVICES
        self.rates: set[int] = {16_000, 22_050, 44_100, 48_000}
        self.failure: str | None = None
        self.scans = 0
        self.streams: asyncio.Queue[Stream] = asyncio.Queue()
        self.default = type("Default", (), {"device": (1, 0)})()
        self._loop = asyncio.get_running_loop()

    def _terminate(self) -> None:
        self.scans += 1

    def _initialize(self) -> None:
        """Nothing to do."""

    def query_devices(self, index: int | None = None) -> Any:
        return self.devices if index is None else self.devices[index]

    def check_input_settings(self, *, device: int, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate not in self.rates:
            raise self.PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    check_output_settings = check_input_settings

    def _stream(self, **options: Any) -> "Stream":
        if self.failure:
            raise self.PortAudioError(self.failure)
        stream = Stream(options)
        self._loop.call_soon_threadsafe(self.streams.put_nowait, stream)
        return stream

    InputStream = OutputStream = _stream


class Stream:
    """A stream of the stand-in."""

    latency = 0.01

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.closed = False

    def give(self, samples: np.ndarray) -> None:
        """The card has recorded (n, channels)."""
        self.options["callback"](samples, len(samples), None, None)

    def take(self, count: int) -> np.ndarray:
        """The card plays (count, channels)."""
        out = np.empty((count, self.options["channels"]), np.int16)
        self.options["callback"](out, count, None, None)
        return out

    def start(self) -> None:
        """Runs."""

    def abort(self) -> None:
        """Runs no more."""

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def card(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Card]:
    stand_in = Card()
    monkeypatch.setitem(sys.modules, "sounddevice", stand_in)
    yield stand_in


def tone(rate_hz: int, seconds: float) -> np.ndarray:
    return (np.sin(np.arange(round(rate_hz * seconds)) * 2 * np.pi * 440 / rate_hz) * 8000).astype(np.int16)


def pitch_hz(samples: np.ndarray, rate_hz: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples)))) * rate_hz / len(samples)


async def frames_of(microphone: Microphone, count: int, feed: Callable[[], None] | None = None) -> np.ndarray:
    """The first `count` frames."""
    got: list[np.ndarray] = []
    async with aclosing(microphone.frames()) as frames:
        async for frame in frames:
            got.append(frame)
            if len(got) == count:
                break
    return np.concatenate(got)


async def recorded(card: Card, device: str, block: np.ndarray, count: int) -> tuple[np.ndarray, Stream]:
    """Frames from a sound card that records `block` again and again, and its stream."""
    reading = asyncio.create_task(frames_of(SoundCardMicrophone(device, PortAudio()), count))
    stream = await card.streams.get()
    while not reading.done():
        stream.give(block)
        await asyncio.sleep(0)
    return await reading, stream


async def test_a_microphone_gives_what_its_card_records(card: Card) -> None:
    samples, stream = await recorded(card, "", np.arange(2 * FRAME_SAMPLES, dtype=np.int16)[:, np.newaxis], 2)
    assert np.array_equal(samples, np.arange(2 * FRAME_SAMPLES))
    assert stream.closed


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
async def test_other_rates_become_16_khz(card: Card, rate_hz: int) -> None:
    card.rates = {rate_hz}
    samples, stream = await recorded(card, "USB Mic", tone(rate_hz, 1.0)[:, np.newaxis], 25)
    assert stream.options["samplerate"] == rate_hz
    assert pitch_hz(samples, RATE_HZ) == pytest.approx(440, abs=3)


async def test_a_microphone_that_falls_silent_is_an_error(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphones, "_SILENT_S", 0.05)
    with pytest.raises(SoundError, match="USB Mic gives no sound"):
        await frames_of(SoundCardMicrophone("USB Mic", PortAudio()), 1)


async def test_a_busy_microphone_says_what_to_do(card: Card) -> None:
    card.failure = "Device unavailable [PaErrorCode -9985]"
    with pytest.raises(SoundError, match=r"Another program uses it.*usermod -aG audio"):
        await frames_of(SoundCardMicrophone("", PortAudio()), 1)


async def test_without_portaudio_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(SoundError, match="sudo apt-get install libportaudio2"):
        await frames_of(SoundCardMicrophone("", PortAudio()), 1)


async def test_devices_are_looked_for_anew_each_time_nothing_is_open(card: Card) -> None:
    portaudio = PortAudio()
    card.devices = []
    with pytest.raises(SoundError, match="there is no microphone on this machine"):
        await frames_of(SoundCardMicrophone("", portaudio), 1)
    assert card.scans == 1


async def test_devices_are_not_looked_for_while_one_is_in_use(card: Card) -> None:
    portaudio = PortAudio()
    speaker = SoundCardSpeaker("", portaudio)
    await speaker.open(lambda count: np.zeros(count, np.int16))
    card.failure = "gone"
    with pytest.raises(SoundError):
        await frames_of(SoundCardMicrophone("", portaudio), 1)
    await speaker.close()
    assert card.scans == 1


@pytest.mark.parametrize(("wanted", "index"), [("", 1), ("2", 2), ("usb mic", 1), ("USB", 1), ("respeaker 4", 3)])
def test_devices_are_found_by_number_name_and_part_of_a_name(wanted: str, index: int) -> None:
    assert find_device(DEVICES, "input", wanted, 1) == index


def test_an_unknown_device_lists_those_there_are() -> None:
    with pytest.raises(SoundError, match=r"no microphone 'Blue'; there are: 1: USB Mic; 2: ReSpeaker 2; 3: ReSpeaker 4"):
        find_device(DEVICES, "input", "Blue", 1)


def test_a_name_that_several_have_asks_for_a_number() -> None:
    with pytest.raises(SoundError, match="several microphones"):
        find_device(DEVICES, "input", "respeaker", 1)


def test_a_loudspeaker_without_default_is_the_first_one() -> None:
    assert find_device(DEVICES, "output", "", None) == 0


async def test_a_loudspeaker_plays_at_a_rate_its_card_takes(card: Card) -> None:
    card.rates = {48_000}
    speaker = SoundCardSpeaker("HDMI", PortAudio())
    left = tone(PLAYBACK_RATE_HZ, 2.0)

    def pull(count: int) -> np.ndarray:
        nonlocal left
        taken, left = left[:count], left[count:]
        return taken

    await speaker.open(pull)
    stream = await card.streams.get()
    heard = np.concatenate([stream.take(480)[:, 0] for _ in range(100)])
    await speaker.close()
    assert pitch_hz(heard, 48_000) == pytest.approx(440, abs=3)
    assert stream.closed


async def test_sound_nobody_fetches_is_dropped_from_the_oldest_and_counted() -> None:
    buffer = CaptureBuffer()
    for number in range(200):
        buffer.put(np.array([number]))
    assert (await buffer.get())[0] == buffer.dropped > 0


async def test_in_a_turn_nothing_is_dropped() -> None:
    buffer = CaptureBuffer()
    buffer.keep_all(True)
    for number in range(1000):
        buffer.put(np.array([number]))
    assert (buffer.dropped, (await buffer.get())[0]) == (0, 0)


@virtual
async def test_a_file_is_heard_in_real_time_then_silence(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    write_wav(path, np.arange(1, 16_001, dtype=np.int16))
    microphone = FileMicrophone(path)
    began = asyncio.get_running_loop().time()
    samples = await frames_of(microphone, 63)
    assert asyncio.get_running_loop().time() - began >= 63 * FRAME_SAMPLES / RATE_HZ - 0.01
    assert np.array_equal(samples[:16_000], np.arange(1, 16_001))
    assert microphone.ended and not samples[16_000:].any()


@virtual
async def test_standard_input_is_heard_to_its_end_whatever_its_pieces(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    microphone = StandardInputMicrophone(reading)
    pcm = np.arange(1, 3001, dtype="<i2").tobytes()
    for start, end in ((0, 1), (1, 2000), (2000, len(pcm))):
        os.write(writing, pcm[start:end])
    os.close(writing)
    samples = await frames_of(microphone, 8)
    os.close(reading)
    assert np.array_equal(samples[:3000], np.arange(1, 3001))
    assert microphone.ended and not samples[3000:].any()


@virtual
async def test_a_file_as_loudspeaker_has_every_sound_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    player = Player(FileSpeaker(path))
    running = asyncio.create_task(player.run())
    await asyncio.sleep(0.5)
    sound = np.full(2000, 777, np.int16)
    await player.play(sound).over()
    await cancel(running)
    with wave.open(str(path)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert sound.tobytes() in heard.tobytes()
    assert np.flatnonzero(heard)[0] == pytest.approx(0.5 * PLAYBACK_RATE_HZ, abs=0.2 * PLAYBACK_RATE_HZ)


def write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


async def test_a_file_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="there is no file"):
        open_microphone(str(tmp_path / "missing.wav"), PortAudio())


async def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be written"):
        open_speaker(str(tmp_path / "missing" / "heard.wav"), PortAudio())
