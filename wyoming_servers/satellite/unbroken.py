"""Whether a voice is still the one it was: a restart, which may bring another model, ends a connection that is kept open to it.

What a server offers does not tell: the stock Piper lists every voice there is, whichever it speaks with.
"""

import asyncio
from collections.abc import Sequence

from wyoming.info import TtsProgram

from ..shared.client import WyomingClient
from ..shared.errors import PeerError
from ..shared.tasks import TaskOwner, cancel
from .peers import PeerRef

_CONNECT_TIMEOUT_S = 1.0
_LOST_S = 10.0  # no machine starts again within that
_PING_S = 20.0  # our servers hang up after a minute in which nothing came


class Mark:
    """Stands for a voice as it is now."""

    def __init__(self, offers: Sequence[TtsProgram]) -> None:
        self.offers = offers
        """What it says of itself."""
        self.connected = False
        """True while nothing can have changed unseen."""
        self.watching: asyncio.Task | None = None
        """Keeps the connection."""


class Unbroken:
    """Keeps one connection to each voice that has spoken. All methods belong to the event loop."""

    def __init__(self) -> None:
        self._owner = TaskOwner()
        self._marks: dict[str, Mark] = {}

    def watch(self, peer: PeerRef) -> None:
        """From now on it is noticed when this voice changes."""
        known = self._marks.get(peer.uri)
        if known and _offers_the_same(known, peer):
            return
        if known and known.watching:
            known.connected = False
            known.watching.cancel()
        mark = self._marks[peer.uri] = Mark(peer.info.tts)
        mark.watching = self._owner.start(self._stay(mark, peer), f"watch whether {peer.uri} restarts")

    def mark(self, peer: PeerRef) -> Mark | None:
        """The same one until the voice changes, or could have; None while it is not watched."""
        mark = self._marks.get(peer.uri)
        return mark if mark and mark.connected and _offers_the_same(mark, peer) else None

    async def close(self) -> None:
        """Hangs up on all of them."""
        await self._owner.close()

    async def _stay(self, mark: Mark, peer: PeerRef) -> None:
        reassuring = None
        try:
            async with await WyomingClient.connect(peer.uri, _CONNECT_TIMEOUT_S, lost_s=_LOST_S) as client:
                if peer.ours:
                    reassuring = asyncio.create_task(client.reassure(_PING_S), name=f"ping {peer.uri}")
                mark.connected = True
                while True:
                    await client.receive(None)
        except PeerError:
            pass  # it is watched again when it speaks again
        finally:
            mark.connected = False
            await cancel(reassuring)
            if self._marks.get(peer.uri) is mark:
                del self._marks[peer.uri]


def _offers_the_same(mark: Mark, peer: PeerRef) -> bool:
    """Compared in full once for each time the voice was asked: lists of a thousand speakers take their time."""
    if mark.offers is not peer.info.tts and mark.offers == peer.info.tts:
        mark.offers = peer.info.tts
    return mark.offers is peer.info.tts
