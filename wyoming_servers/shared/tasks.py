"""Every task has an owner, a name and an end."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_LOGGER = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class TaskOwner:
    """Starts named tasks and ends them all. A task that fails is logged with its traceback."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task] = set()

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task:
        """Runs `work` until it ends or `close` is called."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Cancels every task and waits until each has ended."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _LOGGER.error("task %s failed", task.get_name(), exc_info=error)


async def cancel(*tasks: asyncio.Task | None) -> None:
    """Cancels tasks and waits until all have ended; their own errors are their owner's affair."""
    given = [task for task in tasks if task is not None]
    for task in given:
        task.cancel()
    if given:
        await asyncio.wait(given)
    for task in given:
        if not task.cancelled() and (error := task.exception()):  # asked for, or asyncio reports it as never retrieved
            _LOGGER.debug("task %s ended with %r", task.get_name(), error)


async def on_own_thread(work: Callable[[], _Result], name: str, ended: Callable[[], None] = lambda: None) -> _Result:
    """Runs what blocks and cannot be interrupted, on a thread that nobody waits for when the process ends.

    ended: called on the loop when it has really ended, which may be long after whoever waited for it was cancelled.
    Raises: what `work` raises.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[_Result] = loop.create_future()

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as err:  # raised again where somebody waits
            error = err
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop has ended meanwhile
            return

    def settle(result: Any, error: Exception | None) -> None:
        ended()
        if outcome.done():
            return
        if error is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(error)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name=name, daemon=True).start()
    return await outcome
