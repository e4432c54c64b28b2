"""What one 80 ms frame costs the wake word engine."""

import itertools
import time

import numpy as np
from figures import Figure
from speech import speak

from wyoming_servers import services
from wyoming_servers.shared.engines import EngineContext

_FRAME_SAMPLES = 1280
_FRAMES = 500


def measure() -> list[Figure]:
    """Milliseconds per frame, on a stream of speech without a pause, and on one of a quiet room, where an engine may rest."""
    rng = np.random.default_rng(0)
    sounds = {"speech": speak("the quick brown fox jumps over the lazy dog"), "quiet": rng.normal(0, 20, 16000 * 30).astype(np.int16)}
    figures = []
    for spec in services.engines("wake"):
        cls = spec.load_class()
        engine = cls(cls.Options(), EngineContext())
        names = [model.name for model in cls.models(cls.Options(), EngineContext())]
        for words, (sound, samples) in itertools.product(((), names[:1], names), sounds.items()):
            stream = engine.open(words)
            values = []
            for number in range(_FRAMES):
                start = number * _FRAME_SAMPLES % (len(samples) - _FRAME_SAMPLES)
                frame = samples[start : start + _FRAME_SAMPLES]
                begun = time.perf_counter()
                stream.feed(frame)
                values.append((time.perf_counter() - begun) * 1000)
            stream.close()
            label = f"{len(words)} words" if words else "default words"
            figures.append(Figure(f"{spec.name}, {label}, {sound}", "ms", values, target=2.0))
        engine.close()
    return figures
