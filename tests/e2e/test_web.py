"""The status page as its owner has it: `earshot web`, and a part of `earshot run`."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from earshot_command import Earshot
from running import earshot_run, free_port

_WAIT_S = 20.0


def fetch(uri: str) -> str:
    """The page, as soon as it is there."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            with urllib.request.urlopen(uri, timeout=10) as response:
                return response.read().decode()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_the_command_shows_the_page_until_it_is_stopped(tmp_path: Path):
    earshot, uri = Earshot(tmp_path), f"http://127.0.0.1:{free_port()}"
    command = earshot.command("web", "--uri", uri, "--set", f"asr.uri=tcp://127.0.0.1:{free_port()}")
    process = subprocess.Popen(command, env=earshot.environment(), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert "Speech recognition" in fetch(uri)
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in log


def test_running_everything_shows_every_part(tmp_path: Path):
    uri, satellite = f"http://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port()}"
    with earshot_run(np.zeros(16000 * 60, np.int16), f"web.uri={uri}", f"satellite.uri={satellite}", folder=tmp_path) as running:
        running.wait_for("Earshot is ready", 60)
        status = json.loads(fetch(f"{uri}/status.json"))
    assert [service["kind"] for service in status["services"]] == ["wake", "asr", "handle", "tts", "satellite"]
    assert [service["kind"] for service in status["services"] if service["problem"]] == []
    assert {engine["kind"] for engine in status["engines"]} == {"wake", "asr", "tts"}


@pytest.mark.parametrize("uri", ["10800", "tcp://127.0.0.1:10800"])
def test_a_wrong_address_is_one_line(tmp_path: Path, uri: str):
    ended = Earshot(tmp_path).run("web", "--uri", uri)
    assert ended.returncode == 78
    assert ended.stderr.startswith("earshot: web.uri: ") and ended.stderr.count("\n") == 1
