"""What Home Assistant finds at the satellite's port: what this satellite is, and connections that lead to the link."""

import math
from collections.abc import Callable, Sequence

from wyoming.event import Event
from wyoming.info import Artifact, Attribution, Info, WakeProgram
from wyoming.info import Satellite as SatelliteInfo

from .. import __version__
from ..shared.connection import ConnectionLimits
from ..shared.server import ServerLimits
from ..shared.service import Peer, Service, Session
from ..shared.settings import SatelliteSection
from .wyoming_link import EVENTS, HomeLink

_SILENT_S = 15.0  # Home Assistant sends a ping 2 s after every pong: this is seven of them

LIMITS = ServerLimits(connections=32, connections_per_host=16, connection=ConnectionLimits(request_idle_s=_SILENT_S))
"""Of the listener."""


class SatelliteService(Service):
    """What the listener serves: a satellite, and nothing else."""

    kind = "satellite"
    events = EVENTS
    takes_audio = True

    def __init__(self, section: SatelliteSection, link: HomeLink, wake_programs: Callable[[], Sequence[WakeProgram]]) -> None:
        """wake_programs: those of the wake word server in use."""
        self._section = section
        self._link = link
        self._wake_programs = wake_programs
        self._offered: list[WakeProgram] = []
        self._described: list[WakeProgram] = []
        self._revision = 0

    @property
    def revision(self) -> int:
        """Goes up whenever the wake words have changed."""
        if (offered := self._offer()) != self._described:
            self._offered = self._described = offered
            self._revision += 1
        return self._revision

    def programs(self) -> Sequence[Artifact]:
        section = self._section
        words = [model.name for program in self._offered for model in program.models]
        return [
            SatelliteInfo(
                name=section.name,
                area=section.area or None,
                description=f"Earshot {section.name}",
                attribution=Attribution("Earshot", ""),
                installed=True,
                version=__version__,
                has_vad=True,
                active_wake_words=words,
                max_active_wake_words=len(words),
                supports_trigger=False,
            )
        ]

    def describe(self, info: Info) -> None:
        info.satellite = next(each for each in self.programs() if isinstance(each, SatelliteInfo))
        info.wake = list(self._offered)  # with the phrases, by which Home Assistant tells that two satellites heard the same person

    def info(self) -> Info:
        """As it is now."""
        self._offered = self._offer()
        info = Info()
        self.describe(info)
        return info

    def session(self, peer: Peer) -> Session:
        return _LinkSession(self._link, peer)

    def _offer(self) -> list[WakeProgram]:
        wanted = set(self._section.wake_words)
        programs = []
        for program in self._wake_programs():
            models = [model for model in program.models if not wanted or model.name in wanted]
            if models:
                programs.append(WakeProgram(**{**vars(program), "models": models}))
        return programs


class _LinkSession(Session):
    """One connection; most only ask what this is."""

    def __init__(self, link: HomeLink, peer: Peer) -> None:
        self._link = link
        self.peer = peer

    @property
    def busy(self) -> bool:
        return self._link.is_current(self) and not self._link.muted

    @property
    def patience_s(self) -> float | None:
        """A muted satellite hears nothing of Home Assistant, which is well all the same."""
        return math.inf if self._link.is_current(self) and self._link.muted else None

    async def handle(self, event: Event) -> None:
        await self._link.take(self, event)

    async def close(self) -> None:
        await self._link.lost(self)
