"""Fixtures for every test."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import numpy as np
import pytest
import speech
from leaks import _no_task_left, nothing_left_behind  # noqa: F401  (fixtures that guard every test)
from matchers_once import matchers_once

from wyoming_servers.shared.server import ServerLimits, WyomingServer
from wyoming_servers.shared.service import Service

Serving = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works() -> None:
    """A shell that starts tests in the background has Ctrl-C ignored by whatever they start, and they start programs to interrupt them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither see nor touch what the owner of this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            patch.setenv(f"XDG_{name}_HOME", str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session", autouse=True)
def _matchers_once() -> Iterator[None]:
    with matchers_once():
        yield


@pytest.fixture(scope="session")
def speak() -> Callable[..., np.ndarray]:
    """`speak(text)` → (n,) int16 mono 16 kHz; see speech.py."""
    return speech.speak


@pytest.fixture
def serving() -> Serving:
    """`async with serving(service, …) as uri`: a real server on a free port of the loopback."""

    @asynccontextmanager
    async def run(*services: Service, limits: ServerLimits | None = None, uri: str = "tcp://127.0.0.1:0") -> AsyncIterator[str]:
        server = WyomingServer(uri, _as_list(services), limits)
        await server.start()
        try:
            yield server.uri
        finally:
            await server.stop()

    return run


def _as_list(services: Sequence[Service]) -> list[Service]:
    return list(services)
