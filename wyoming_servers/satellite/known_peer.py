"""One server that the directory knows: how it has been, and how good a choice it is now."""

import asyncio
import logging
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.info import Info

from ..shared.asking import Answer
from ..shared.errors import AssistantError
from ..shared.protocol import printable
from ..shared.uri import split_uri

if TYPE_CHECKING:
    from ..shared.discovery import Sighting

_LOGGER = logging.getLogger(__name__)
_UNKNOWN_MS = 1e9
_NEAR_MS = 4.0  # a wired network and a machine with nothing else to do: less is no nearer, only luck
_SHARED_KINDS = ("asr", "tts")
"""Kinds whose requests stand alone. Conversations and wake word streams stay where they are: moving costs more than waiting."""


@dataclass(frozen=True)
class Patience:
    """How often peers are asked whether they are well, and how long what they said counts."""

    healthy_s: float = 10.0
    """Between two questions to one that answers."""
    first_retry_s: float = 0.3
    """After it stopped answering; then twice as long each time, up to healthy_s."""
    describe_s: float = 2.0
    """It answers within this, or it does not answer."""
    first_back_off_s: float = 2.0
    """After a reported failure it is the last choice for this long; then twice as long each time, up to longest_back_off_s."""
    longest_back_off_s: float = 60.0
    full_s: float = 15.0
    """Who had no room comes after those that have for this long: longer than healthy_s, or satellites would go to and fro."""


@dataclass(frozen=True)
class PeerRef:
    """A server to use now."""

    uri: str
    name: str
    """Its name on the network, or its URI when it was given by address."""
    info: Info
    """What it last said it offers."""
    ours: bool = False
    """True when it is known to answer `ping`, as all of our servers do."""


class KnownPeer:
    """One known server and how it has been. All methods belong to the event loop."""

    def __init__(self, name: str, uris: tuple[str, ...], local: bool, patience: Patience, given: bool = False) -> None:
        """local: on this machine. given: by address, in the settings."""
        self.name = name
        self.uris = uris
        self.local = local
        self.given = given
        self.uri = uris[0]
        self.info: Info | None = None
        self.error: AssistantError | None = None
        self.withdrawn = False
        self.check_now = asyncio.Event()
        self.back_off_s = 0.0
        self.using: Counter[str] = Counter()
        """Requests of our own that are under way there, by kind."""
        self._patience = patience
        self._ours = False
        self._last_until = 0.0
        self._doubtful = False
        self._full_until: dict[str, float] = {}
        self._round_trip_ms = _UNKNOWN_MS

    @property
    def port(self) -> int:
        """0 for a Unix socket."""
        return split_uri(self.uri)[2]

    def ref(self) -> PeerRef:
        """As others see it, once it has answered."""
        assert self.info is not None
        return PeerRef(self.uri, self.name, self.info, self._ours)

    def rank(self, kind: str) -> tuple:
        """Lower is better: well, with room, on this machine, near. Only a round trip half as long counts as nearer."""
        last = self._last_until if self._doubtful or _now() < self._last_until else 0.0
        nearness = math.ceil(math.log2(max(self._round_trip_ms, _NEAR_MS)))
        return self.withdrawn, last, _now() < self._full_until.get(kind, 0.0), not self.local, nearness, self.name

    def move(self, sighting: "Sighting") -> None:
        """It has other addresses now."""
        self.uris, self.local, self.withdrawn = sighting.uris, sighting.local, False
        if self.uri not in self.uris:
            self.info = None  # the old address leads nowhere, or to somebody else
            self.uri = self.uris[0]
            self._round_trip_ms = _UNKNOWN_MS
        self.check_now.set()

    def answered(self, answer: Answer) -> None:
        """It is well. After a silence its earlier failures are forgotten: it has come back."""
        if self.info is None and self.error:
            self._last_until = self.back_off_s = 0.0
        self.uri, self.info, self.error, self._doubtful = answer.uri, answer.info, None, False
        self._round_trip_ms = min(self._round_trip_ms, answer.round_trip_ms)  # the least is the steadiest figure
        self._ours = answer.load is not None
        for kind, load in (answer.load or {}).items():
            if kind in _SHARED_KINDS and load.full(self.using[kind]):
                self.full(kind)

    def failed(self, error: AssistantError) -> None:
        """It did not answer."""
        if self.info:
            _LOGGER.warning("%s does not answer: %s", printable(self.name), error)
        self.info, self.error = None, error

    def full(self, *kinds: str) -> None:
        """It has no room for more requests of these kinds."""
        self._full_until |= dict.fromkeys(kinds, _now() + self._patience.full_s)

    def back_off(self) -> None:
        """It failed at a request: the last choice for a while, and until it has answered since."""
        self._doubtful = True
        patience = self._patience
        forgiven = _now() > self._last_until + patience.longest_back_off_s
        doubled = patience.first_back_off_s if forgiven else max(self.back_off_s * 2, patience.first_back_off_s)
        self.back_off_s = min(doubled, patience.longest_back_off_s)
        self._last_until = _now() + self.back_off_s


def _now() -> float:
    return asyncio.get_running_loop().time()
