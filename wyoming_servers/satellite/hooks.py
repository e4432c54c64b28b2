"""What the owner wants done at an event: a command, or an HTTP call. A hook is never in the satellite's way, however it fails."""

import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
import tempfile
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any
from urllib.parse import urlsplit

from ..shared.errors import AssistantError, SettingsError
from ..shared.protocol import printable
from ..shared.tasks import TaskOwner
from .events import EVENTS, SatelliteEvent

_LOGGER = logging.getLogger(__name__)
EVERY = "*"
_WORDS = "turn"
"""The event with what was said in the house: only for hooks that name it."""
_WAITING = 32
_COMMAND_S = 10.0
_CALL_S = 5.0
_TELL_EVERY_S = 60.0
_VALUE_CHARS = 4000
_ERROR_BYTES = 400


class HookError(AssistantError):
    """A hook failed; the text says how."""

    code = "hook-failed"


class Action(ABC):
    """One thing to do at an event."""

    @abstractmethod
    async def run(self, event: SatelliteEvent, satellite: str) -> None:
        """Does it, in bounded time; cancel it and nothing of it is left.

        Raises: HookError.
        """

    async def close(self) -> None:
        """Frees what it keeps."""


class Command(Action):
    """A program, with the event's data in its environment."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = tuple(argv)

    def __str__(self) -> str:
        return printable(self._argv[-1] if self._argv[0] == "/bin/sh" else " ".join(self._argv), 80)

    async def run(self, event: SatelliteEvent, satellite: str) -> None:
        environment = {**os.environ, **_environment(event, satellite)}
        with tempfile.TemporaryFile() as said:  # no pipe: what a command leaves in the background may hold it open for ever
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._argv,
                    env=environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,
                )
            except (OSError, ValueError) as err:
                raise HookError(f"cannot be started: {getattr(err, 'strerror', None) or err}") from None
            try:
                async with asyncio.timeout(_COMMAND_S):
                    status = await process.wait()
            except TimeoutError:
                raise HookError(f"took longer than {_COMMAND_S:g} s and was killed") from None
            finally:
                await _kill(process)
            if status:
                raise HookError(f"ended with status {status}{_last_words(said)}")


class Call(Action):
    """An HTTP POST with the event as JSON."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: Any = None

    def __str__(self) -> str:
        parts = urlsplit(self._url)
        return printable(f"{parts.scheme}://{parts.hostname}{parts.path}", 80)  # neither password nor token

    async def run(self, event: SatelliteEvent, satellite: str) -> None:
        http = await asyncio.to_thread(importlib.import_module, "aiohttp")
        if self._session is None:
            self._session = http.ClientSession(cookie_jar=http.DummyCookieJar(), timeout=http.ClientTimeout(total=_CALL_S))
        try:
            async with self._session.post(self._url, json=as_json(event, satellite), allow_redirects=False) as answer:
                if answer.status >= 300:
                    raise HookError(f"answered {answer.status}")
        except TimeoutError:
            raise HookError(f"did not answer within {_CALL_S:g} s") from None
        except (http.ClientError, OSError, ValueError) as err:
            raise HookError(f"could not be called: {type(err).__name__}") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class Hooks:
    """Runs the owner's hooks, each in its own order. Events wait in a short queue per hook; of too many, the oldest are dropped."""

    def __init__(self, table: Mapping[str, Any], satellite: str) -> None:
        """table: satellite.hooks. satellite: its name.

        Raises: SettingsError.
        """
        self._queues = [_Queue(name, _action(name, wanted), satellite) for name, wanted in table.items()]

    def take(self, event: SatelliteEvent) -> None:
        """See events.Listener."""
        for queue in self._queues:
            if queue.name == event.name or (queue.name == EVERY and event.name != _WORDS):
                queue.put(event)

    def start(self, owner: TaskOwner) -> None:
        """Begins to work."""
        for queue in self._queues:
            owner.start(queue.run(), f"hook for {queue.name}")

    async def finish(self, timeout_s: float) -> None:
        """Waits until everything is done, but no longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for queue in self._queues:
                    await queue.idle.wait()


class _Queue:
    """One hook and the events that wait for it."""

    def __init__(self, name: str, action: Action, satellite: str) -> None:
        self.name = name
        self.idle = asyncio.Event()
        self.idle.set()
        self._action = action
        self._satellite = satellite
        self._events: deque[SatelliteEvent] = deque(maxlen=_WAITING)
        self._there = asyncio.Event()
        self._told_at = float("-inf")
        self._untold = 0

    def put(self, event: SatelliteEvent) -> None:
        if len(self._events) == _WAITING:
            self._failed("is too slow: events are dropped")
        self._events.append(event)
        self.idle.clear()
        self._there.set()

    async def run(self) -> None:
        try:
            while True:
                while self._events:
                    try:
                        await self._action.run(self._events.popleft(), self._satellite)
                    except HookError as err:
                        self._failed(str(err))
                self.idle.set()
                self._there.clear()
                await self._there.wait()
        finally:
            await self._action.close()

    def _failed(self, how: str) -> None:
        now = time.monotonic()
        if now < self._told_at + _TELL_EVERY_S:
            self._untold += 1
            return
        more = f" ({self._untold} more failures since the last such line)" if self._untold else ""
        _LOGGER.warning("hook for %s: %s %s%s", self.name, self._action, how, more)
        self._told_at, self._untold = now, 0


def as_json(event: SatelliteEvent, satellite: str) -> dict[str, Any]:
    """An event as hooks and brokers get it."""
    return {
        "event": event.name,
        "satellite": satellite,
        "time": datetime.now().astimezone().isoformat(timespec="milliseconds"),
        **event.data,
    }


def _environment(event: SatelliteEvent, satellite: str) -> dict[str, str]:
    values = {"event": event.name, "satellite": satellite, **event.data}
    return {f"EARSHOT_{name.upper()}": _value(value).replace("\0", "")[:_VALUE_CHARS] for name, value in values.items()}


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _action(name: str, wanted: Any) -> Action:
    """Raises: SettingsError."""
    if name != EVERY and name not in EVENTS:
        raise SettingsError(f"satellite.hooks: there is no event {printable(str(name), 40)!r} (allowed: {', '.join((*EVENTS, EVERY))})")
    if isinstance(wanted, str) and wanted.startswith(("http://", "https://")):
        try:
            if urlsplit(wanted).hostname:
                return Call(wanted)
        except ValueError:
            pass
        raise SettingsError(f"satellite.hooks.{name}: {printable(wanted, 80)!r} is not an address such as http://HOST/PATH")
    if isinstance(wanted, str) and wanted.strip():
        return Command(("/bin/sh", "-c", wanted))
    if isinstance(wanted, list) and wanted and all(isinstance(each, str | int | float) for each in wanted):
        return Command([str(each) for each in wanted])
    raise SettingsError(f"satellite.hooks.{name}: must be a command, a list of a program and its arguments, or an http address")


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Ends a command that still runs, with all that it has started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _last_words(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _ERROR_BYTES))
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return f": {printable(lines[-1], 200)}" if lines else ""
