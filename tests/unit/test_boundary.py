"""The end of the wake word before a detection."""

import numpy as np
import pytest
from speech import silence, speak

from wyoming_servers.satellite.boundary import boundary
from wyoming_servers.shared.audio import RATE_HZ
from wyoming_servers.shared.endpointing import Ending, Endpointer, Patience


def spoken(text: str, speaker: str | None = None) -> np.ndarray:
    """Without the silence before and after."""
    sound = speak(text, speaker=speaker)
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 200)
    return sound[loud[0] : loud[-1]]


def in_a_room(*parts: np.ndarray) -> np.ndarray:
    sound = np.concatenate(parts)
    return np.clip(sound + np.random.default_rng(0).normal(0, 8, len(sound)), -32768, 32767).astype(np.int16)


def test_after_a_pause_it_is_where_the_wake_word_stopped() -> None:
    room = in_a_room(silence(1.0), spoken("hey jarvis"), silence(0.3))
    assert 0.1 < boundary(room).early / RATE_HZ < 0.35


@pytest.mark.parametrize("speaker", [None, "f2", "m3"])
def test_in_one_breath_it_is_between_the_words(speaker: str | None) -> None:
    heard_s = 0.15
    command = speak("turn on the light", speaker=speaker)[: round(heard_s * RATE_HZ)]
    room = in_a_room(silence(1.0), spoken("hey jarvis"), silence(0.06), command)
    assert boundary(room).early / RATE_HZ == pytest.approx(heard_s + 0.03, abs=0.08)


def test_at_the_beginning_of_a_recording_there_is_nothing_to_go_back_to() -> None:
    assert boundary(np.empty(0, np.int16)).early == 0


def ending(room: np.ndarray, detected: int) -> Ending | None:
    """How a listening ends whose wake word was detected at this position."""
    found = boundary(room[:detected])
    start = detected - found.early
    endpointer = Endpointer(Patience(), room[max(0, start - RATE_HZ // 2) : start], found.tail_s)
    return endpointer.feed(room[start:])


@pytest.mark.parametrize("late_s", [0.25, 0.3, 0.35])
@pytest.mark.parametrize("speaker", [None, "m1", "m3"])
def test_a_short_command_in_one_breath_counts_however_late_the_wake_word_is_detected(speaker: str | None, late_s: float) -> None:
    word, command = spoken("hey jarvis", speaker), spoken("stop", speaker)
    room = in_a_room(silence(1.0), word, command, silence(6))
    assert ending(room, RATE_HZ + len(word) + round(late_s * RATE_HZ)) is Ending.SILENCE


@pytest.mark.parametrize("early_s", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("speaker", [None, "m1", "m3"])
def test_the_end_of_a_wake_word_that_is_detected_early_is_no_command(speaker: str | None, early_s: float) -> None:
    word = spoken("hey jarvis", speaker)
    room = in_a_room(silence(1.0), word, silence(6))
    assert ending(room, RATE_HZ + len(word) - round(early_s * RATE_HZ)) is Ending.NO_SPEECH
