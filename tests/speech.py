"""Speech for tests, made by our own embedded voice: nothing is recorded, nothing is downloaded."""

import functools
import multiprocessing
from multiprocessing.connection import Connection

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
    """Made in a process that has said nothing before: espeak-ng's voice wavers, and goes on where its last sentence left off."""
    receiving, sending = _processes().Pipe(duplex=False)
    child = _processes().Process(target=_say, args=(sending, text, voice, speaker, rate_wpm))
    child.start()
    sending.close()
    try:
        return receiving.recv()
    except EOFError:
        raise RuntimeError(f"espeak-ng did not say {text!r}: see the child's output above") from None
    finally:
        child.join()
        receiving.close()


@functools.cache
def _processes() -> multiprocessing.context.ForkServerContext:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    return processes


def _say(sending: Connection, text: str, voice: str, speaker: str | None, rate_wpm: int) -> None:
    engine = EspeakEngine(EspeakEngine.Options(rate_wpm=rate_wpm), EngineContext())
    blocks = list(engine.synthesize(TtsRequest(text, voice, speaker)))
    converter = Converter(AudioFormat(blocks[0].rate_hz, 2, 1))
    sending.send(np.concatenate([converter.convert(block.pcm) for block in blocks] + [converter.flush()]))
