"""Every task has an owner, a name and an end."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_LOGGER = logging.getLogger(__name__)


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
