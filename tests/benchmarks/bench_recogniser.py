"""How fast the embedded recogniser is."""

import time

from figures import Figure
from speech import speak

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.asr.phrases import PhrasesEngine
from wyoming_servers.shared.context import engine_context
from wyoming_servers.shared.settings import load

_SENTENCES = (
    "what time is it",
    "set a timer for five minutes",
    "how much time is left on my timer",
    "cancel the pizza timer",
    "set a pizza timer for twelve minutes",
    "what is the date today",
    "add two minutes to the timer",
    "stop",
)
_ROUNDS = 3
_CHUNK_SAMPLES = 512


def measure() -> list[Figure]:
    """Real-time factor (processor seconds per second of audio), and the wait between the last sample and the transcript."""
    engine = PhrasesEngine(PhrasesEngine.Options(), engine_context(load(environment={})))
    factors, waits = [], []
    for _ in range(_ROUNDS):
        for sentence in _SENTENCES:
            samples = speak(sentence)
            begun = time.process_time()
            stream = engine.open(AsrRequest())
            for start in range(0, len(samples), _CHUNK_SAMPLES):
                stream.feed(samples[start : start + _CHUNK_SAMPLES])
            fed = time.perf_counter()
            stream.finish()
            waits.append((time.perf_counter() - fed) * 1000)
            factors.append((time.process_time() - begun) / (len(samples) / 16000))
            stream.close()
    engine.close()
    return [Figure("real-time factor", "", factors, target=0.1), Figure("last sample to transcript", "ms", waits)]
