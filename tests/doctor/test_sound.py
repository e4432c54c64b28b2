"""The microphone, the loudspeaker and the wake word, with WAV files in their places."""

import wave
from pathlib import Path

import numpy as np
import pytest
from running import write_wav

from wyoming_servers.doctor import sound
from wyoming_servers.doctor.finding import State, Visit
from wyoming_servers.doctor.wake import wake
from wyoming_servers.shared.settings import validate

RATE_HZ = 16_000


def noise(level: float, seconds: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, round(RATE_HZ * seconds)).astype(np.int16)


def speech_in(room: np.ndarray, level: float) -> np.ndarray:
    """A loud half second in a quiet room."""
    heard = room.copy()
    heard[4000:12_000] = np.clip(noise(level, 0.5).astype(int), -32_768, 32_767)
    return heard


def visit(**satellite: object) -> Visit:
    return Visit(validate({"satellite": satellite}), listen_s=0.3, wake_s=6.0, root=Path("/nonexistent"))


@pytest.mark.parametrize(
    ("heard", "state", "said"),
    [
        (speech_in(noise(15), 2000), State.OK, "loudest -24 dBFS"),
        (np.zeros(RATE_HZ, np.int16), State.FAILURE, "nothing but zeros"),
        (noise(2), State.WARNING, "nearly nothing"),
        (noise(3000), State.WARNING, "noise even where nobody speaks"),
        (np.where(speech_in(noise(15), 9000) > 12_000, np.int16(32_767), speech_in(noise(15), 9000)), State.WARNING, "clipped"),
    ],
    ids=["speech", "muted", "turned down", "noisy", "clipped"],
)
def test_what_samples_say_of_a_microphone(heard, state, said):
    found = sound.judged("a microphone", heard)
    assert (found.state, said in found.text) == (state, True), found.text


async def test_a_microphone_is_listened_to_and_its_level_told(tmp_path):
    write_wav(tmp_path / "mic.wav", speech_in(noise(15), 2000))
    (found,) = await sound.microphone(visit(mic=str(tmp_path / "mic.wav")))
    assert found.state is State.OK
    assert -45 < found.data["loudest_dbfs"] < -15


async def test_the_person_is_asked_to_speak(tmp_path):
    write_wav(tmp_path / "mic.wav", noise(15))
    asked: list[str] = []
    await sound.microphone(Visit(validate({"satellite": {"mic": str(tmp_path / "mic.wav")}}), listen_s=0.1, prompt=asked.append))
    assert len(asked) == 1


async def test_a_recording_as_loudspeaker_is_not_emptied(tmp_path):
    write_wav(tmp_path / "heard.wav", noise(15))
    (found,) = await sound.loudspeaker(visit(speaker=str(tmp_path / "heard.wav")))
    assert found.state is State.NOTE
    with wave.open(str(tmp_path / "heard.wav")) as kept:
        assert kept.getnframes() == RATE_HZ


async def test_a_satellite_without_a_loudspeaker_is_told():
    (found,) = await sound.loudspeaker(visit(speaker="null"))
    assert found.state is State.NOTE


@pytest.mark.parametrize(("words", "runs"), [("earshot\0satellite\0--mic\0x", True), ("vim\0satellite.md", False)])
def test_a_satellite_that_runs_is_seen(tmp_path, words, runs):
    (tmp_path / "proc/42").mkdir(parents=True)
    (tmp_path / "proc/42/cmdline").write_text(words)
    assert sound.satellite_runs(Visit(validate({}), root=tmp_path)) is runs


async def test_the_score_of_a_wake_word_that_is_said_is_told(tmp_path, speak):
    write_wav(tmp_path / "mic.wav", np.concatenate([noise(8, 1.5), speak("hey jarvis"), noise(8, 1.2)]))
    found = await wake(visit(mic=str(tmp_path / "mic.wav"), wake_words=["hey_jarvis", "alexa"]))
    scores = {each.data["word"]: each.data["score"] for each in found}
    assert scores["hey_jarvis"] > 0.5 > scores["alexa"]
    assert {each.data["word"]: each.state for each in found} == {"hey_jarvis": State.OK, "alexa": State.NOTE}
