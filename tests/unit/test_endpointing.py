"""Endpointing on speech made here: words, pauses, wake word tails, noise."""

import numpy as np
import pytest
from speech import silence, speak

from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.endpointing import Ending, Endpointer, Patience

TAIL_S = 0.5
FRAME_S = FRAME_SAMPLES / RATE_HZ


def trimmed(samples: np.ndarray) -> np.ndarray:
    """Without the silence before and after."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 200)
    return samples[loud[0] : loud[-1]]


def noise(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    """Steady white noise, `level` is its RMS of 32768."""
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE_HZ)).astype(np.int16)


def end_of(endpointer: Endpointer, samples: np.ndarray) -> tuple[Ending | None, float]:
    """Why and when (seconds) it ended."""
    for start in range(0, len(samples), FRAME_SAMPLES):
        if ending := endpointer.feed(samples[start : start + FRAME_SAMPLES]):
            return ending, (start + FRAME_SAMPLES) / RATE_HZ
    return None, len(samples) / RATE_HZ


@pytest.mark.parametrize("text", ["yes", "no", "stop", "what time is it", "set a timer for five minutes"])
def test_a_command_ends_within_700_ms_of_its_last_sound(text: str) -> None:
    word = trimmed(speak(text))
    ending, at = end_of(Endpointer(Patience()), np.concatenate((silence(0.5), word, silence(3))))
    assert ending is Ending.SILENCE
    assert 0.3 < at - 0.5 - len(word) / RATE_HZ <= 0.7 + 2 * FRAME_S  # a soft last "s" of espeak's is no voice to the detector


def test_a_pause_shorter_than_the_silence_keeps_it_open() -> None:
    parts = (silence(0.5), trimmed(speak("set a timer for")), silence(0.45), trimmed(speak("five minutes")), silence(2))
    ending, at = end_of(Endpointer(Patience(silence_s=0.6)), np.concatenate(parts))
    assert ending is Ending.SILENCE
    assert at > sum(map(len, parts[:4])) / RATE_HZ


def test_more_patience_spans_a_hesitation() -> None:
    parts = (silence(0.5), trimmed(speak("turn on the")), silence(1.0), trimmed(speak("kitchen light")), silence(3))
    _, at = end_of(Endpointer(Patience(silence_s=1.3)), np.concatenate(parts))
    assert at > sum(map(len, parts[:4])) / RATE_HZ


def test_without_speech_it_ends_after_the_wait_for_it() -> None:
    assert end_of(Endpointer(Patience(no_speech_s=2.0)), noise(5, 5)) == (Ending.NO_SPEECH, pytest.approx(2.0, abs=2 * FRAME_S))


@pytest.mark.parametrize("level", [20, 300, 2000])
def test_steady_noise_is_no_speech(level: float) -> None:
    assert end_of(Endpointer(Patience()), noise(8, level))[0] is Ending.NO_SPEECH


def test_steady_noise_does_not_keep_it_open_after_a_command() -> None:
    command = trimmed(speak("turn on the kitchen light"))
    sound = np.concatenate((silence(0.5), command, silence(8))).astype(int) + noise(8.5 + len(command) / RATE_HZ, 150)
    ending, at = end_of(Endpointer(Patience()), np.clip(sound, -32768, 32767).astype(np.int16))
    assert ending is Ending.SILENCE
    assert at < 0.5 + len(command) / RATE_HZ + 1.2


def test_a_quiet_voice_in_the_background_does_not_keep_it_open() -> None:
    command, talk = (
        trimmed(speak("turn on the kitchen light")),
        speak("and now the news of the day from all over the world " * 2, speaker="f2"),
    )
    background = (talk * 0.03).astype(np.int16)
    ending, at = end_of(Endpointer(Patience()), np.concatenate((silence(0.5), command, background)))
    assert ending is Ending.SILENCE
    assert at < 0.5 + len(command) / RATE_HZ + 1.0


def test_a_television_does_not_keep_it_open() -> None:
    command, news = (
        trimmed(speak("turn on the kitchen light")),
        speak("and now the news of the day from all over the world " * 3, speaker="m3"),
    )
    television = (news * 0.15).astype(np.int16)
    sound = np.concatenate((television[: RATE_HZ // 2], command, television)).astype(np.int16)
    endpointer = Endpointer(Patience())
    ending, at = end_of(endpointer, sound)
    assert ending is Ending.SILENCE
    assert at < 0.5 + len(command) / RATE_HZ + 2.0
    assert endpointer.speech_end / RATE_HZ < 0.5 + len(command) / RATE_HZ + 0.5


def test_a_voice_that_grows_soft_is_heard_out() -> None:
    words = [trimmed(speak(text)) for text in ("set a timer for", "twenty five minutes", "for the potatoes")]
    softer = [(part * factor).astype(np.int16) for part, factor in zip(words, (1.0, 0.5, 0.3), strict=True)]
    _, at = end_of(Endpointer(Patience()), np.concatenate((silence(0.5), *softer, silence(2))))
    assert at > 0.5 + sum(map(len, words)) / RATE_HZ


def test_talk_without_end_is_cut() -> None:
    talk = np.concatenate([trimmed(speak("and then they went on and on")) for _ in range(6)])
    assert end_of(Endpointer(Patience(longest_s=4.0)), talk) == (Ending.TOO_LONG, pytest.approx(4.0, abs=2 * FRAME_S))


def test_a_click_after_the_command_does_not_keep_it_open() -> None:
    command, click = trimmed(speak("what time is it")), silence(0.02)
    click[:] = 12000
    at = end_of(Endpointer(Patience()), np.concatenate((silence(0.5), command, silence(0.4), click, silence(3))))[1]
    assert at < 0.5 + len(command) / RATE_HZ + 0.8


def test_the_end_of_the_wake_word_is_not_the_command() -> None:
    word, command = trimmed(speak("hey jarvis")), trimmed(speak("what time is it"))
    cut = len(word) - round(0.25 * RATE_HZ)
    endpointer = Endpointer(Patience(), np.concatenate((silence(1), word[:cut])), TAIL_S)
    ending, at = end_of(endpointer, np.concatenate((word[cut:], silence(1.2), command, silence(2))))
    assert ending is Ending.SILENCE
    assert at > 1.45 + len(command) / RATE_HZ
    assert endpointer.begin > 0.3 * RATE_HZ


def test_a_command_in_one_breath_with_the_wake_word_counts_from_the_beginning() -> None:
    word, command = trimmed(speak("hey jarvis")), trimmed(speak("stop"))
    cut = len(word) - round(0.25 * RATE_HZ)
    endpointer = Endpointer(Patience(), np.concatenate((silence(1), word[:cut])), TAIL_S)
    ending, _ = end_of(endpointer, np.concatenate((word[cut:], command, silence(2))))
    assert (ending, endpointer.begin) == (Ending.SILENCE, 0)


def test_a_short_word_right_after_a_wake_word_that_is_over_counts() -> None:
    word, command = speak("hey jarvis"), trimmed(speak("stop"))
    endpointer = Endpointer(Patience(), np.concatenate((silence(1), word, silence(0.3))), TAIL_S)
    ending, at = end_of(endpointer, np.concatenate((silence(0.1), command, silence(6))))
    assert ending is Ending.SILENCE
    assert at < 2.0


def test_in_a_follow_up_a_cough_is_no_command() -> None:
    cough = trimmed(speak("uh"))[: round(0.2 * RATE_HZ)]
    limits = Patience(no_speech_s=3.0, speech_s=0.4)
    assert end_of(Endpointer(limits), np.concatenate((silence(0.5), cough, silence(5))))[0] is Ending.NO_SPEECH


def test_in_a_follow_up_a_sentence_is_a_command() -> None:
    limits = Patience(no_speech_s=3.0, speech_s=0.4)
    sound = np.concatenate((silence(0.5), speak("and what is the date"), silence(2)))
    assert end_of(Endpointer(limits), sound)[0] is Ending.SILENCE


def test_any_block_size_gives_the_same_end() -> None:
    sound = np.concatenate((silence(0.5), speak("what time is it"), silence(2)))
    endpointer = Endpointer(Patience())
    fed = 0
    for size in [1, 100, 511, 513, 1000, 4096] * 50:
        fed = min(fed + size, len(sound))
        if endpointer.feed(sound[fed - size : fed]):
            break
    reference = Endpointer(Patience())
    end_of(reference, sound)
    assert endpointer.speech_end == reference.speech_end
