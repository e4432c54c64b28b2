"""Voice detectors: many of them, one after the other."""

from pathlib import Path

from speech import speak

from wyoming_servers.shared.vad import VoiceDetector


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4 / 1024


def test_speech_is_told_from_silence() -> None:
    probabilities = VoiceDetector().feed(speak("what time is it"))
    assert max(probabilities) > 0.9


def test_a_new_detector_knows_nothing_of_the_one_before() -> None:
    sound = speak("what time is it")
    first = VoiceDetector().feed(sound)
    assert VoiceDetector().feed(sound) == first


def test_detectors_that_are_done_with_cost_no_memory() -> None:
    VoiceDetector()
    before = memory_mb()
    for _ in range(20):
        VoiceDetector()
    assert memory_mb() - before < 5
