"""The models on a machine: where they are looked for, what is fetched, what is refused, what is right."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from model_server import ModelServer, model_server, status
from own_catalogue import write_catalogue

from wyoming_servers.shared.downloads import DownloadError, Limits
from wyoming_servers.shared.errors import EngineUnavailableError, InvalidRequestError, SettingsError, UnknownNameError
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.settings import ModelsSection

DATA = b"weights" * 1000
QUICK = Limits(tries=1, pause_s=0, reserve_bytes=0)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An owner with nothing but what a test gives."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ModelServer]:
    """Has toy/bricks, which the owner's catalogue knows."""
    async with model_server(x=DATA) as server:
        write_catalogue(tmp_path / "config", f"{server.url}/x")
        yield server


def store(folder: Path, **section: Any) -> ModelStore:
    return ModelStore(ModelsSection(folder=str(folder / "own"), **section))


def put(folder: Path, engine: str, name: str, content: bytes = b"") -> Path:
    path = folder / engine / name
    path.mkdir(parents=True)
    (path / "toy.bin").write_bytes(content)
    return path


async def ensure(models: ModelStore, engine: str = "toy", name: str = "bricks") -> Path:
    return await asyncio.to_thread(models.ensure, engine, name, QUICK)


def test_models_are_kept_in_the_owners_data_folder(tmp_path):
    assert ModelStore().folders == (tmp_path / "data" / "earshot" / "models",)


def test_nothing_is_installed_where_no_folder_is(tmp_path):
    assert (store(tmp_path).installed("toy"), store(tmp_path).engines()) == ({}, [])


def test_every_folder_of_an_engine_is_a_model(tmp_path):
    own, shared = put(tmp_path / "own", "toy", "a"), put(tmp_path / "shared", "toy", "b")
    assert store(tmp_path, shared=(str(tmp_path / "shared"),)).installed("toy") == {"a": own, "b": shared}


def test_the_owners_model_comes_before_the_shared_one(tmp_path):
    own = put(tmp_path / "own", "toy", "a")
    put(tmp_path / "shared", "toy", "a")
    assert store(tmp_path, shared=(str(tmp_path / "shared"),)).locate("toy", "a") == own


def test_hidden_folders_and_files_are_no_models(tmp_path):
    put(tmp_path / "own", "toy", ".hidden")
    (tmp_path / "own" / "toy" / "file").write_text("")
    put(tmp_path / "own", ".downloads", "a")
    assert (store(tmp_path).installed("toy"), store(tmp_path).engines()) == ({}, ["toy"])


def test_a_shared_folder_that_is_not_there_is_an_empty_one(tmp_path):
    put(tmp_path / "own", "toy", "a")
    assert list(store(tmp_path, shared=("/nowhere",)).installed("toy")) == ["a"]


async def test_what_can_be_fetched_is_not_here_yet(server, tmp_path):
    assert store(tmp_path).locate("toy", "bricks") is None
    assert server.requests == []


async def test_what_is_wanted_is_fetched(server, tmp_path):
    path = await ensure(store(tmp_path))
    assert (path, (path / "toy.bin").read_bytes()) == (tmp_path / "own" / "toy" / "bricks", DATA)


async def test_what_is_here_is_not_fetched(server, tmp_path):
    path = put(tmp_path / "shared", "toy", "bricks")
    assert await ensure(store(tmp_path, shared=(str(tmp_path / "shared"),))) == path
    assert server.requests == []


async def test_the_licence_is_logged_before_a_server_fetches(server, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    await ensure(store(tmp_path))
    assert "toy/bricks is fetched from http://127.0.0.1/about; licence: MIT" in caplog.messages


async def test_a_licence_against_commercial_use_is_a_warning(server, tmp_path, caplog):
    write_catalogue(tmp_path / "config", f"{server.url}/x", licence="CC-BY-NC-4.0", commercial_use=False)
    await ensure(store(tmp_path))
    assert "toy/bricks: its licence, CC-BY-NC-4.0, does not allow commercial use" in caplog.messages


async def test_a_server_does_not_fetch_what_needs_an_account(server, tmp_path):
    write_catalogue(tmp_path / "config", f"{server.url}/x", account="an account at the moon")
    with pytest.raises(EngineUnavailableError, match="for which you need an account at the moon: earshot models get toy/bricks"):
        store(tmp_path).locate("toy", "bricks")


def test_an_unknown_model_gets_what_is_here_and_similar_names(tmp_path):
    put(tmp_path / "own", "piper", "mine")
    with pytest.raises(EngineUnavailableError, match=r"\(there: mine\); did you mean .*en_US-lessac-medium"):
        store(tmp_path).locate("piper", "en_US-lesac-medium")


async def test_offline_forbids_to_fetch_and_says_the_next_step(server, tmp_path):
    with pytest.raises(EngineUnavailableError, match="models.offline forbids to fetch it: .*`earshot models get toy/bricks`"):
        store(tmp_path, offline=True).locate("toy", "bricks")
    assert server.requests == []


async def test_offline_uses_what_is_here(server, tmp_path):
    path = put(tmp_path / "own", "toy", "bricks")
    assert await ensure(store(tmp_path, offline=True)) == path


async def test_a_folder_that_cannot_be_written_is_said_at_once(server, tmp_path):
    (tmp_path / "own").write_text("a file, not a folder")
    with pytest.raises(EngineUnavailableError, match="cannot fetch toy/bricks: .*/own cannot be written; set models.folder"):
        store(tmp_path).locate("toy", "bricks")


async def test_a_failed_download_is_an_error_of_the_engine(server, tmp_path):
    server.always["/x"] = status(404)
    with pytest.raises(DownloadError, match="404"):
        await ensure(store(tmp_path))


async def test_a_mirror_from_the_settings_is_used(server, tmp_path):
    write_catalogue(tmp_path / "config", "https://far.example/models/x")
    assert await ensure(store(tmp_path, mirrors={"https://far.example/models": server.url}))


def test_a_broken_catalogue_is_an_error_that_names_it(tmp_path):
    write_catalogue(tmp_path / "config", "nonsense")
    with pytest.raises(SettingsError, match=r"models\.yaml: toy/bricks: files\.0\.url"):
        store(tmp_path).locate("toy", "bricks")


def test_the_token_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", " secret\n")
    assert store(tmp_path).fetching().origins.tokens == {"https://huggingface.co": "secret"}


def test_the_token_comes_from_a_file(tmp_path):
    (tmp_path / "token").write_text("secret\n")
    assert store(tmp_path, token_file=str(tmp_path / "token")).fetching().origins.tokens == {"https://huggingface.co": "secret"}


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot be read: No such file"), ("schlüssel", "holds no token"), ("a\nb", "holds no token")]
)
def test_a_tokens_file_that_holds_none_is_named(tmp_path, content, complaint):
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(EngineUnavailableError, match=rf"models\.token_file .*/token {complaint}"):
        store(tmp_path, token_file=str(tmp_path / "token")).fetching()


def test_a_token_that_is_none_is_not_sent(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a\nb")
    with pytest.raises(EngineUnavailableError, match="HF_TOKEN in the environment holds no token"):
        store(tmp_path).fetching()


async def test_a_fetched_model_is_right(server, tmp_path):
    await ensure(store(tmp_path))
    found = store(tmp_path).verify("toy", "bricks")
    assert (found.files, found.problems, found.against) == (1, (), "manifest")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda file: file.write_bytes(b"?" * len(DATA)), "toy.bin has another checksum"),
        (lambda file: file.write_bytes(DATA[:-1]), f"toy.bin has {len(DATA) - 1} bytes instead of {len(DATA)}"),
        (lambda file: file.unlink(), "toy.bin is missing"),
    ],
)
async def test_a_damaged_model_is_found_out(server, tmp_path, damage, problem):
    damage(await ensure(store(tmp_path)) / "toy.bin")
    assert store(tmp_path).verify("toy", "bricks").problems == (problem,)


async def test_a_model_put_there_by_hand_is_compared_with_the_catalogue(server, tmp_path):
    write_catalogue(tmp_path / "config", "", files=[{"path": "toy.bin", "url": f"{server.url}/x", "sha256": "0" * 64}])
    put(tmp_path / "own", "toy", "bricks", DATA)
    found = store(tmp_path).verify("toy", "bricks")
    assert (found.problems, found.against) == (("toy.bin has another checksum",), "catalogue")


def test_a_model_nobody_knows_is_compared_with_nothing(tmp_path):
    put(tmp_path / "own", "toy", "mine")
    assert store(tmp_path).verify("toy", "mine").against == ""


@pytest.mark.parametrize(
    "manifest",
    ["", "[]", "{}", '{"files": [{"path": 1}]}', '{"files": 7}', '{"files": [{"path": "../up", "size_bytes": 1, "sha256": ""}]}'],
)
def test_a_damaged_manifest_is_none(tmp_path, manifest):
    (put(tmp_path / "own", "toy", "mine") / ".earshot-model").write_text(manifest)
    assert store(tmp_path).verify("toy", "mine").against == ""


def test_what_is_not_here_cannot_be_verified(tmp_path):
    put(tmp_path / "own", "toy", "mine")
    with pytest.raises(UnknownNameError, match=r"no model toy/other in .* \(of toy there: mine\)"):
        store(tmp_path).verify("toy", "other")


def test_a_removed_model_is_gone(tmp_path):
    path = put(tmp_path / "own", "toy", "mine")
    assert store(tmp_path).remove("toy", "mine") == path
    assert store(tmp_path).installed("toy") == {}


def test_nothing_is_left_of_a_removed_model(tmp_path):
    put(tmp_path / "own", "toy", "mine", DATA)
    store(tmp_path).remove("toy", "mine")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size] == []


async def test_the_beginning_of_a_download_can_be_removed(server, tmp_path):
    write_catalogue(tmp_path / "config", "", files=[{"path": name, "url": f"{server.url}/{name}"} for name in ("x", "y")])
    with pytest.raises(DownloadError):
        await ensure(store(tmp_path))
    store(tmp_path).remove("toy", "bricks")
    assert list((tmp_path / "own").rglob("x")) == []


def test_a_shared_model_is_not_removed(tmp_path):
    path = put(tmp_path / "shared", "toy", "a")
    with pytest.raises(InvalidRequestError, match="is in a shared folder"):
        store(tmp_path, shared=(str(tmp_path / "shared"),)).remove("toy", "a")
    assert path.is_dir()


@pytest.mark.parametrize(("engine", "name"), [("toy", "../../precious"), ("..", "precious"), ("toy", "."), ("toy", ""), ("", "toy")])
def test_nothing_outside_of_the_folder_is_removed(tmp_path, engine, name):
    precious = put(tmp_path, "precious", "thing")
    put(tmp_path / "own", ".downloads", "toy")
    with pytest.raises(UnknownNameError):
        store(tmp_path).remove(engine, name)
    assert precious.is_dir()


def test_an_installed_model_costs_neither_the_catalogue_nor_the_http_library(tmp_path):
    put(tmp_path / "own", "toy", "bricks")
    code = (
        "import sys; from wyoming_servers.shared.models import ModelStore; from wyoming_servers.shared.settings import ModelsSection\n"
        f"store = ModelStore(ModelsSection(folder={str(tmp_path / 'own')!r}))\n"
        "assert store.locate('toy', 'bricks') and store.ensure('toy', 'bricks')\n"
        "print(*(name for name in ('aiohttp', 'wyoming_servers.shared.catalogue') if name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


async def test_the_catalogue_is_read_once_for_a_missing_model(server, tmp_path):
    models = store(tmp_path)
    models.locate("toy", "bricks")
    (tmp_path / "config" / "earshot" / "models.yaml").write_text("nonsense: [")
    assert models.locate("toy", "bricks") is None


async def test_the_manifest_names_engine_licence_and_source(server, tmp_path):
    manifest = json.loads((await ensure(store(tmp_path)) / ".earshot-model").read_text())
    assert {key: manifest[key] for key in ("engine", "name", "licence", "source")} == {
        "engine": "toy",
        "name": "bricks",
        "licence": "MIT",
        "source": "http://127.0.0.1/about",
    }
