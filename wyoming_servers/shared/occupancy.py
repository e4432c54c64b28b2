"""How busy a server is: told beside `info` to peers that ask for it (docs/protocol.md); stock peers neither ask nor see it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wyoming.event import Event

from .protocol import printable

EVENT = "earshot-load"
ASK = "earshot_load"
"""Set to true in `describe`, it brings EVENT just before the `info`."""
_MAX_PROBLEM_CHARS = 300
_MOST = 100_000  # of places and requests: more is no sensible figure


@dataclass(frozen=True)
class Occupancy:
    """How one kind of server is taken up."""

    working: int
    """Requests that are worked on."""
    waiting: int
    """Requests that wait for a place."""
    places: int
    """Requests that can be worked on at the same time."""
    problem: str = ""
    """Why none can be worked on, for the owner: the engine could not be loaded. Empty when all is well, or it still loads."""

    def full(self, own: int = 0) -> bool:
        """True when one more request would have to wait. own: how many of those under way are the asker's, and do not count."""
        return self.working + self.waiting - own >= self.places


def event(by_kind: Mapping[str, Occupancy]) -> Event:
    """What is sent."""
    return Event(EVENT, {kind: asdict(occupancy) for kind, occupancy in by_kind.items()})


def read(told: Event) -> dict[str, Occupancy]:
    """Kind → what a server says of itself; what makes no sense is left out."""
    found = {}
    for kind, figures in told.data.items():
        if isinstance(figures, Mapping) and all(_sensible(figures.get(name)) for name in ("working", "waiting", "places")):
            problem = figures.get("problem")
            told_problem = printable(problem, _MAX_PROBLEM_CHARS) if isinstance(problem, str) else ""
            found[kind] = Occupancy(figures["working"], figures["waiting"], figures["places"], told_problem)
    return found


def _sensible(figure: Any) -> bool:
    return isinstance(figure, int) and not isinstance(figure, bool) and 0 <= figure <= _MOST
