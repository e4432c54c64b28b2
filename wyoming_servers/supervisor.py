"""`earshot run`: each part its own process, restarted when it dies, all stopped together."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .cli import EXIT_HOPELESS
from .shared import service_manager
from .shared.announcer import Announcer
from .shared.client import describe
from .shared.errors import PeerError
from .shared.tasks import TaskOwner, cancel

_LOGGER = logging.getLogger(__name__)

_STOP_S = 2.0  # after that it is killed: Ctrl-C ends everything in under 3 s
_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 0.3, 30.0
_HEALTHY_AFTER_S = 30.0  # a part that ran this long starts again with the shortest back-off
_READY_POLL_S = 0.05
_WATCH_S, _WATCH_TIMEOUT_S, _MISSES = 10.0, 5.0, 3  # a server that hangs is killed, and so started again, within a minute


@dataclass(frozen=True)
class Part:
    """One child process."""

    name: str
    arguments: tuple[str, ...]
    """What follows `earshot`."""
    uri: str = ""
    """Where a server can be asked whether it is well; empty for the satellite, whose end with status 0 ends everything."""
    announced_uri: str = ""
    """Where a server listens, to be announced by mDNS; empty when it is not. One process that speaks mDNS is enough."""
    microphone: bool = False
    """It has one, which SIGUSR1 switches off and on."""


class Supervisor:
    """Starts the parts, announces and watches servers, restarts what dies or hangs, stops all.

    Parts also end by themselves when the supervisor is killed.
    """

    def __init__(self, parts: Sequence[Part], pipe_variable: str) -> None:
        self._parts = parts
        self._pipe_variable = pipe_variable
        self._owner = TaskOwner()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._settled = {part.name: asyncio.Event() for part in parts if part.uri}
        self._lost: set[str] = set()
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, ready_timeout_s: float) -> int:
        """Runs until cancelled, until the satellite has heard a recording to its end, or until no part is left that could run.

        Returns the exit status.
        """
        hold, kept = os.pipe()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._switch_microphone)
        try:
            for part in self._parts:
                self._owner.start(self._keep(part, hold), f"keep {part.name}")
            self._owner.start(self._report_ready(ready_timeout_s), "report ready")
            return await self._status
        finally:
            await self._owner.close()
            await self._stop_all()
            os.close(kept)
            os.close(hold)

    async def _keep(self, part: Part, hold: int) -> None:
        back_off_s = _FIRST_BACK_OFF_S
        while True:
            begun = time.monotonic()
            attending = self._owner.start(self._attend(part), f"attend {part.name}") if part.uri else None
            try:
                status = await self._run_once(part, hold)
            finally:
                await cancel(attending)
            if status == EXIT_HOPELESS:
                self._lose(part)
                return
            if status == 0 and not part.uri:
                self._finish(0)
                return
            if time.monotonic() - begun > _HEALTHY_AFTER_S:
                back_off_s = _FIRST_BACK_OFF_S
            _LOGGER.warning("%s ended (%s); starting it again in %.1f s", part.name, _ending(status), back_off_s)
            await asyncio.sleep(back_off_s)
            back_off_s = min(back_off_s * 2, _LONGEST_BACK_OFF_S)

    async def _attend(self, part: Part) -> None:
        """Announces a server while it is there; kills it when it hangs."""
        while not await _answers(part.uri, _WATCH_TIMEOUT_S):  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(_READY_POLL_S)
        self._settled[part.name].set()
        announcer = Announcer(part.announced_uri, [part.name]) if part.announced_uri else None
        try:
            if announcer:
                await announcer.start()
            misses = 0
            while misses < _MISSES:
                await asyncio.sleep(_WATCH_S)
                misses = 0 if await _answers(part.uri, _WATCH_TIMEOUT_S) else misses + 1
            _LOGGER.error("%s has not answered %d times; ending it", part.name, misses)
            self._processes[part.name].kill()
        finally:
            if announcer:
                await announcer.stop()

    def _lose(self, part: Part) -> None:
        _LOGGER.error("%s cannot run here (see above); the others go on without it", part.name)
        self._lost.add(part.name)
        if part.uri:
            self._settled[part.name].set()
        if len(self._lost) == len(self._parts):
            self._finish(EXIT_HOPELESS)

    def _switch_microphone(self) -> None:
        for part in self._parts:
            if part.microphone and part.name in self._processes:
                with contextlib.suppress(ProcessLookupError):
                    self._processes[part.name].send_signal(signal.SIGUSR1)

    def _finish(self, status: int) -> None:
        if not self._status.done():
            self._status.set_result(status)

    async def _run_once(self, part: Part, hold: int) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __package__,
            *part.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, self._pipe_variable: str(hold)},
            pass_fds=(hold,),
            start_new_session=True,  # Ctrl-C reaches us only; we stop the parts in order
        )
        self._processes[part.name] = process
        return await process.wait()

    async def _report_ready(self, timeout_s: float) -> None:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                for settled in self._settled.values():
                    await settled.wait()
        except TimeoutError:
            _LOGGER.warning("not ready after %.0f s: %s", timeout_s, ", ".join(n for n, s in self._settled.items() if not s.is_set()))
        else:
            without = f", without {', '.join(sorted(self._lost))}" if self._lost else ""
            _LOGGER.info("Earshot is ready (%.1f s)%s.", time.monotonic() - begun, without)
        service_manager.ready()

    async def _stop_all(self) -> None:
        """The satellite first: it would complain of every server that goes."""
        deadline = time.monotonic() + _STOP_S
        for ends in (deadline - _STOP_S / 2, deadline):
            parts = [part for part in self._parts if not part.uri or ends == deadline]
            running = [self._processes[part.name] for part in parts if part.name in self._processes]
            for process in running:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
            waits = [asyncio.ensure_future(process.wait()) for process in running]
            if waits:
                await asyncio.wait(waits, timeout=max(0.0, ends - time.monotonic()))
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _answers(uri: str, timeout_s: float) -> bool:
    try:
        await describe(uri, timeout_s)
    except PeerError:
        return False
    return True


def _ending(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name
