"""A satellite in a quiet kitchen: a process of its own that is spoken to and heard."""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from household import Server, environment
from kept import Kept, answers, until
from running import free_port

_RATE_HZ = 16_000
_PIECE_SAMPLES = 512
_HEARD_RATE_HZ = 22_050
_WAV_HEADER_BYTES = 44
_READY_S = 60.0
_FRAME_SAMPLES = _HEARD_RATE_HZ // 50
_SAME = 0.88  # likeness: the same text has 0.92 to 0.97, other texts 0.46 to 0.85
_USED = "uses this satellite"


class Room:
    """What the microphone hears: soft noise, and what is said, in real time."""

    def __init__(self, descriptor: int) -> None:
        """descriptor: of the pipe that gets raw 16 kHz sound; closed with the room."""
        self._descriptor = descriptor
        self._sound = np.empty(0, np.int16)
        self._lock = threading.Lock()
        self._silent = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="room", daemon=True)
        self._thread.start()

    def hear(self, *sounds: np.ndarray) -> float:
        """Says (n,) int16 16 kHz pieces one after the other; returns when it was silent again, on time.monotonic()'s clock."""
        with self._lock:
            self._silent.clear()
            self._sound = np.concatenate((self._sound, *sounds))
        assert self._silent.wait(60), "nobody takes the microphone's sound"
        return time.monotonic()

    def close(self) -> None:
        """Nobody is there any more."""
        self._stopping.set()
        self._thread.join(10)
        os.close(self._descriptor)

    def _run(self) -> None:
        noise = np.random.default_rng(1)
        began, pieces = time.monotonic(), 0
        while not self._stopping.is_set():
            with self._lock:
                piece, self._sound = self._sound[:_PIECE_SAMPLES], self._sound[_PIECE_SAMPLES:]
            piece = np.pad(piece, (0, _PIECE_SAMPLES - len(piece))) + noise.normal(0, 8, _PIECE_SAMPLES)
            os.write(self._descriptor, np.clip(piece, -32768, 32767).astype("<i2").tobytes())
            pieces += 1
            if not len(self._sound):
                self._silent.set()
            self._stopping.wait(max(0.0, began + pieces * _PIECE_SAMPLES / _RATE_HZ - time.monotonic()))


class Kitchen:
    """The satellite's process, its room and its loudspeaker."""

    def __init__(self, kept: Kept, port: int, room: Room, recording: Path, servers: Server) -> None:
        self.kept = kept
        self.port = port
        self.room = room
        self._recording = recording
        self._servers = servers
        self.entry = self.satellite = self.pipeline = self.mute = ""
        """Home Assistant's ids: of the config entry, and of its entities for the satellite, its pipeline and its mute switch."""

    def now(self) -> int:
        """A moment in what is heard, for `since`."""
        return max(0, self._recording.stat().st_size - _WAV_HEADER_BYTES) // 2

    def since(self, moment: int) -> np.ndarray:
        """What was heard since then, (n,) int16 at 22 050 Hz."""
        pcm = self._recording.read_bytes()[_WAV_HEADER_BYTES + 2 * moment :]
        return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")

    def hears(self, moment: int, sound: np.ndarray, timeout_s: float = 30) -> None:
        """Waits until exactly this has been played, (n,) int16 at 22 050 Hz: a chime.

        Raises: TimeoutError.
        """
        wanted = sound.astype("<i2").tobytes()
        until(lambda: wanted in self.since(moment).tobytes(), timeout_s, "a chime is not heard")

    async def says(self, moment: int, text: str, timeout_s: float = 30) -> None:
        """Waits until a text has been played, as our servers' voice says it.

        Raises: TimeoutError.
        """
        wanted = await self._servers.speak(text)
        until(lambda: likeness(self.since(moment), wanted) > _SAME, timeout_s, f"{text!r} is not heard")

    def logged(self, text: str) -> int:
        """How often its log says so."""
        return self.kept.log.read_text().count(text)

    def logs(self, text: str, times: int = 1, timeout_s: float = 60) -> None:
        """Waits until its log says something, so often.

        Raises: TimeoutError.
        """
        until(lambda: self.logged(text) >= times, timeout_s, f"{text!r} in {self.kept.log}")

    @contextmanager
    def used_again(self) -> Iterator[None]:
        """Waits at the end until Home Assistant has connected anew."""
        before = self.logged(_USED)
        yield
        self.logs(_USED, before + 1)

    def wait(self) -> None:
        """Until Home Assistant can reach it."""
        until(lambda: answers(self.port), _READY_S, f"the satellite does not answer ({self.kept.log})")


@contextmanager
def kitchen(folder: Path, servers: Server, *settings: str) -> Iterator[Kitchen]:
    """A satellite called Kitchen, with our servers around it. settings: KEY=VALUE. What was heard is in folder/heard.wav afterwards."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:  # a disk that is busy with other tests would hold up the loudspeaker
        recording = Path(memory) / "heard.wav"
        try:
            with _satellite(folder, recording, servers, settings) as found:
                yield found
        finally:
            shutil.copy(recording, folder)


@contextmanager
def _satellite(folder: Path, recording: Path, servers: Server, settings: Sequence[str]) -> Iterator[Kitchen]:
    port = free_port()
    given = [
        "satellite.name=Kitchen",
        "satellite.area=Pantry",
        f"satellite.uri=tcp://127.0.0.1:{port}",
        "network.zeroconf=false",
        *settings,
    ]
    given += [f"satellite.peers.{kind}=tcp://127.0.0.1:{servers.port}" for kind in ("wake", "asr", "handle", "tts")]
    command = [sys.executable, "-m", "wyoming_servers", "satellite", "--mic", "-", "--speaker", str(recording)]
    reading, writing = os.pipe()
    room = Room(writing)
    kept = Kept([*command, *(word for text in given for word in ("--set", text))], folder / "satellite.log", environment(folder), reading)
    try:
        found = Kitchen(kept, port, room, recording, servers)
        found.wait()
        yield found
    finally:
        room.close()
        kept.stop()
        os.close(reading)


def likeness(heard: np.ndarray, wanted: np.ndarray) -> float:
    """How much the loudness of `heard`, at its best place, goes like that of `wanted`: a correlation, up to 1. Both at one rate.

    The embedded voice breathes at random: its samples differ from one time to the next, its loudness hardly.
    """
    heard, wanted = _loudness(heard), _loudness(wanted)
    if len(heard) < len(wanted):
        return 0.0
    places = np.lib.stride_tricks.sliding_window_view(heard, len(wanted))
    places = places - places.mean(axis=1, keepdims=True)
    wanted = wanted - wanted.mean()
    size = np.sqrt((places**2).sum(axis=1) * (wanted**2).sum())
    return float(np.max(places @ wanted / np.maximum(size, 1.0)))


def _loudness(samples: np.ndarray) -> np.ndarray:
    """Mean amplitude of each 20 ms."""
    whole = len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES
    return np.abs(samples[:whole].astype(np.float64)).reshape(-1, _FRAME_SAMPLES).mean(axis=1)
