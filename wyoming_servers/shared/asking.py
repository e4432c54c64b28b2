"""Is a server well, and what does it offer? Asked at all its addresses at once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.info import Info

from .client import DESCRIBE_TIMEOUT_S, describe_with_load
from .errors import PeerUnreachableError
from .occupancy import Occupancy
from .tasks import cancel


@dataclass(frozen=True)
class Answer:
    """A server's answer to `describe`."""

    uri: str
    """The address that answered."""
    info: Info
    round_trip_ms: float
    """Connecting, asking and being told."""
    load: dict[str, Occupancy] | None = None
    """Kind → how busy it is; None when it does not tell, as only our servers do."""


async def ask(uris: Sequence[str], timeout_s: float = DESCRIBE_TIMEOUT_S) -> Answer:
    """Asks one server at all its addresses at once; the first that answers counts.

    Raises: PeerError of the first address when none answers.
    """

    async def one(uri: str) -> Answer:
        begun = time.perf_counter()
        info, load = await describe_with_load(uri, timeout_s)
        return Answer(uri, info, (time.perf_counter() - begun) * 1000, load)

    asking = [asyncio.create_task(one(uri), name=f"describe {uri}") for uri in uris]
    try:
        open_ = set(asking)
        while open_:
            done, open_ = await asyncio.wait(open_, return_when=asyncio.FIRST_COMPLETED)
            if best := next((task for task in asking if task in done and not task.exception()), None):
                return best.result()
        raise next((task.exception() for task in asking), None) or PeerUnreachableError("no address to ask")
    finally:
        await cancel(*asking)
