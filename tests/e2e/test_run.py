"""`earshot run` as its owner has it: real processes, a microphone that plays a recording in real time, and what was heard."""

import json
import os
import signal
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import yaml
from running import KINDS, Running, earshot_run
from speech import speak

from wyoming_servers.asr.engine import AsrRequest
from wyoming_servers.satellite import chimes
from wyoming_servers.shared.audio import read_wav
from wyoming_servers.shared.engines import EngineContext

phrases = pytest.importorskip("wyoming_servers.asr.phrases", reason="the embedded recogniser")
pytest.importorskip("pocketsphinx", reason="pocketsphinx has no wheel for this Python")

LONG_S = 120.0


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 8, round(16000 * seconds)).astype(np.int16)


def said(command: str) -> list[np.ndarray]:
    return [speak("hey jarvis"), noise(0.3), speak(command)]


def understood(sound: np.ndarray, folder: Path, *sentences: str) -> str:
    """Which of `sentences` our own recogniser hears in a sound; empty for none."""
    templates = folder / "answers" / "en"
    templates.mkdir(parents=True)
    (templates / "answers.yaml").write_text(
        yaml.safe_dump({"language": "en", "intents": {"Said": {"data": [{"sentences": list(sentences)}]}}})
    )
    engine = phrases.PhrasesEngine(phrases.PhrasesEngine.Options(), EngineContext(intents_dirs=(folder / "answers",)))
    stream = engine.open(AsrRequest())
    stream.feed(sound)
    return stream.finish().text


def spoken(path: Path) -> np.ndarray:
    """The last thing said in a recording: what stands after its last second of silence."""
    heard = read_wav(path)
    loud = np.flatnonzero(np.abs(heard) > 200)
    pauses = np.flatnonzero(np.diff(loud) > 16000)
    return heard[loud[pauses[-1] + 1] if len(pauses) else loud[0] : loud[-1] + 8000]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]


def wait_until_gone(pids: list[int], timeout_s: float) -> list[int]:
    """The processes that are still there after the time."""
    deadline = time.monotonic() + timeout_s
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        os.sched_yield()
    return left


def wait_ready(running: Running) -> dict[str, int]:
    running.wait_for("Earshot is ready", 60)
    return running.parts()


def test_a_spoken_command_is_answered_aloud(tmp_path: Path) -> None:
    mic = np.concatenate([noise(6.0), *said("set a timer for five minutes"), noise(5.0)])
    with earshot_run(mic, "satellite.chimes=false", folder=tmp_path) as running:
        running.wait_for("HassStartTimer.*v2v", 60)
        assert running.wait() == 0
    answers = ("timer set for five minutes", "timer set for nine hours", "I do not know that yet")
    assert understood(spoken(tmp_path / "heard.wav"), tmp_path, *answers) == "timer set for five minutes"


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_server_is_back_for_the_next_command(tmp_path: Path, kind: str) -> None:
    mic = np.concatenate([noise(9.0), *said("what time is it"), noise(6.0)])
    with earshot_run(mic, folder=tmp_path) as running:
        os.kill(wait_ready(running)[kind], signal.SIGKILL)
        assert running.wait_for("HassGetCurrentTime.*v2v", 60)


def test_a_timer_rings_although_its_server_was_killed(tmp_path: Path) -> None:
    mic = np.concatenate([noise(6.0), *said("set a timer for ten seconds"), noise(20.0)])
    with earshot_run(mic, "satellite.chimes=false", "satellite.ring_s=3", folder=tmp_path) as running:
        running.wait_for("HassStartTimer.*v2v", 60)
        os.kill(running.parts()["handle"], signal.SIGKILL)
        running.wait()
    with wave.open(str(tmp_path / "heard.wav")) as heard:
        assert chimes.ring().astype("<i2").tobytes() in heard.readframes(heard.getnframes())


def test_ctrl_c_stops_every_part(tmp_path: Path) -> None:
    with earshot_run(noise(LONG_S), folder=tmp_path) as running:
        parts = wait_ready(running)
        running.stop()
        assert [name for name, pid in parts.items() if alive(pid)] == []


def test_the_parts_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with earshot_run(noise(LONG_S), folder=tmp_path) as running:
        parts = wait_ready(running)
        running.stop(signal.SIGKILL)
        assert wait_until_gone(list(parts.values()), 5) == []


def test_a_signal_to_the_supervisor_switches_the_microphone_off(tmp_path: Path) -> None:
    with earshot_run(noise(LONG_S), folder=tmp_path) as running:
        running.wait_for("listening on .*mic.wav", 60)
        os.kill(running.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 20
        while not (kept := list((tmp_path / ".local/state/earshot").glob("microphone-*.json"))) and time.monotonic() < deadline:
            os.sched_yield()
        assert json.loads(kept[0].read_text())["muted"] is True
        assert alive(running.pid)


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with earshot_run(noise(LONG_S), folder=tmp_path) as first:
        wait_ready(first)
        taken = next(line for line in Path(f"/proc/{first.pid}/cmdline").read_text().split("\0") if line.startswith("wake.uri="))
        with earshot_run(noise(1.0), taken) as second:
            assert second.wait_for("the wake server's address .* is in use; is Earshot running already", 20)
