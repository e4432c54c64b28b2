"""What a download leaves on disk: continued later, shared by processes, in sight only when it is complete."""

import asyncio
from typing import Any

import pytest
from model_fetch import DATA, SHA256, Told, content, error_of, fetch, file
from model_server import (
    dropping,
    holding,
    model_server,
    rightly,
)

from wyoming_servers.shared.catalogue import MANIFEST, ModelFile
from wyoming_servers.shared.downloads import Limits
from wyoming_servers.shared.fetching import DOWNLOADS


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def server() -> Any:
    async with model_server(x=DATA) as server:
        yield server


async def test_what_an_earlier_process_left_is_continued(server, tmp_path):
    server.always["/x"] = dropping(30_000)
    await error_of(tmp_path, file(server), limits=Limits(tries=1, pause_s=0, reserve_bytes=0))
    server.always["/x"] = rightly
    assert content(await fetch(tmp_path, file(server))) == DATA
    assert server.ranges("/x") == ["", "bytes=30000-"]


async def test_complete_files_of_an_earlier_process_are_not_fetched_again(server, tmp_path):
    files = file(server), ModelFile("y.bin", f"{server.url}/y")
    await error_of(tmp_path, *files)
    server.files["/y"] = b"more"
    await fetch(tmp_path, *files)
    assert len(server.ranges("/x")) == 1


async def test_what_an_earlier_process_left_damaged_is_fetched_anew(server, tmp_path):
    files = file(server, sha256=SHA256), ModelFile("y.bin", f"{server.url}/y")
    await error_of(tmp_path, *files)
    (tmp_path / DOWNLOADS / "toy" / "small" / "files" / "x.bin").write_bytes(b"?" * len(DATA))
    server.files["/y"] = b"more"
    assert content(await fetch(tmp_path, *files)) == DATA


@pytest.mark.parametrize("journal", ["", "[]", '{"x.bin": {"colour": "red"}}', "\0"])
async def test_a_damaged_journal_is_no_journal(server, tmp_path, journal):
    staging = tmp_path / DOWNLOADS / "toy" / "small"
    (staging / "files").mkdir(parents=True)
    (staging / "files" / "x.bin").write_bytes(b"what?")
    (staging / "journal.json").write_text(journal)
    assert content(await fetch(tmp_path, file(server))) == DATA


async def test_files_the_catalogue_no_longer_has_do_not_get_into_the_model(server, tmp_path):
    await error_of(tmp_path, file(server), ModelFile("y.bin", f"{server.url}/y"))
    path = await fetch(tmp_path, ModelFile("z.bin", f"{server.url}/x"))
    assert sorted(one.name for one in path.iterdir()) == [MANIFEST, "z.bin"]


async def test_a_model_is_not_there_before_all_of_it_is(server, tmp_path, told):
    server.next_answers["/x"] = [holding(100_000)]
    fetching = asyncio.create_task(fetch(tmp_path, file(server), told=told))
    await server.held.wait()
    assert await asyncio.to_thread(told.moved.wait, 5) and not (tmp_path / "toy").exists()
    server.released.set()
    assert content(await fetching) == DATA


async def test_the_second_of_two_waits_and_uses_the_result(server, tmp_path, told):
    server.next_answers["/x"] = [holding(100_000)]
    first = asyncio.create_task(fetch(tmp_path, file(server)))
    await server.held.wait()
    noted = asyncio.Event()
    loop = asyncio.get_running_loop()
    told.note = lambda text: loop.call_soon_threadsafe(noted.set)  # type: ignore[method-assign]
    second = asyncio.create_task(fetch(tmp_path, file(server), told=told))
    await noted.wait()
    server.released.set()
    assert await first == await second
    assert len(server.requests) == 1


async def test_progress_goes_from_nothing_to_everything(server, tmp_path, told):
    await fetch(tmp_path, file(server, size_bytes=len(DATA)), ModelFile("y.bin", f"{server.url}/x", len(DATA)), told=told)
    assert told.steps[0] == 0 and told.steps == sorted(told.steps) and told.steps[-1] == told.total_bytes == 2 * len(DATA)
