"""Makes the checks one after the other; none can stop the others, however it fails."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ..shared.errors import AssistantError
from ..shared.tasks import on_own_thread
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
    return await on_own_thread(lambda: check.make(visit), "check")  # type: ignore[arg-type, return-value]
