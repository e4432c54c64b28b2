"""Timers of a real server process, which is killed without warning."""

import asyncio
import contextlib
import random
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from earshot_command import Earshot
from handle_house import ask, linked, said
from wire import event

_STARTS_S = 15.0


class Server:
    """One `earshot serve handle`."""

    def __init__(self, uri: str, process: asyncio.subprocess.Process) -> None:
        self.uri = uri
        self._process = process

    async def kill(self) -> None:
        """As the kernel does it when memory runs out."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator[Server]:
    """A server that listens; killed at the end, too."""
    earshot = Earshot(home)
    uri = f"unix://{home}/handle.sock"
    process = await asyncio.create_subprocess_exec(
        *earshot.command("serve", "handle", "--uri", uri, "--no-zeroconf"),
        env=earshot.environment(),
        cwd=home,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    server = Server(uri, process)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_STARTS_S):
            while b"listening" not in (line := await process.stderr.readline()):
                assert line, "the server ended"
        yield server
    finally:
        await server.kill()
        await process.communicate()  # closes the pipe


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def let_pass(home: Path, seconds: float) -> None:
    """As if that long had passed since anything was written."""
    with contextlib.closing(sqlite3.connect(next(home.rglob("timers.db")))) as connection, connection:
        connection.execute("UPDATE timers SET written_utc = written_utc - ?1, written_steady = written_steady - ?1", (seconds,))


async def test_a_timer_of_one_second_ends(home):
    async with serving(home) as server, linked(server.uri) as link:
        await ask(server.uri, "set a timer for one second", satellite_id="kitchen")
        assert (await link.receive_type("timer-finished")).data["text"] == "Your 1 second timer is done."


async def test_a_killed_server_goes_on_counting_when_it_is_back(home):
    async with serving(home) as server:
        await ask(server.uri, "set a timer for 10 minutes", satellite_id="kitchen")
        await server.kill()
    let_pass(home, 240)
    async with serving(home) as server:
        left = await said(server.uri, "how much time is left")
    assert left.startswith(("5 minutes and 5", "6 minutes"))


async def test_a_timer_that_ended_while_the_server_was_dead_is_announced_late(home):
    async with serving(home) as server:
        await ask(server.uri, "set a pizza timer for 1 minute", satellite_id="kitchen")
        await server.kill()
    let_pass(home, 60 + 180)
    async with serving(home) as server, linked(server.uri) as link:
        data = (await link.receive_type("timer-finished")).data
    assert (data["text"], data["late_s"] >= 180) == ("Your pizza timer ended 3 minutes ago.", True)


async def test_killed_before_the_acknowledgement_it_rings_again(home):
    async with serving(home) as server, linked(server.uri) as link:
        await ask(server.uri, "set a timer for one second", satellite_id="kitchen")
        first = (await link.receive_type("timer-finished")).data["id"]
        await server.kill()
    async with serving(home) as server, linked(server.uri) as link:
        assert (await link.receive_type("timer-finished")).data["id"] == first


async def test_killed_after_the_acknowledgement_it_does_not_ring_again(home):
    async with serving(home) as server, linked(server.uri) as link:
        await ask(server.uri, "set a timer for one second", satellite_id="kitchen")
        id = (await link.receive_type("timer-finished")).data["id"]
        await link.send(event("earshot-acknowledge", {"id": id}))
        await said(server.uri, "what timers do I have")  # asked after it, answered after it
        await server.kill()
    async with serving(home) as server, linked(server.uri) as link:
        await link.send(event("ping"))
        assert (await link.receive()).type == "pong"


@pytest.mark.parametrize("seed", range(2))
async def test_killed_at_any_moment_no_confirmed_timer_is_lost(home, seed):
    confirmed, count = [], random.Random(seed).randint(1, 12)
    async with serving(home) as server:
        setting = asyncio.create_task(set_timers(server.uri, confirmed, count, killed := asyncio.Event()))
        await killed.wait()
        await server.kill()  # while the next one is being set
        with contextlib.suppress(AssertionError, OSError):
            await setting
    async with serving(home) as server:
        timers = (await ask(server.uri, "what timers do I have")).data["context"]["earshot"]["data"]["timers"]
    assert len(confirmed) >= count and set(confirmed) <= {timer["id"] for timer in timers}


async def set_timers(uri: str, confirmed: list[str], count: int, reached: asyncio.Event) -> None:
    """Sets one after the other until the server is gone; tells when so many are confirmed."""
    while True:
        confirmed.append((await ask(uri, "set a timer for 9 minutes")).data["context"]["earshot"]["data"]["id"])
        if len(confirmed) == count:
            reached.set()
