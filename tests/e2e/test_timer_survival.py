"""Timers of a real server process, which is killed without warning."""

import asyncio
import contextlib
import random
import signal
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from earshot_command import Earshot
from handle_house import ask, linked, said, sentence
from wire import Wire, event

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


@dataclass
class Household:
    """What a house with one satellite has seen of a server that is killed again and again."""

    confirmed: set[str] = field(default_factory=set)
    """Set, and told so."""
    rung: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    """The server has answered something after the acknowledgement, so it is on disk."""
    again: set[str] = field(default_factory=set)
    """Pushed although they were acknowledged."""
    alarms: set[str] = field(default_factory=set)
    """Those of `rung` that are alarms."""

    async def live(self, uri: str) -> None:
        """Sets timers and reminders that end soon and rings what ends, until the server is gone."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._speak(uri))
            async with linked(uri) as link:
                await self.ring(link)

    async def ring(self, link: Wire, enough: Callable[[], bool] = lambda: False) -> None:
        """Acknowledges what ends. A sentence behind it on the same link is answered after it, so it is on disk then."""
        waiting: deque[str] = deque()
        while not enough():
            message = await link.receive()
            assert message, "the server is gone"
            if message.type == "timer-finished":
                id = message.data["id"]
                self.again |= {id} & self.acknowledged
                self.rung.add(id)
                self.alarms |= {id} if message.data["kind"] == "alarm" else set()
                waiting.append(id)
                await link.send(event("earshot-acknowledge", {"id": id}), sentence("what timers do I have"))
            elif message.type == "handled":
                self.acknowledged.add(id := waiting.popleft())
                await link.send(event("earshot-dismiss", {"id": id}))

    async def set_one(self, uri: str, text: str = "set a timer for one second") -> None:
        """Sets a timer or a reminder."""
        data = (await ask(uri, text, satellite_id="kitchen")).data["context"]["earshot"].get("data")
        self.confirmed |= {data["id"]} if data else set()

    async def _speak(self, uri: str) -> None:
        while True:
            await self.set_one(uri)
            await self.set_one(uri, "remind me in one second to look at the clock")

    async def live_for(self, uri: str, seconds: float) -> None:
        """Lives until that moment."""
        life = asyncio.create_task(self.live(uri))
        try:
            await asyncio.wait([life], timeout=seconds)
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


def make_due(home: Path) -> None:
    """The alarm that comes every day is due now."""
    with contextlib.closing(sqlite3.connect(next(home.rglob("timers.db")))) as connection, connection:
        connection.execute("UPDATE timers SET due_utc = ? WHERE days != ''", (time.time() - 0.1,))


def has_gone_on(home: Path) -> bool:
    """Whether that alarm now waits for its next day."""
    with contextlib.closing(sqlite3.connect(next(home.rglob("timers.db")))) as connection:
        return connection.execute("SELECT due_utc FROM timers WHERE days != ''").fetchone()[0] > time.time() + 1


async def killed_at_random(home: Path, moments: int, seed: int) -> None:
    """Kills a server so many times, while it starts or while it works, and looks at what became of its timers."""
    chance, house, due = random.Random(seed), Household(), 0
    async with serving(home) as server:
        await ask(server.uri, "set an alarm for 7 am every day", satellite_id="kitchen")
        await house.set_one(server.uri)
    for _ in range(moments):
        make_due(home)
        if chance.random() < 0.3:
            await killed_while_it_starts(home, chance.uniform(0.2, 1.5))
        else:
            async with serving(home) as server:
                await house.live_for(server.uri, chance.uniform(0.0, 1.5))
                await server.kill()
        due += has_gone_on(home)
    due += not has_gone_on(home)  # killed before it rang: it is still to ring
    async with serving(home) as server, linked(server.uri) as link, asyncio.timeout(30):
        await house.ring(link, lambda: house.confirmed <= house.rung and len(house.alarms) >= due)
    assert (house.confirmed - house.rung, house.again, len(house.alarms)) == (set(), set(), due)


async def killed_while_it_starts(home: Path, seconds: float) -> None:
    """Somewhere between its first instruction and its first ring."""
    earshot = Earshot(home)
    process = await asyncio.create_subprocess_exec(
        *earshot.command("serve", "handle", "--uri", f"unix://{home}/handle.sock", "--no-zeroconf"),
        env=earshot.environment(),
        cwd=home,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def test_killed_at_a_few_random_moments_nothing_is_lost_and_nothing_rings_twice(home):
    await killed_at_random(home, moments=3, seed=7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
async def test_killed_at_two_hundred_random_moments_nothing_is_lost_and_nothing_rings_twice(home, seed):
    await killed_at_random(home, moments=20, seed=seed)
