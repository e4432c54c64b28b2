"""Points B 24–29 of the contract: what `describe` says, for every kind and for several on one port."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
from kinds import KINDS
from scripted import Scripted
from wire import WAIT_S, event, wire
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info

from wyoming_servers import services
from wyoming_servers.shared.client import describe
from wyoming_servers.shared.settings import validate

DESCRIBE = event("describe")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch) -> None:
    """Real services keep their things in the test's folder."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))


async def raw_info(uri: str) -> dict:
    async with wire(uri) as peer:
        await peer.send(DESCRIBE)
        return (await peer.receive_type("info")).data


@pytest.fixture(scope="module")
def kept() -> dict[str, dict]:
    """The answers of each kind, asked once."""
    return {}


@pytest.fixture(params=KINDS)
async def info(request, serving, kept) -> tuple[str, dict]:
    """A kind and what it says about itself."""
    kind = request.param
    if kind.name not in kept:
        async with serving(kind.create()) as uri:
            kept[kind.name] = await raw_info(uri)
    return kind.name, kept[kind.name]


def artifacts(info: dict, kind: str) -> list[dict]:
    """Every program, model and voice of one kind, as sent."""
    programs = info[kind]
    return [*programs, *(model for program in programs for model in (program.get("models") or program.get("voices")))]


@pytest.mark.parametrize("kind", KINDS)
async def test_b24_the_stock_library_understands_what_is_sent(serving, kind):
    async with serving(kind.create()) as uri:
        host, _, port = uri.removeprefix("tcp://").rpartition(":")
        async with AsyncTcpClient(host, int(port)) as client:
            await client.write_event(Describe().event())
            described = Info.from_event(await client.read_event())
    assert [program.installed for program in getattr(described, kind.name)] == [True]


def test_b24_every_field_that_home_assistant_needs_is_there(info):
    kind, described = info
    found = artifacts(described, kind)
    assert len(found) >= 2
    for artifact in found:
        assert artifact["name"]
        assert artifact["installed"] is True
        assert isinstance(artifact["attribution"]["name"], str)
        assert isinstance(artifact["attribution"]["url"], str)


def test_b24_languages_are_tags(info):
    kind, described = info
    models = artifacts(described, kind)[1:]
    tags = [tag for model in models for tag in model["languages"]]
    assert tags
    assert [tag for tag in tags if not re.fullmatch(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*", tag)] == []


def test_b24_no_boolean_is_null(info):
    kind, described = info
    found = artifacts(described, kind)
    boolean = ("installed", "supports", "requires", "prefers")
    assert [(a["name"], key) for a in found for key, value in a.items() if key.startswith(boolean) and not isinstance(value, bool)] == []


async def test_b25_the_first_recogniser_is_installed(serving):
    async with serving(services.create("asr", validate({}))) as uri:
        described = await describe(uri)
    assert described.asr[0].installed
    assert described.asr[0].models[0].installed


@pytest.mark.parametrize("kind", KINDS)
async def test_b26_the_first_answer_is_whole_while_the_engine_loads(serving, kind):
    async with serving(kind.create()) as uri:
        first = await raw_info(uri)
        async with wire(uri) as peer:
            await kind.ask(peer)
        assert await raw_info(uri) == first


async def test_b26_describe_is_answered_while_the_engine_loads_for_ever(serving):
    async with serving(Scripted(loads_behind_gate=True)) as uri:
        assert (await describe(uri)).asr[0].name == "scripted"


@pytest.mark.parametrize("kind", KINDS)
async def test_b26_two_hundred_ask_at_once_and_all_are_answered(serving, kind):
    async with serving(kind.create()) as uri, wire(uri) as worker:
        await worker.send(*kind.unfinished)
        for _ in range(10):
            answers = await asyncio.gather(*(raw_info(uri) for _ in range(20)))
            assert all(answer[kind.name] for answer in answers)


async def test_b27_a_change_shows_in_the_next_describe(serving):
    scripted = Scripted()
    async with serving(scripted) as uri:
        await raw_info(uri)
        scripted.languages = ["en", "de"]
        scripted.revision += 1
        assert (await raw_info(uri))["asr"][0]["models"][0]["languages"] == ["en", "de"]


async def test_b27_a_wake_word_put_into_the_folder_is_described_without_a_restart(serving, tmp_path):
    pyopen_wakeword = pytest.importorskip("pyopen_wakeword")
    bundled = next(Path(pyopen_wakeword.__file__).parent.rglob("alexa*.tflite"))
    folder = tmp_path / "words"
    folder.mkdir()
    settings = validate({"wake": {"engines": {"openwakeword": {"folder": str(folder)}}}})
    async with serving(services.create("wake", settings)) as uri:
        before = {model["name"] for model in artifacts(await raw_info(uri), "wake")}
        shutil.copy(bundled, folder / "computer_says_no.tflite")
        async with asyncio.timeout(2 * WAIT_S):
            while (now := {model["name"] for model in artifacts(await raw_info(uri), "wake")}) == before:
                await asyncio.sleep(0.05)
    assert len(now - before) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_b28_select_program_does_no_harm(serving, kind):
    async with serving(kind.create()) as uri, wire(uri) as peer:
        await peer.send(event("select-program", {"name": "no such program"}))
        assert (await kind.ask(peer))[-1] in kind.last


@pytest.mark.parametrize("kind", KINDS)
async def test_b29_names_stay_the_same_after_a_restart(serving, kept, kind):
    for _ in range(2):
        async with serving(kind.create()) as uri:
            assert await raw_info(uri) == kept.setdefault(kind.name, await raw_info(uri))


def test_b29_descriptions_are_unique_in_each_language(info):
    kind, described = info
    models = artifacts(described, kind)[1:]
    shown = [(language, model["description"]) for model in models for language in model["languages"]]
    assert sorted(shown) == sorted(set(shown))
    assert all(text for _, text in shown)


async def test_b_several_kinds_on_one_port_are_described_and_served_together(serving):
    kinds = [parameter.values[0] for parameter in KINDS]
    async with serving(*(kind.create() for kind in kinds)) as uri, wire(uri) as peer:
        await peer.send(DESCRIBE)
        described = (await peer.receive()).data
        assert {kind for kind, programs in described.items() if programs} == {kind.name for kind in kinds}
        for kind in (*kinds, *reversed(kinds)):
            assert (await kind.ask(peer))[-1] in kind.last
