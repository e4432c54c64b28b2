"""How late an event loop is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from wyoming_servers.shared.tasks import cancel

_TICK_S = 0.005


@asynccontextmanager
async def loop_lag(lags_s: list[float], tick_s: float = _TICK_S) -> AsyncIterator[None]:
    """Adds how late the event loop is, so often as long as this is open."""

    async def sample() -> None:
        now = asyncio.get_running_loop().time
        while True:
            due = now() + tick_s
            await asyncio.sleep(tick_s)
            lags_s.append(now() - due)

    sampling = asyncio.create_task(sample(), name="lag of the loop")
    try:
        yield
    finally:
        await cancel(sampling)


def share_of(values: Sequence[float], share: float) -> float:
    """So large a share of them is at most this."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
