"""The place of a server that cannot run: nothing is offered there, and whoever asks is told why."""

from collections.abc import Sequence

from wyoming.event import Event
from wyoming.info import Artifact

from .errors import EngineUnavailableError
from .occupancy import Occupancy
from .service import Peer, Service, Session


class UnavailableService(Service):
    """Stands beside others on their port, so that one wrong setting does not take them away."""

    def __init__(self, service: Service, problem: str) -> None:
        """service: the one whose place this is; it is not started. problem: why it cannot run, for its owner."""
        self.kind = service.kind
        self.events = service.events
        self.takes_audio = service.takes_audio
        self._problem = problem

    def programs(self) -> Sequence[Artifact]:
        return ()

    def occupancy(self) -> Occupancy:
        return Occupancy(0, 0, 0, self._problem)

    def session(self, peer: Peer) -> Session:
        return _Refusal(self._problem)


class _Refusal(Session):
    busy = False

    def __init__(self, problem: str) -> None:
        self._problem = problem

    async def handle(self, event: Event) -> None:
        raise EngineUnavailableError(self._problem)
