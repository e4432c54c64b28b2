"""What `earshot models` prints and refuses."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from model_server import ModelServer, model_server, status
from own_catalogue import write_catalogue

from wyoming_servers import cli

DATA = bytes(range(256)) * 1200


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


class Earshot:
    """The command in this process."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    async def run(self, *arguments: str) -> Ended:
        """Runs `earshot models …`."""
        status = await asyncio.to_thread(cli.main, ["models", *arguments])
        return Ended(status, *self._capsys.readouterr())


@pytest.fixture
def earshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earshot:
    """For an owner without settings, not on a terminal."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HF_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return Earshot(tmp_path, capsys)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ModelServer]:
    """Has toy/bricks, which the owner's catalogue knows."""
    async with model_server(x=DATA) as server:
        write_catalogue(tmp_path / ".config", f"{server.url}/x")
        yield server


def model(earshot: Earshot) -> Path:
    return earshot.home / ".local" / "share" / "earshot" / "models" / "toy" / "bricks"


async def test_get_says_when_checksums_are_only_the_servers_word(earshot, server):
    assert "they are taken from the server" in (await earshot.run("get", "bricks")).stdout


async def test_what_is_here_is_not_fetched_again(earshot, server):
    await earshot.run("get", "bricks")
    assert "toy/bricks is here already" in (await earshot.run("get", "toy/bricks")).stdout
    assert len(server.requests) == 1


async def test_a_failure_names_the_place_and_others_are_fetched_all_the_same(earshot, server):
    write_catalogue(earshot.home / ".config", f"{server.url}/nowhere", name="gone")
    both = (earshot.home / ".config" / "earshot" / "models.yaml").read_text()
    write_catalogue(earshot.home / ".config", f"{server.url}/x")
    path = earshot.home / ".config" / "earshot" / "models.yaml"
    path.write_text(path.read_text() + both.partition("toy:\n")[2])
    ended = await earshot.run("get", "gone", "bricks")
    assert ended.returncode == 1 and "404 Not Found" in ended.stderr and "Traceback" not in ended.stderr
    assert model(earshot).is_dir()


async def test_an_unknown_name_gets_similar_ones_on_one_line(earshot, server):
    ended = await earshot.run("get", "brick")
    assert (ended.returncode, ended.stderr) == (1, "earshot: no model 'brick' in the catalogue; did you mean bricks?\n")


async def test_terms_are_said_and_must_be_accepted(earshot, server):
    write_catalogue(earshot.home / ".config", f"{server.url}/x", licence="CC-BY-NC-4.0", commercial_use=False)
    refused = await earshot.run("get", "bricks")
    assert (
        refused.returncode == 78
        and "CC-BY-NC-4.0, does not allow commercial use" in refused.stderr
        and "--accept-licence" in refused.stderr
    )
    assert server.requests == []
    assert (await earshot.run("get", "bricks", "--accept-licence")).returncode == 0


async def test_the_list_shows_what_can_be_fetched_and_marks_what_is_here(earshot, server):
    await earshot.run("get", "bricks")
    lines = (await earshot.run("list", "--engine", "toy")).stdout.splitlines()
    assert lines[0].startswith("toy  (") and lines[1].split()[:2] == ["*", "bricks"] and "MIT" in lines[1]


async def test_the_list_has_the_shipped_models_with_size_and_licence(earshot):
    lines = (await earshot.run("list", "--engine", "piper")).stdout
    assert any(line.split()[:5] == ["de_DE-thorsten-medium", "63.2", "MB", "de-DE", "CC0-1.0"] for line in lines.splitlines())


async def test_the_list_of_what_is_here_has_models_of_ones_own(earshot, server):
    (model(earshot).parent / "mine").mkdir(parents=True)
    lines = (await earshot.run("list", "--installed")).stdout.splitlines()
    assert len(lines) == 2 and lines[1].split()[:2] == ["*", "mine"] and "your own" in lines[1]


async def test_nothing_installed_is_said(earshot):
    assert (await earshot.run("list", "--installed")).stdout.startswith("No models in ")


async def test_the_list_as_json_has_files_and_checksums(earshot):
    rows = json.loads((await earshot.run("list", "--engine", "faster-whisper", "--json")).stdout)
    tiny = next(row for row in rows if row["name"] == "tiny.en")
    assert (tiny["installed"], tiny["checksum"], tiny["commercial_use"]) == (False, "sha256", True)
    assert len(next(file for file in tiny["files"] if file["path"] == "model.bin")["sha256"]) == 64


async def test_an_engine_without_models_is_named(earshot):
    assert "no models of an engine 'nonsense'; there are: csm, faster-whisper" in (await earshot.run("list", "--engine", "nonsense")).stderr


async def test_verify_says_what_is_right_and_what_is_damaged(earshot, server):
    await earshot.run("get", "bricks")
    assert (await earshot.run("verify")).stdout == "toy/bricks is right (1 file compared with the manifest)\n"
    (model(earshot) / "toy.bin").write_bytes(b"?")
    damaged = await earshot.run("verify", "bricks")
    assert damaged.returncode == 1 and "toy/bricks is damaged: toy.bin has 1 bytes instead of 307200" in damaged.stdout
    assert "earshot models remove toy/bricks && earshot models get toy/bricks" in damaged.stdout


async def test_remove_deletes_and_says_what(earshot, server):
    await earshot.run("get", "bricks")
    assert (await earshot.run("remove", "bricks")).stdout == f"Deleted {model(earshot)}\n"
    assert not model(earshot).exists()


async def test_remove_of_what_is_not_here_says_so(earshot, server):
    ended = await earshot.run("remove", "bricks")
    assert ended.returncode == 1 and "no model toy/bricks in" in ended.stderr


async def test_offline_fetches_nothing(earshot, server):
    ended = await earshot.run("get", "bricks", "--set", "models.offline=true")
    assert ended.returncode == 1 and "models.offline forbids to fetch it" in ended.stderr and server.requests == []


async def test_a_server_error_is_tried_again(earshot, server):
    server.next_answers["/x"] = [status(503, Retry_After="0")]
    ended = await earshot.run("get", "bricks")
    assert ended.returncode == 0 and "toy/bricks: 127.0.0.1 answers 503 Service Unavailable; trying again" in ended.stderr
