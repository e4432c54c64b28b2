"""What systemd is told: a part is ready once it can be asked, and no more is heard of one that hangs."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import free_port

from wyoming_servers.shared import service_manager
from wyoming_servers.shared.client import describe
from wyoming_servers.shared.offers import summary

PATIENCE_S = 30.0


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """Gets what is told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inlet:
        inlet.bind(str(tmp_path / "notify"))
        inlet.settimeout(PATIENCE_S)
        yield inlet


@contextmanager
def started(systemd: socket.socket, home: Path, *arguments: str) -> Iterator[None]:
    """A part of Earshot as systemd starts it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "EARSHOT_"))}
    told = {"HOME": str(home), "NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "300000"}
    command = [sys.executable, "-m", "wyoming_servers", *arguments, "--set", "network.zeroconf=false"]
    process = subprocess.Popen(command, env=kept | told, cwd=home, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def told_until(systemd: socket.socket, wanted: str) -> list[str]:
    """What is told, up to and with this."""
    told = [""]
    while told[-1] != wanted:
        told.append(systemd.recv(100).decode())
    return told[1:]


def test_a_server_that_is_ready_can_be_asked(systemd: socket.socket, tmp_path: Path) -> None:
    uri = f"tcp://127.0.0.1:{free_port()}"
    with started(systemd, tmp_path, "serve", "tts", "--uri", uri):
        told_until(systemd, "READY=1")
        assert summary(asyncio.run(describe(uri)))


def test_a_satellite_that_is_ready_lets_home_assistant_in(systemd: socket.socket, tmp_path: Path) -> None:
    uri = f"tcp://127.0.0.1:{free_port()}"
    with started(systemd, tmp_path, "satellite", "--mic", "-", "--speaker", "null", "--set", f"satellite.uri={uri}"):
        told_until(systemd, "READY=1")
        assert asyncio.run(describe(uri)).satellite


def test_a_part_that_is_well_says_so_again_and_again(systemd: socket.socket, tmp_path: Path) -> None:
    with started(systemd, tmp_path, "serve", "tts", "--uri", f"unix://{tmp_path}/tts"):
        told_until(systemd, "READY=1")
        assert [told_until(systemd, "WATCHDOG=1")[-1] for _ in range(4)] == ["WATCHDOG=1"] * 4


def test_an_event_loop_that_hangs_says_nothing_more(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    hang, hanging, go_on = threading.Event(), threading.Event(), threading.Event()

    async def serve() -> None:
        alive = asyncio.create_task(service_manager.keep_alive())
        while not hang.is_set():
            await asyncio.sleep(0.01)
        hanging.set()
        go_on.wait(PATIENCE_S)
        alive.cancel()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    told_until(systemd, "WATCHDOG=1")
    hang.set()
    assert hanging.wait(PATIENCE_S)
    systemd.setblocking(False)
    try:
        while systemd.recv(100):  # what was told before
            pass
    except BlockingIOError:
        systemd.settimeout(0.3)
    with pytest.raises(TimeoutError):
        systemd.recv(100)
    go_on.set()
    thread.join(PATIENCE_S)


def test_without_a_watchdog_keeping_alive_ends_at_once(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    service_manager.ready()
    asyncio.run(asyncio.wait_for(service_manager.keep_alive(), PATIENCE_S))
    systemd.setblocking(False)
    assert systemd.recv(100) == b"READY=1"
    with pytest.raises(BlockingIOError):
        systemd.recv(100)


def test_without_systemd_being_ready_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert service_manager.ready() is None


def test_the_limit_of_another_process_is_not_ours(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}.items():
        monkeypatch.setenv(name, value)
    asyncio.run(asyncio.wait_for(service_manager.keep_alive(), PATIENCE_S))
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(100)
