"""Speech for tests, made by our own embedded voice: nothing is recorded, nothing is downloaded."""

import functools

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


@functools.lru_cache(maxsize=64)
def _spoken(text: str, voice: str, speaker: str | None, rate_wpm: int) -> np.ndarray:
    engine = EspeakEngine(EspeakEngine.Options(rate_wpm=rate_wpm), EngineContext())
    blocks = list(engine.synthesize(TtsRequest(text, voice, speaker)))
    converter = Converter(AudioFormat(blocks[0].rate_hz, 2, 1))
    return np.concatenate([converter.convert(block.pcm) for block in blocks] + [converter.flush()])
