"""What an add-on's container does, without Docker: the wheel in a venv as its Dockerfile says, the s6 scripts, a stand-in Supervisor."""

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import yaml
from running import free_port, write_wav
from stand_in_supervisor import TOKEN, Supervisor
from wyoming.asr import Transcribe, Transcript
from wyoming.client import AsyncTcpClient

from wyoming_servers import __version__
from wyoming_servers.shared.client import describe
from wyoming_servers.shared.offers import kinds

ROOT = Path(__file__).resolve().parents[2]
BASHIO = """#!/usr/bin/env bash
# bashio's strictness, and the part of it that our scripts use
set -o errexit -o errtrace -o nounset -o pipefail
bashio::log.info() { echo "INFO: $*" >&2; }
bashio::log.warning() { echo "WARNING: $*" >&2; }
script="$1"
shift
source "$script" "$@"
"""
WITH_CONTENV = """#!/usr/bin/env bash
# the container's environment, which s6 keeps in files
for file in ROOT/run/s6/container_environment/*; do
    export "${file##*/}=$(<"$file")"
done
exec "$@"
"""
HALT = """#!/usr/bin/env bash
touch ROOT/halted
"""
PLACES = ("/data", "/config", "/run")


@dataclass(frozen=True)
class Container:
    """A root filesystem; every absolute path of its scripts lies in it."""

    root: Path
    name: str

    @property
    def service(self) -> Path:
        """Its s6 service."""
        return self.root / "etc" / "s6-overlay" / "s6-rc.d" / self.name

    def set(self, **environment: str) -> None:
        """The container's environment."""
        folder = self.root / "run" / "s6" / "container_environment"
        for name, value in environment.items():
            (folder / name).write_text(value)

    def choose(self, options: dict) -> None:
        """What the owner has set, on top of the defaults; written as the Supervisor does."""
        defaults = yaml.safe_load((ROOT / "addons" / self.name / "config.yaml").read_text())["options"]
        (self.root / "data" / "options.json").write_text(json.dumps(defaults | options))

    def command(self, script: str, *arguments: str) -> list[str]:
        """What the kernel makes of the script's first line."""
        path = self.service / script
        interpreter, argument = re.match(r"#!(\S+) (\S+)\n", path.read_text()).groups()
        return [f"{self.root}{interpreter}", f"{self.root}/usr/bin/{argument}", str(path), *arguments]

    def environment(self) -> dict[str, str]:
        """Nothing of this machine's owner; the image's PATH in front."""
        return {"PATH": f"{self.root}/opt/earshot/bin:{os.environ['PATH']}", "HOME": str(self.root), "PYTHONUNBUFFERED": "1"}

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """The service, started as s6 does and ended as s6 does."""
        with (self.root / "log").open("w") as log:
            process = subprocess.Popen(self.command("run"), env=self.environment(), stderr=log, stdin=subprocess.DEVNULL, text=True)
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=10)

    def finish(self, status: int, number: int = 0) -> tuple[bool, str]:
        """(whether the container was halted, its exit code) after the service has ended so."""
        results = self.root / "run" / "s6-linux-init-container-results"
        results.mkdir(parents=True, exist_ok=True)
        (results / "exitcode").write_text("0\n")
        (self.root / "halted").unlink(missing_ok=True)
        subprocess.run(
            self.command("finish", str(status), str(number)), env=self.environment(), check=True, timeout=20, capture_output=True
        )
        return (self.root / "halted").exists(), (results / "exitcode").read_text().strip()

    def log(self) -> str:
        """What it has written."""
        return (self.root / "log").read_text()


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/opt/earshot of the servers' image: a venv with the very requirement of the Dockerfile; libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("image")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    venv = folder / "earshot"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, capture_output=True, timeout=60)
    dockerfile = (ROOT / "addons" / "earshot" / "Dockerfile").read_text()
    (wanted,) = re.findall(r'/bin/pip install [^"\n]*"([^"\n]+)"', dockerfile)
    wanted = wanted.replace("${BUILD_VERSION}", re.search(r"ARG BUILD_VERSION=(\S+)", dockerfile)[1])
    install = [*pip, "--python", str(venv / "bin" / "python"), "install", "--no-deps", "--no-index", "--find-links", str(folder), wanted]
    installed = subprocess.run(install, check=True, capture_output=True, text=True, timeout=120)
    assert "does not provide the extra" not in installed.stderr
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


def container(name: str, image: Path, root: Path) -> Container:
    for source in sorted((ROOT / "addons" / name / "rootfs").rglob("*")):
        target = root / source.relative_to(ROOT / "addons" / name / "rootfs")
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            text = source.read_text()
            for place in PLACES:
                text = re.sub(rf"(?<=[ =<]){place}\b", f"{root}{place}", text)
            executable(target, text)
    executable(root / "command" / "with-contenv", WITH_CONTENV.replace("ROOT", str(root)))
    executable(root / "usr" / "bin" / "bashio", BASHIO)
    executable(root / "run" / "s6" / "basedir" / "bin" / "halt", HALT.replace("ROOT", str(root)))
    for folder in ("data", "config", "run/s6/container_environment"):
        (root / folder).mkdir(parents=True)
    (root / "opt").mkdir()
    (root / "opt" / "earshot").symlink_to(image)
    made = Container(root, name)
    made.set(SUPERVISOR_TOKEN=TOKEN)
    made.choose({})
    return made


@pytest.fixture
def servers(image: Path, tmp_path: Path) -> Container:
    return container("earshot", image, tmp_path)


@asynccontextmanager
async def started(made: Container) -> AsyncIterator[tuple[Supervisor, str, str]]:
    """The Supervisor, the servers' address and the page's, from when they have been announced."""
    supervisor = Supervisor()
    await supervisor.start()
    run = made.service / "run"
    run.write_text(run.read_text().replace("http://supervisor", supervisor.uri))
    port, page = free_port(), free_port()
    made.set(EARSHOT__ASR__URI=f"tcp://127.0.0.1:{port}", EARSHOT__WEB__URI=f"http://127.0.0.1:{page}", EARSHOT__WEB__ADMIT="[127.0.0.1]")
    try:
        with made.running():
            await supervisor.until(lambda: supervisor.posts, 40)
            yield supervisor, f"tcp://127.0.0.1:{port}", f"http://127.0.0.1:{page}"
    finally:
        await supervisor.stop()


def test_the_image_runs_the_wheel_and_not_the_checkout(servers: Container):
    code = "import wyoming_servers; print(wyoming_servers.__file__)"
    python = f"{servers.root}/opt/earshot/bin/python"
    shown = subprocess.run(
        [python, "-c", code], env=servers.environment(), cwd=servers.root, capture_output=True, text=True, check=True, timeout=60
    )
    assert "/site-packages/wyoming_servers/" in shown.stdout
    assert str(ROOT) not in shown.stdout


@pytest.mark.contract(85)
async def test_the_servers_are_announced_and_the_options_hold(servers: Container):
    servers.choose({"show_words": True, "wake": {"engine": "openwakeword", "words": ["alexa"]}})
    async with started(servers) as (supervisor, uri, page):
        info = await describe(uri)
        async with AsyncTcpClient(*uri.removeprefix("tcp://").split(":")) as client:
            await client.write_event(Transcript(text="what time is it", language="en").event())
            while (answer := await client.read_event()) is not None and answer.type != "handled":
                pass
        async with aiohttp.ClientSession() as http, http.get(page) as response:
            html = await response.text()
        posted = supervisor.posts
    assert len(posted) == 1
    assert posted[0]["config"]["uri"].rpartition(":")[2] == uri.rpartition(":")[2]
    assert kinds(info) == ["wake", "asr", "handle", "tts"]
    assert info.handle[0].version == __version__
    assert answer is not None and answer.data["text"].startswith("It's ")
    assert "what time is it" in html and "all services answer" in html
    assert not (servers.root / ".local").exists() and (servers.root / "data" / "state" / "earshot" / "timers.db").exists()


async def test_servers_with_a_wrong_option_are_named_and_the_others_serve(servers: Container):
    servers.choose({"asr": {"engine": "phrases", "model": "faster-whisper/base.en"}, "tts": {"engine": "piper", "model": "nobody"}})
    async with started(servers) as (_, uri, page):
        info = await describe(uri)
        async with AsyncTcpClient(*uri.removeprefix("tcp://").split(":")) as client:
            await client.write_event(Transcribe(language="en").event())
            refused = await client.read_event()
        async with aiohttp.ClientSession() as http, http.get(page) as response:
            html = await response.text()
    why = "add-on option asr.model: faster-whisper/base.en is a model of faster-whisper"
    assert kinds(info) == ["wake", "handle"]
    assert refused is not None and why in refused.data["text"]
    for said in (html, servers.log()):
        assert why in said and "nobody" in said and "Traceback" not in said


def test_an_option_of_all_servers_that_is_wrong_is_named_and_the_container_halts(servers: Container):
    servers.choose({"network": {"egress": "perhaps"}})
    ended = subprocess.run(servers.command("run"), env=servers.environment(), capture_output=True, text=True, check=False, timeout=60)
    assert ended.stderr.splitlines()[-1].startswith("earshot: add-on option network.egress: ")
    assert "Traceback" not in ended.stderr
    assert servers.finish(ended.returncode) == (True, "78")


@pytest.mark.parametrize(
    ("status", "number", "expected"), [(0, 0, (False, "0")), (1, 0, (True, "1")), (256, 9, (True, "137")), (256, 15, (True, "143"))]
)
def test_a_failure_halts_the_container_with_its_status(servers: Container, status: int, number: int, expected: tuple[bool, str]):
    assert servers.finish(status, number) == expected


@pytest.mark.contract(85)
async def test_the_satellite_is_announced(image: Path, tmp_path: Path):
    satellite = container("earshot_satellite", image, tmp_path)
    satellite.choose({"area": "Kitchen"})
    port = free_port()
    satellite.set(
        EARSHOT__SATELLITE__URI=f"tcp://127.0.0.1:{port}",
        EARSHOT__SATELLITE__MIC=str(silence(tmp_path / "mic.wav")),
        EARSHOT__SATELLITE__SPEAKER="null",
    )
    supervisor = Supervisor()
    await supervisor.start()
    run = satellite.service / "run"
    run.write_text(run.read_text().replace("http://supervisor", supervisor.uri))
    try:
        with satellite.running():
            await supervisor.until(lambda: supervisor.posts, 40)
            info = await describe(f"tcp://127.0.0.1:{port}")
    finally:
        await supervisor.stop()
    assert info.satellite is not None
    assert (info.satellite.name, info.satellite.area) == ("Earshot Satellite", "Kitchen")
    assert kinds(info) == ["satellite"]


def silence(path: Path) -> Path:
    """A microphone that hears nothing for a minute."""
    write_wav(path, np.zeros(60 * 16000, np.int16))
    return path


def test_a_satellite_with_a_wrong_option_says_so(image: Path, tmp_path: Path):
    satellite = container("earshot_satellite", image, tmp_path)
    satellite.choose({"volume": 11})
    ended = subprocess.run(satellite.command("run"), env=satellite.environment(), capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 78
    assert "add-on option volume: satellite.volume: 11.0 is out of range (allowed: 0 to 2)" in ended.stderr
