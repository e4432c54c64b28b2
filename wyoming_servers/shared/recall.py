"""What a server elsewhere offers: asked anew each time, remembered while it cannot be reached."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .engines import EngineContext
from .errors import DeadlineError, PeerError
from .gate import Gate

_LOGGER = logging.getLogger(__name__)
T = TypeVar("T")
_OUTSIDE_S = 900.0
_OUTSIDE_LOST_S = 60.0


@dataclass
class _Told:
    answer: Any = None
    complaint: str = ""
    """Why it could not be asked the last time."""
    asked_at: float = -math.inf


def ask_or_recall(context: EngineContext, server: str, ask: Callable[[], T], gate: Gate | None = None) -> T | None:
    """What `server` says now, else what it said last, else None. An outage is logged when it begins and when it ends. Blocking.

    server: names what is asked, with its address. ask: raises PeerError or DeadlineError when there is no answer. gate: of the server;
    one outside the house is asked every quarter of an hour, or every minute while it does not answer.
    Raises: what else `ask` raises; that is for the owner to put right.
    """
    told = context.remembered.setdefault(server, _Told())
    if gate and gate.outside and time.monotonic() - told.asked_at < (_OUTSIDE_LOST_S if told.complaint else _OUTSIDE_S):
        return told.answer
    told.asked_at = time.monotonic()
    try:
        told.answer = ask()
    except (PeerError, DeadlineError) as err:
        if str(err) != told.complaint:
            told.complaint = str(err)
            _LOGGER.warning("%s", err)
        return told.answer
    if told.complaint:
        told.complaint = ""
        _LOGGER.info("%s can be reached again", server)
    return told.answer


def recall(context: EngineContext, server: str) -> Any | None:
    """What `server` said last; None when it has never answered."""
    return context.remembered.get(server, _Told()).answer
