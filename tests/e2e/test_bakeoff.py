"""`earshot bakeoff` as the owner runs it: real engines in processes of their own."""

import json
import subprocess
from pathlib import Path

import pytest
from earshot_command import Earshot
from running import write_wav
from speech import silence, speak


@pytest.fixture
def earshot(tmp_path: Path) -> Earshot:
    """The command, in a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    return Earshot(home)


def said(folder: Path, *texts: str) -> Path:
    """Recordings named after what is said."""
    folder.mkdir()
    for text in texts:
        write_wav(folder / f"{text}.wav", speak(text))
    write_wav(folder / "noise.wav", silence(1))
    return folder


def bakeoff(earshot: Earshot, kind: str, data: Path, *candidates: str) -> subprocess.CompletedProcess[str]:
    """One round; the results go to `out` in the owner's home."""
    return earshot.run("bakeoff", kind, "--candidates", *candidates, "--data", str(data), "--rounds", "1", "--out", "out")


def results(out: Path) -> dict:
    """What a bake-off has written."""
    return json.loads((out / "results.json").read_text())


def test_recognisers_are_compared_and_the_winner_is_what_auto_takes_next(earshot: Earshot, tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    data = said(tmp_path / "said", "what time is it")
    done = earshot.run(
        "bakeoff", "asr", "--candidates", "phrases", "deaf=phrases:trust=1", "--data", str(data), "--rounds", "1", "--out", "out"
    )
    assert done.returncode == 0, done.stderr
    assert "asr:\n  engine: phrases" in done.stdout
    found = results(earshot.home / "out")
    assert [entry["figures"]["right"] for entry in found["entries"]] == [1.0, 0.5]
    assert json.loads((earshot.home / ".local/state/earshot/bakeoff/asr.json").read_text())["ranking"] == ["phrases"]


def test_voices_are_heard_by_the_recogniser_and_a_dead_rival_is_told(earshot: Earshot, tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    (tmp_path / "sentences.txt").write_text("Set a timer for five minutes.\n")
    done = earshot.run(
        "bakeoff", "tts", "--candidates", "espeak", "tcp://127.0.0.1:1", "--data", str(tmp_path), "--rounds", "1", "--out", "out"
    )
    assert "cannot connect to tcp://127.0.0.1:1" in done.stdout
    assert results(earshot.home / "out")["entries"][0]["figures"]["understood"] == 1.0
    assert (earshot.home / "out" / "index.html").exists()


def test_wake_words_that_are_said_are_heard_and_noise_is_not(earshot: Earshot, tmp_path: Path) -> None:
    data = said(tmp_path / "said", "hey jarvis")
    done = bakeoff(earshot, "wake", data, "openwakeword")
    assert done.returncode == 0, done.stderr
    figures = results(earshot.home / "out")["entries"][0]["figures"]
    assert (figures["missed"], figures["false/h"]) == (0.0, 0.0)


def test_an_unknown_engine_is_refused_with_those_there_are(earshot: Earshot) -> None:
    assert "phrases" in earshot.run("bakeoff", "asr", "--candidates", "nonsense").stderr
