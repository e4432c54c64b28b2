"""What the owner has done at events: commands and HTTP calls, and how they may fail."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from wyoming_servers.satellite import hooks as hooks_module
from wyoming_servers.satellite.events import Events
from wyoming_servers.satellite.hooks import Hooks
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.tasks import TaskOwner

PATIENCE_S = 8.0


@asynccontextmanager
async def hooked(table: dict[str, Any]) -> AsyncIterator[tuple[Events, Hooks]]:
    """Events and the hooks that hear of them."""
    owner, events, hooks = TaskOwner(), Events(), Hooks(table, "Kitchen")
    events.add(hooks.take)
    hooks.start(owner)
    try:
        yield events, hooks
    finally:
        await owner.close()


@asynccontextmanager
async def web_server(status: int = 200) -> AsyncIterator[tuple[str, "asyncio.Queue[Any]"]]:
    """An HTTP server and what was posted to it."""
    posted: asyncio.Queue[Any] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        posted.put_nowait(await request.json())
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", posted
    finally:
        await runner.cleanup()


async def test_a_command_gets_the_event_in_its_environment(tmp_path: Path) -> None:
    told = tmp_path / "told"
    async with hooked({"detected": f'echo "$EARSHOT_EVENT $EARSHOT_SATELLITE $EARSHOT_WAKE_WORD" > {told}'}) as (events, hooks):
        events.tell("detected", wake_word="hey_jarvis", target="local")
        await hooks.finish(PATIENCE_S)
    assert told.read_text() == "detected Kitchen hey_jarvis\n"


async def test_a_list_is_a_program_and_its_arguments_without_a_shell(tmp_path: Path) -> None:
    odd = tmp_path / "a $HOME; b"
    async with hooked({"muted": ["touch", str(odd)]}) as (events, hooks):
        events.tell("muted")
        await hooks.finish(PATIENCE_S)
    assert odd.exists()


async def test_what_was_said_is_data_and_never_a_command(tmp_path: Path) -> None:
    told = tmp_path / "told"
    async with hooked({"turn": f'printf %s "$EARSHOT_TRANSCRIPT" > {told}'}) as (events, hooks):
        events.tell("turn", transcript=f"$(touch {tmp_path}/harm)`id`\0;", answer="")
        await hooks.finish(PATIENCE_S)
    assert told.read_text() == f"$(touch {tmp_path}/harm)`id`;" and not (tmp_path / "harm").exists()


async def test_an_address_gets_the_event_as_json() -> None:
    async with web_server() as (url, posted), hooked({"timer-ringing": url}) as (events, _):
        events.tell("timer-ringing", id="t1", text="Pizza.")
        async with asyncio.timeout(PATIENCE_S):
            got = await posted.get()
    assert got.pop("time").startswith("20")
    assert got == {"event": "timer-ringing", "satellite": "Kitchen", "id": "t1", "text": "Pizza."}


async def test_the_star_gets_all_events_in_order_but_what_was_said() -> None:
    async with web_server() as (url, posted), hooked({"*": url}) as (events, hooks):
        for state in ("listening", "thinking", "speaking"):
            events.be(state)
        events.tell("turn", transcript="my secret", answer="")
        events.be("idle")
        await hooks.finish(PATIENCE_S)
        got = [posted.get_nowait()["event"] for _ in range(posted.qsize())]
    assert got == ["listening", "thinking", "speaking", "idle"]


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("echo it is broken >&2; exit 3", "ended with status 3: it is broken"),
        (["/no/such/program"], "cannot be started: No such file or directory"),
        ("http://127.0.0.1:9/", "could not be called: ClientConnectorError"),
    ],
)
async def test_a_failure_is_one_line_a_minute(hook: Any, said: str, caplog: pytest.LogCaptureFixture) -> None:
    async with hooked({"idle": hook}) as (events, hooks):
        for _ in range(3):
            events.tell("idle")
        await hooks.finish(PATIENCE_S)
    lines = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1 and said in lines[0] and lines[0].startswith("hook for idle: ")


async def test_an_address_that_refuses_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    async with web_server(status=404) as (url, _), hooked({"idle": url.replace("//", "//me:secret@")}) as (events, hooks):
        events.tell("idle")
        await hooks.finish(PATIENCE_S)
    assert "answered 404" in caplog.text and "secret" not in caplog.text


async def test_a_command_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks_module, "_COMMAND_S", 0.5)
    async with hooked({"idle": f"sleep 600 & echo $! > {tmp_path}/child; wait"}) as (events, hooks):
        events.tell("idle")
        await hooks.finish(PATIENCE_S)
    assert "took longer than 0.5 s and was killed" in caplog.text
    assert await gone(int((tmp_path / "child").read_text()))


async def test_a_hook_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with hooked({"idle": "sleep 600", "muted": f"touch {tmp_path}/done"}) as (events, hooks):
        for _ in range(100):
            events.tell("idle")
        events.tell("muted")
        async with asyncio.timeout(PATIENCE_S):
            while not (tmp_path / "done").exists():
                await asyncio.sleep(0.01)
        await hooks.finish(0.01)


async def test_a_stopping_satellite_leaves_no_command_behind(tmp_path: Path) -> None:
    async with hooked({"idle": f"echo $$ > {tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid; sleep 600"}) as (events, _):
        events.tell("idle")
        async with asyncio.timeout(PATIENCE_S):
            while not (tmp_path / "pid").exists():
                await asyncio.sleep(0.01)
    assert await gone(int((tmp_path / "pid").read_text()))


async def test_of_too_many_events_the_oldest_are_dropped_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = tmp_path / "told"
    async with hooked({"volume": f"echo $EARSHOT_PERCENT >> {told}"}) as (events, hooks):
        for percent in range(100):
            events.tell("volume", percent=percent, silenced=False)
        await hooks.finish(PATIENCE_S)
    assert told.read_text().split() == [str(percent) for percent in range(100 - 32, 100)]
    assert caplog.text.count("is too slow: events are dropped") == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"listning": "led on"}, "there is no event 'listning' (allowed: started, "),
        ({"idle": ""}, "satellite.hooks.idle: must be a command"),
        ({"idle": {"url": "x"}}, "satellite.hooks.idle: must be a command"),
        ({"idle": "http://"}, "is not an address such as http://HOST/PATH"),
    ],
)
async def test_a_hook_that_can_never_work_is_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        Hooks(table, "Kitchen")
    assert said in str(error.value)


async def test_timers_that_begin_and_end_to_ring_are_told_once() -> None:
    events, heard = Events(), []
    events.add(lambda event: heard.append((event.name, event.data["id"])))
    for ringing in ({"a": "A"}, {"a": "A"}, {"a": "A", "b": "B"}, {"b": "B"}, {}):
        events.ring(ringing)
    assert heard == [("timer-ringing", "a"), ("timer-ringing", "b"), ("timer-stopped", "a"), ("timer-stopped", "b")]


async def gone(pid: int) -> bool:
    """True once a process has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            if Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text():
                return True
            await asyncio.sleep(0.02)
