"""Wake word and command in one breath, both recorded: heard like the command alone. The twin is tests/e2e/test_one_breath.py."""

import numpy as np
import pytest
from recorded import CONTEXT, heard, labels, recording
from speech import silence

from wyoming_servers.asr.phrases import PhrasesEngine, PhrasesOptions
from wyoming_servers.satellite.boundary import LOOK_BACK_S, boundary
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.endpointing import Endpointer, Patience
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.vad import VoiceDetector
from wyoming_servers.wake.openwakeword import OpenWakeWordEngine, OpenWakeWordOptions

WAKE_WORD = slice(6_600, 20_500)
"""Where "hey jarvis" is in its recording, in samples; other words follow it there."""


@pytest.fixture(scope="module")
def engine() -> PhrasesEngine:
    return PhrasesEngine(PhrasesOptions(), CONTEXT)


def spoken(samples: np.ndarray) -> np.ndarray:
    """A recording without the silence around the speech."""
    speech = np.flatnonzero(np.array(VoiceDetector().feed(samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES])) > 0.5)
    return samples[max(0, (speech[0] - 3) * FRAME_SAMPLES) : (speech[-1] + 3) * FRAME_SAMPLES]


def as_loud_as(other: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """One speaker is one loudness."""
    gain = np.sqrt(np.mean(np.square(other, dtype=np.float64)) / np.mean(np.square(samples, dtype=np.float64)))
    return np.clip(samples * gain, -32768, 32767).astype(np.int16)


def command_in(sound: np.ndarray) -> np.ndarray:
    """What the satellite hands to the recogniser."""
    wake = OpenWakeWordEngine(OpenWakeWordOptions(words=("hey_jarvis",)), EngineContext()).open([])
    frames = range(0, len(sound) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    detected = next(at + FRAME_SAMPLES for at in frames if wake.feed(sound[at : at + FRAME_SAMPLES]))
    wake.close()
    found = boundary(sound[detected - round(LOOK_BACK_S * RATE_HZ) : detected])
    start = detected - found.early
    endpointer = Endpointer(Patience(), sound[start - RATE_HZ // 2 : start], found.tail_s)
    endpointer.feed(sound[start:])
    return sound[start + endpointer.begin : start + endpointer.position] if endpointer.heard_speech else sound[:0]


@pytest.mark.recordings
@pytest.mark.parametrize("gap_s", [0.0, 0.1])
def test_a_command_in_one_breath_is_heard_like_the_command_alone(engine, gap_s):
    wake_word = recording("wake/hey_jarvis.wav")[WAKE_WORD]
    wrong = []
    commands = [(text, spoken(recording(file))) for file, text in labels("commands")[::6]]
    for text, command in commands:
        sound = np.concatenate((silence(2.0), wake_word, silence(gap_s), as_loud_as(wake_word, command), silence(1.5)))
        alone, together = heard(engine, np.concatenate((silence(0.5), command))), heard(engine, command_in(sound))
        if alone != together:
            wrong.append((text, alone, together))
    assert len(wrong) <= len(commands) // 5, wrong
