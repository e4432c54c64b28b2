"""What a person sees on the command line, above all when something is wrong: one line, the next step, a status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from earshot_command import Earshot

PORTS = {kind: f"EARSHOT__{kind.upper()}__URI" for kind in ("wake", "asr", "handle", "tts")}


@pytest.fixture
def earshot(tmp_path: Path) -> Earshot:
    return Earshot(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["ask"], "give either a text or --wav FILE"),
        (["ask", "--wav", "nowhere.wav"], "there is no file nowhere.wav"),
        (["ask", "hello", "--wake"], "--wake goes with --wav FILE"),
        (["ask", "hello", "--say", "nowhere/out.wav"], "there is no folder"),
        (["serve", "nonsense"], "invalid choice: 'nonsense'"),
        (["serve", "tts", "--engine", "nonsense"], "no engine 'nonsense'; there are: auto, piper"),
        (["serve", "tts", "--set", "nonsense=1"], "engine 'espeak' has no such option"),
        (["serve", "tts", "wake", "--engine", "espeak"], "--engine needs exactly one KIND"),
        (["serve", "tts", "--set", "volume"], "write it as KEY=VALUE"),
        (["serve", "tts", "--uri", "nonsense"], "is not a Wyoming address; use tcp://HOST:PORT"),
        (["satellite", "--mic", "nowhere.wav"], "there is no file nowhere.wav"),
        (["check", "tcp://127.0.0.1:1"], "cannot connect to tcp://127.0.0.1:1: Connection refused"),
        (["check", "nonsense"], "is not a Wyoming address"),
        (["config", "validate", "nowhere.yaml"], "settings file nowhere.yaml cannot be read"),
        (["nonsense"], "invalid choice: 'nonsense'"),
    ],
)
def test_a_mistake_gets_one_line_that_names_it(earshot: Earshot, arguments: list[str], expected: str) -> None:
    ended = earshot.run(*arguments)
    lines = ended.stderr.strip().splitlines()
    assert (ended.returncode != 0, len(lines), expected in lines[-1]) == (True, 1, True), ended.stderr


def test_settings_with_an_unknown_key_name_file_key_and_what_is_allowed(earshot: Earshot) -> None:
    path = earshot.home / "mine.yaml"
    path.write_text("satellite: {volum: 1}")
    ended = earshot.run("config", "validate", str(path))
    assert str(path) in ended.stderr and "'satellite.volum'" in ended.stderr and "volume" in ended.stderr


def test_an_engines_option_out_of_range_is_refused(earshot: Earshot) -> None:
    path = earshot.home / "mine.yaml"
    path.write_text("wake: {engines: {openwakeword: {threshold: 7}}}")
    assert "wake.engines.openwakeword" in earshot.run("config", "validate", str(path)).stderr


def test_right_settings_are_said_to_be_right(earshot: Earshot) -> None:
    path = earshot.home / "mine.yaml"
    path.write_text("satellite: {volume: 1}")
    assert earshot.run("config", "validate", str(path)).returncode == 0


def test_printed_defaults_are_valid_settings(earshot: Earshot) -> None:
    path = earshot.home / "defaults.yaml"
    path.write_text(earshot.run("config", "defaults").stdout)
    assert earshot.run("config", "validate", str(path)).returncode == 0


def test_every_engine_is_listed_with_its_licence(earshot: Earshot) -> None:
    listed = earshot.run("engines").stdout
    assert all(word in listed for word in ("openwakeword", "phrases", "espeak", "GPL-3.0", "CC BY-NC-SA"))


def test_ask_answers_a_text(earshot: Earshot) -> None:
    assert earshot.run("ask", "set a timer for five minutes").stdout.startswith("Timer set for 5 minutes.")


def test_ask_as_json_tells_the_intent(earshot: Earshot) -> None:
    answered = json.loads(earshot.run("ask", "set a timer for five minutes", "--json").stdout)
    assert answered["intent"] == "HassStartTimer"


def test_a_question_nobody_understands_is_an_honest_failure(earshot: Earshot) -> None:
    ended = earshot.run("ask", "please knit me a jumper")
    assert ended.stdout.strip() == "I don't know that yet."


def test_a_library_that_would_report_to_its_maker_is_told_not_to(earshot: Earshot) -> None:
    seen = "c = ctypes.CDLL(None); c.getenv.restype = ctypes.c_char_p; print(c.getenv(b'ORT_DISABLE_TELEMETRY'))"  # as ONNX Runtime looks
    program = f"import ctypes; from wyoming_servers.cli import main; main(['config', 'validate']); {seen}"
    own = {key: value for key, value in earshot.environment().items() if key != "ORT_DISABLE_TELEMETRY"}
    ended = subprocess.run([sys.executable, "-c", program], env=own, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == "b'1'"
