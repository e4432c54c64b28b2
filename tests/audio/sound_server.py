"""A PulseAudio server of our own with two virtual devices: what is played into `room` is what the microphone hears, and what is
played on `loudspeaker` can be recorded."""

import ctypes.util
import os
import shutil
import signal
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

PACKAGES = "sudo apt-get install pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
RATE_HZ = 16_000
_START_S = 10.0
_RATES_HZ = {"room": 44_100, "loudspeaker": 48_000}


def missing() -> str:
    """What this machine lacks for a sound server; empty when it has everything."""
    lacking = [program for program in ("pulseaudio", "pactl", "pacat", "parec") if not shutil.which(program)]
    if lacking:
        return f"no {', '.join(lacking)}: {PACKAGES}"
    return "" if ctypes.util.find_library("portaudio") else f"no PortAudio: {PACKAGES}"


class SoundServer:
    """A running server. Programs started with `environment` use it."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{folder}/pulse/native",
        }

    def wait_until_it_answers(self) -> None:
        """Raises: TimeoutError."""
        deadline = time.monotonic() + _START_S
        while subprocess.run(["pactl", "info"], env=self.environment, capture_output=True, timeout=_START_S, check=False).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError("PulseAudio does not start")

    def play(self, samples: np.ndarray) -> None:
        """Plays (n,) int16 mono 16 kHz into the room; returns when it was heard."""
        command = [
            "pacat",
            "--playback",
            "--device=room",
            "--raw",
            f"--rate={RATE_HZ}",
            "--channels=1",
            "--format=s16le",
            "--latency-msec=50",
        ]
        subprocess.run(command, input=samples.tobytes(), env=self.environment, check=True, timeout=60)

    @contextmanager
    def recording(self, file: Path) -> Iterator[None]:
        """Records what the loudspeaker plays into a WAV file."""
        command = [
            "parec",
            "--device=loudspeaker.monitor",
            "--latency-msec=50",
            f"--rate={RATE_HZ}",
            "--channels=1",
            "--format=s16le",
            "--raw",
        ]
        with file.with_suffix(".raw").open("wb") as out, subprocess.Popen(command, stdout=out, env=self.environment) as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(10)
        with wave.open(str(file), "wb") as wav:
            wav.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            wav.writeframes(file.with_suffix(".raw").read_bytes())

    def unplug(self, device: str) -> None:
        """Takes a device away from under whoever uses it."""
        self._control("unload-module", self._module(device))

    def plug_in(self, device: str) -> None:
        """Gives the device back."""
        self._control("load-module", "module-null-sink", f"sink_name={device}", f"rate={_RATES_HZ[device]}", "channels=2")
        if device == "room":
            self._control("set-default-source", "room.monitor")
        else:
            self._control("set-default-sink", device)

    def _control(self, *arguments: str) -> str:
        command = ["pactl", *arguments]
        return subprocess.run(command, env=self.environment, check=True, timeout=10, capture_output=True, text=True).stdout

    def _module(self, device: str) -> str:
        return next(line.split()[0] for line in self._control("list", "short", "modules").splitlines() if f"sink_name={device}" in line)


@contextmanager
def sound_server(folder: Path) -> Iterator[SoundServer]:
    """Runs a server that keeps everything in `folder`."""
    folder.chmod(0o700)
    server = SoundServer(folder)
    command = [
        "pulseaudio",
        "-n",
        "--load=module-native-protocol-unix",
        "--exit-idle-time=-1",
        "--daemonize=no",
        "--use-pid-file=no",
        "--log-level=error",
    ]
    with subprocess.Popen(command, env=server.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            server.wait_until_it_answers()
            for device in _RATES_HZ:
                server.plug_in(device)
            yield server
        finally:
            process.terminate()
            process.wait(10)
