"""Makes the checks one after the other; none can stop the others, however it fails."""

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from ..shared.errors import AssistantError
from .finding import Finding, Visit, failure
from .table import Check

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examined:
    """One check that was made."""

    check: Check
    findings: list[Finding]
    stuck: bool = False
    """It did not end in time, and may still hold a thread."""


async def examine(visit: Visit, checks: Sequence[Check]) -> AsyncIterator[Examined]:
    """Makes each check, within its deadline."""
    for check in checks:
        yield await _examined(check, visit)


async def _examined(check: Check, visit: Visit) -> Examined:
    mend = f"earshot doctor --debug --section {check.section}"
    try:
        async with asyncio.timeout(check.deadline_s):
            return Examined(check, await _made(check, visit))
    except TimeoutError:
        return Examined(check, [failure(f"this could not be found out within {check.deadline_s:g} s", mend)], stuck=True)
    except AssistantError as err:
        return Examined(check, [failure(str(err), mend)])
    except Exception as err:
        _LOGGER.debug("check %s failed", check.section, exc_info=err)
        return Examined(check, [failure(f"this could not be found out: {err!r}", mend)])


async def _made(check: Check, visit: Visit) -> list[Finding]:
    if inspect.iscoroutinefunction(check.make):
        return await check.make(visit)
    return await _on_a_thread(lambda: check.make(visit))  # type: ignore[arg-type, return-value]


async def _on_a_thread(call: Callable[[], list[Finding]]) -> list[Finding]:
    """Unlike asyncio.to_thread it can be left behind: a network disk that is gone holds a thread for ever."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Finding]] = loop.create_future()

    def tell(result: list[Finding] | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result or [])

    def work() -> None:
        try:
            result, error = call(), None
        except Exception as err:  # handed to the one who waits
            result, error = None, err
        try:
            loop.call_soon_threadsafe(tell, result, error)
        except RuntimeError:
            _LOGGER.debug("a check ended after the examination")

    threading.Thread(target=work, name="check", daemon=True).start()
    return await done
