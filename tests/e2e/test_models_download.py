"""`earshot models` as a person uses it, against a server of files on this machine."""

import asyncio
import importlib.util
import os
import pty
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from earshot_command import Earshot
from model_server import ModelServer, holding, model_server
from own_catalogue import write_catalogue

from wyoming_servers.shared.client import describe

DATA = bytes(range(256)) * 1200
WAIT_S = 8


@pytest.fixture
def earshot(tmp_path: Path) -> Earshot:
    return Earshot(tmp_path)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ModelServer]:
    """Has toy/bricks, which the owner's catalogue knows."""
    async with model_server(x=DATA) as server:
        write_catalogue(tmp_path / ".config", f"{server.url}/x", size_bytes=len(DATA))
        yield server


def model(earshot: Earshot) -> Path:
    return earshot.home / ".local" / "share" / "earshot" / "models" / "toy" / "bricks"


async def run(earshot: Earshot, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(earshot.run, "models", *arguments, **extra)


async def start(earshot: Earshot, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *earshot.command(*arguments), env=earshot.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def line_with(process: asyncio.subprocess.Process, text: str) -> str:
    """The first line of standard error that has this text."""
    assert process.stderr is not None
    async with asyncio.timeout(WAIT_S):
        while (line := (await process.stderr.readline()).decode()) and text not in line:
            pass
    assert text in line
    return line


async def test_get_fetches_tells_how_far_it_is_and_says_where_it_is(earshot, server):
    ended = await run(earshot, "get", "bricks")
    assert (ended.returncode, (model(earshot) / "toy.bin").read_bytes()) == (0, DATA)
    assert ended.stdout.splitlines()[0] == "toy/bricks: A toy.; 307 kB; MIT; http://127.0.0.1/about"
    assert ended.stdout.splitlines()[-1] == f"toy/bricks is in {model(earshot)}"
    assert "toy/bricks: 0 B" in ended.stderr


@pytest.mark.parametrize(("answer", "fetched"), [("y", True), ("n", False), ("", False)])
async def test_on_a_terminal_terms_are_asked_for_and_a_bar_is_drawn(earshot, server, answer, fetched):
    write_catalogue(earshot.home / ".config", f"{server.url}/x", size_bytes=len(DATA), account="an account at the moon")
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        process = await asyncio.create_subprocess_exec(
            *earshot.command("models", "get", "bricks"),
            env=earshot.environment({"TERM": "xterm"}),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        async with asyncio.timeout(WAIT_S):
            stdout, _ = await process.communicate()
        assert b"it needs an account at the moon" in stdout
        assert model(earshot).is_dir() == fetched
        assert (b"toy/bricks [####" in os.read(ours, 65_536)) == fetched
    finally:
        os.close(theirs)
        os.close(ours)


async def test_a_download_that_was_killed_is_continued(earshot, server):
    server.next_answers["/x"] = [holding(100_000)]
    process = await start(earshot, "models", "get", "bricks")
    await line_with(process, "kB of 307 kB")
    process.kill()
    await process.wait()
    assert not model(earshot).exists()
    assert (await run(earshot, "get", "bricks")).returncode == 0
    assert server.ranges("/x")[1] > "bytes=1" and (model(earshot) / "toy.bin").read_bytes() == DATA


async def test_ctrl_c_ends_a_download_without_a_traceback(earshot, server):
    server.next_answers["/x"] = [holding(100_000)]
    process = await start(earshot, "models", "get", "bricks")
    await line_with(process, "kB of 307 kB")
    process.send_signal(signal.SIGINT)
    _, stderr = await process.communicate()
    assert (process.returncode, b"Traceback" in stderr) == (130, False)


async def test_of_two_processes_one_fetches_and_both_have_it(earshot, server):
    server.next_answers["/x"] = [holding(100_000)]
    first = await start(earshot, "models", "get", "bricks")
    await asyncio.wait_for(server.held.wait(), WAIT_S)
    second = await start(earshot, "models", "get", "bricks")
    await line_with(second, "another process is fetching it")
    server.released.set()
    await asyncio.gather(first.communicate(), second.communicate())
    assert (first.returncode, second.returncode, len(server.requests)) == (0, 0, 1)


@pytest.mark.skipif(importlib.util.find_spec("piper") is None, reason="needs piper-tts")
async def test_a_server_that_fetches_its_voice_answers_and_ends_in_order(earshot, server):
    path = earshot.home / ".config" / "earshot" / "models.yaml"
    path.write_text(path.read_text().replace("toy:\n  bricks:", "piper:\n  en_US-toy-low:"))
    server.always["/x"] = holding(100_000)
    arguments = ["serve", "tts", "--engine", "piper", "--set", "tts.engines.piper.voice=en_US-toy-low", "--set", "network.zeroconf=false"]
    process = await start(earshot, *arguments, "--uri", f"unix://{earshot.home}/tts")
    try:
        await asyncio.wait_for(server.held.wait(), WAIT_S)
        info = await describe(f"unix://{earshot.home}/tts", WAIT_S)
        assert [voice.installed for voice in info.tts[0].voices if voice.name == "en_US-toy-low"] == [False]
    finally:
        process.terminate()
        async with asyncio.timeout(WAIT_S):
            _, stderr = await process.communicate()
    assert (process.returncode, b"Traceback" in stderr) == (0, False), stderr.decode()
