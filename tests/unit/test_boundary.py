"""The end of the wake word before a detection."""

import numpy as np
import pytest
from speech import silence, speak

from wyoming_servers.satellite.boundary import command_start
from wyoming_servers.shared.audio import RATE_HZ


def spoken(text: str) -> np.ndarray:
    """Without the silence before and after."""
    sound = speak(text)
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 200)
    return sound[loud[0] : loud[-1]]


def in_a_room(*parts: np.ndarray) -> np.ndarray:
    sound = np.concatenate(parts)
    return np.clip(sound + np.random.default_rng(0).normal(0, 8, len(sound)), -32768, 32767).astype(np.int16)


def test_after_a_pause_it_is_where_the_wake_word_stopped() -> None:
    room = in_a_room(silence(1.0), spoken("hey jarvis"), silence(0.3))
    assert 0.1 < command_start(room) / RATE_HZ < 0.35


@pytest.mark.parametrize("speaker", [None, "f2", "m3"])
def test_in_one_breath_it_is_between_the_words(speaker: str | None) -> None:
    heard_s = 0.15
    command = speak("turn on the light", speaker=speaker)[: round(heard_s * RATE_HZ)]
    room = in_a_room(silence(1.0), spoken("hey jarvis"), silence(0.06), command)
    assert command_start(room) / RATE_HZ == pytest.approx(heard_s + 0.03, abs=0.08)


def test_at_the_beginning_of_a_recording_there_is_nothing_to_go_back_to() -> None:
    assert command_start(np.empty(0, np.int16)) == 0
