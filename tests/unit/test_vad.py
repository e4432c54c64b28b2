"""Voice detectors: many of them, one after the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
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


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("limit", [None, "3"])
def test_a_detector_works_in_the_thread_that_asks_and_leaves_the_environment_as_it_was(limit: str | None) -> None:
    script = """
import os
import numpy as np
from wyoming_servers.shared.vad import VoiceDetector
threads = len(os.listdir("/proc/self/task"))
VoiceDetector().feed(np.zeros(1024, np.int16))
print(len(os.listdir("/proc/self/task")) - threads, os.environ.get("OMP_THREAD_LIMIT"))
"""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_THREAD_LIMIT"}
    environment |= {"OMP_THREAD_LIMIT": limit} if limit else {}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=True).stdout
    assert told.split() == ["0", str(limit)]
