"""What a tool declares to be only telling may be done on a guess. The doors through which tools change something hold it to that."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import UndeclaredChangeError

_LOGGER = logging.getLogger(__name__)
_WHOSE: ContextVar[str] = ContextVar("only_telling", default="")


@contextmanager
def only_telling(tool: str) -> Iterator[None]:
    """Until it is left, nothing may be changed by this task, the tasks it starts, and the threads that get its context."""
    token = _WHOSE.set(tool)
    try:
        yield
    finally:
        _WHOSE.reset(token)


def may_change(what: str) -> bool:
    """Whether something may be changed now; False, and said in the log, in a call that only tells. what: `write to the database`."""
    tool = _WHOSE.get()
    if tool:
        _LOGGER.error("tool %s wanted to %s in a call that only tells, by its own `only_tells`; it was kept from it", tool, what)
    return not tool


def check_change(what: str) -> None:
    """The same for those who can refuse.

    Raises: UndeclaredChangeError.
    """
    if not may_change(what):
        raise UndeclaredChangeError(f"a call that only tells wanted to {what}: take it out of `only_tells`, or leave the world as it is")
