"""The satellite's sounds: short, quiet, without clicks, and nothing that a wake word model takes for a voice."""

import numpy as np
import pytest
from speech import silence, speak

from wyoming_servers.satellite import chimes
from wyoming_servers.shared.audio import AudioFormat, Converter
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.wake.openwakeword import OpenWakeWordEngine, OpenWakeWordOptions

CHIMES = ("wake", "done", "error", "working", "muted", "unmuted", "announce", "ring")


@pytest.fixture(scope="module")
def keen_engine() -> OpenWakeWordEngine:
    """Reports every bundled word from a score of 0.1 on."""
    return OpenWakeWordEngine(OpenWakeWordOptions(threshold=0.1, refractory_s=0.0), EngineContext())


def heard(name: str, loudness: float) -> np.ndarray:
    """The chime twice in a quiet room, (n,) int16 at 16 kHz."""
    converter = Converter(AudioFormat(chimes.RATE_HZ, 2, 1))
    sound = np.concatenate((converter.convert(getattr(chimes, name)().tobytes()), converter.flush()))
    room = np.random.default_rng(0).normal(0, 8, 5 * 16_000)
    for start in (16_000, 40_000):
        room[start : start + len(sound)] += sound * loudness
    return np.clip(room, -32768, 32767).astype(np.int16)


def test_the_engine_would_report_a_wake_word(keen_engine: OpenWakeWordEngine) -> None:
    stream = keen_engine.open([])
    hits = stream.feed(np.concatenate((silence(1.0), speak("hey jarvis"), silence(1.0)))) + stream.finish()
    assert "hey_jarvis" in {hit.name for hit in hits}
    stream.close()


@pytest.mark.parametrize("loudness", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("name", CHIMES)
def test_no_wake_word_scores_on_a_chime(keen_engine: OpenWakeWordEngine, name: str, loudness: float) -> None:
    stream = keen_engine.open([])
    assert stream.feed(heard(name, loudness)) + stream.finish() == []
    stream.close()


@pytest.mark.parametrize("name", CHIMES)
def test_a_chime_begins_and_ends_without_a_click(name: str) -> None:
    sound = getattr(chimes, name)().astype(int)
    assert max(abs(sound[0]), abs(sound[-1])) < 50
    assert np.max(np.abs(np.diff(sound))) < 0.5 * np.max(np.abs(sound))


@pytest.mark.parametrize("name", ["wake", "done", "error", "working", "muted", "unmuted", "announce"])
def test_a_chime_is_short_and_quieter_than_speech(name: str) -> None:
    sound = getattr(chimes, name)()
    assert len(sound) / chimes.RATE_HZ <= 0.5
    assert 3000 < np.max(np.abs(sound)) < 10_000
