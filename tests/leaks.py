"""A test that leaves something running fails, and says what: tasks, threads, child processes."""

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

_GRACE_S = 1.0  # what was told to end may need a moment
_LOADING_S = 10.0  # an engine that loads cannot be interrupted; it ends when it has loaded
_HELPERS = ("multiprocessing.resource_tracker", "tests/speech.py")  # Python's, and who speaks for the tests; one a process
_FOR_GOOD = ("asyncio_", "Dummy-", "espeak-ng")  # the loop's pool ends with the loop, the sound library owns its own, one espeak a process


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up first and torn down last, so that whatever other fixtures own is gone by then."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_no_task_left")
    threads, children = set(threading.enumerate()), set(_children())
    yield
    left = [f"thread {thread.name}" for thread in _alive(threads)]
    left += [f"process {pid}: {what}" for pid, what in _running(children).items()]
    if left:
        pytest.fail(f"left running: {', '.join(left)}", pytrace=False)


@pytest.fixture
async def _no_task_left() -> AsyncIterator[None]:
    yield
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        _, pending = await asyncio.wait(tasks, timeout=_GRACE_S)
        if pending:
            names = ", ".join(sorted(f"{task.get_name()} ({task.get_coro()})" for task in pending))
            pytest.fail(f"tasks left running: {names}", pytrace=False)


def _alive(before: set[threading.Thread]) -> list[threading.Thread]:
    """New threads that do not end."""
    begun = time.monotonic()
    new = [t for t in set(threading.enumerate()) - before if not t.name.startswith(_FOR_GOOD)]
    for thread in new:
        grace_s = _LOADING_S if thread.name.endswith("-load") else _GRACE_S
        if thread.ident is not None:  # one that is listed and not begun yet cannot be joined
            thread.join(max(0.0, begun + grace_s - time.monotonic()))
    return [thread for thread in new if thread.is_alive()]


def _running(before: set[int]) -> dict[int, str]:
    """New child processes that do not end, with their command lines."""
    deadline = time.monotonic() + _GRACE_S
    while True:
        running = {pid: what for pid in _children() if pid not in before and (what := _command(pid))}
        if not running or time.monotonic() > deadline:
            return running
        time.sleep(0.01)


def _children() -> list[int]:
    return [int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in _read(file).split()]


def _command(pid: int) -> str:
    """Empty for a process that has ended and for those that stay."""
    text = _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ").strip()
    return "" if any(helper in text for helper in _HELPERS) else text


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
