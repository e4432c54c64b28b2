"""Speech for tests, made by our own embedded voice: nothing is recorded, nothing is downloaded."""

import functools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from wyoming_servers.shared.audio import AudioFormat, Converter
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.tts.engine import TtsRequest
from wyoming_servers.tts.espeak import EspeakEngine


def speak(text: str, voice: str = "en-us", speaker: str | None = None, rate_wpm: int = 175) -> np.ndarray:
    """The text as (n,) int16 mono 16 kHz; a fresh array each time.

    speaker: f1 to f5, m1 to m8, croak, whisper; None is the voice's own.
    """
    return _spoken(text, voice, speaker, rate_wpm).copy()


def silence(seconds: float) -> np.ndarray:
    """(n,) int16 of digital silence at 16 kHz."""
    return np.zeros(round(seconds * 16_000), np.int16)


@functools.lru_cache(maxsize=256)
def _spoken(text: str, voice: str, speaker: str | None, rate_wpm: int) -> np.ndarray:
    """Made by a process that has said nothing before: espeak-ng's voice wavers, and goes on where its last sentence left off."""
    speakers = _speakers(os.getpid())
    assert speakers.stdin and speakers.stdout
    with _ONE_AT_A_TIME:
        speakers.stdin.write(json.dumps([text, voice, speaker, rate_wpm]).encode() + b"\n")
        speakers.stdin.flush()
        size = int(speakers.stdout.readline() or 0)
        pcm = speakers.stdout.read(size)
    if not pcm:
        raise RuntimeError(f"espeak-ng did not say {text!r}; its error is above")
    return np.frombuffer(pcm, np.int16)


_ONE_AT_A_TIME = threading.Lock()


@functools.cache
def _speakers(of_process: int) -> subprocess.Popen[bytes]:
    """`_serve` in a process of its own, which ends with this one. of_process: a fork must not talk into its parent's pipes."""
    paths = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, str(Path(__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
        start_new_session=True,  # Ctrl-C is for the tests
    )


def _serve() -> None:
    """Answers every request in a fork that has said nothing yet: its size in a line, then the samples."""
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            pcm = _say(*json.loads(line))
            sys.stdout.buffer.write(b"%d\n" % len(pcm) + pcm)
            sys.stdout.buffer.flush()
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            sys.stdout.buffer.write(b"0\n")
            sys.stdout.buffer.flush()


def _say(text: str, voice: str, speaker: str | None, rate_wpm: int) -> bytes:
    engine = EspeakEngine(EspeakEngine.Options(rate_wpm=rate_wpm), EngineContext())
    blocks = list(engine.synthesize(TtsRequest(text, voice, speaker)))
    converter = Converter(AudioFormat(blocks[0].rate_hz, 2, 1))
    return np.concatenate([converter.convert(block.pcm) for block in blocks] + [converter.flush()]).tobytes()


if __name__ == "__main__":
    _serve()
