"""Which server to use now, for each kind: given by address or found by mDNS, watched, replaced when it fails, used again when it is back.

directory = Directory(settings.satellite.peers, browse=settings.network.zeroconf, on_change=say_it)
await directory.start()
peer = await directory.pick("asr", timeout_s=2.0)       # PeerRef(uri, name, info); raises PeerUnreachableError
try:
    async with await WyomingClient.connect(peer.uri) as client: …
except PeerError as err:
    directory.report_failure(peer.uri, err)              # the next pick gives another one, if there is one
await directory.stop()
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..shared.asking import ask
from ..shared.client import WyomingClient
from ..shared.errors import AssistantError, PeerBusyError, PeerUnreachableError
from ..shared.offers import programs
from ..shared.protocol import printable
from ..shared.settings import KINDS, PeersSection
from ..shared.tasks import TaskOwner
from ..shared.uri import split_uri
from .known_peer import KnownPeer, Patience, PeerRef
from .said_before import SaidBefore
from .spares import Spares

if TYPE_CHECKING:
    from ..shared.discovery import Browser, Sighting

_LOGGER = logging.getLogger(__name__)


class Directory:
    """The servers a satellite can use. All methods belong to the event loop; none blocks except `pick`, for at most its timeout."""

    def __init__(
        self,
        peers: PeersSection,
        *,
        nearby: Mapping[str, str] | None = None,
        browse: bool = True,
        on_change: Callable[[str, PeerRef | None], None] | None = None,
        on: Sequence[str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        """peers: URIs by kind; a kind with a URI uses that server only. nearby: where this machine's own servers usually are, by
        kind; asked without mDNS. browse: find the others by mDNS. on_change: called with
        the kind and the server now used for it whenever that changes, None when there is none any more; must not block.
        on: IPv4 addresses of the only interfaces to browse on."""
        self._fixed = {kind: uri for kind in KINDS if (uri := getattr(peers, kind))}
        for uri in self._fixed.values():
            split_uri(uri)
        self._nearby = {kind: uri for kind, uri in (nearby or {}).items() if kind not in self._fixed}
        self._patience = patience or Patience()
        self._on_change = on_change
        self._peers: dict[str, KnownPeer] = {}
        self._current: dict[str, PeerRef] = {}
        self._changed = asyncio.Event()
        self._owner = TaskOwner()
        self._spares = Spares()
        self.said = SaidBefore()
        """What the voices have said before."""
        self._browser = self._make_browser(on) if browse and len(self._fixed) < len(KINDS) else None

    async def start(self) -> None:
        """Begins to watch the known servers and to look for others; returns at once."""
        for uri in dict.fromkeys(self._fixed.values()):
            self._watch(KnownPeer(uri, (uri,), False, self._patience, given=True))
        for uri in dict.fromkeys(self._nearby.values()):
            if uri not in self._peers:
                self._watch(KnownPeer(uri, (uri,), True, self._patience))
        if self._browser:
            await self._browser.start()

    async def stop(self) -> None:
        """Ends watching."""
        if self._browser:
            await self._browser.stop()
        await self._owner.close()
        await self._spares.close()
        await self.said.close()

    def warm(self, *kinds: str) -> None:
        """A request of each of these kinds is about to be made: connections are made ready."""
        for kind in kinds:
            if peer := self.available(kind):
                self._spares.warm(kind, peer.uri)

    async def connect(self, kind: str, uri: str) -> WyomingClient:
        """A connection for one request; one that was made ready, if there is one.

        Raises: PeerUnreachableError.
        """
        return await self._spares.connect(kind, uri)

    def available(self, kind: str) -> PeerRef | None:
        """The server `pick` would give without waiting."""
        return next(iter(self.usable(kind)), None)

    def usable(self, kind: str) -> list[PeerRef]:
        """Every server of this kind that answers, the best first."""
        answering = [peer for peer in self._candidates(kind) if peer.info and programs(peer.info, kind)]
        return [peer.ref() for peer in sorted(answering, key=lambda peer: peer.rank(kind))]

    async def pick(self, kind: str, timeout_s: float) -> PeerRef:
        """The server to use for `kind` (wake, asr, handle, tts): the given one, else this machine's own, else the quickest.

        Those without room come behind, those that failed lately last. When none answers now, waits up to `timeout_s` for one that does.
        Raises: PeerUnreachableError that says what was looked for and what to do.
        """
        if not self.available(kind):
            for peer in self._candidates(kind):
                peer.check_now.set()
        try:
            async with asyncio.timeout(timeout_s):
                while not (ref := self.available(kind)):
                    self._changed.clear()
                    await self._changed.wait()
                return ref
        except TimeoutError:
            raise PeerUnreachableError(self._why_none(kind)) from None

    def report_failure(self, uri: str, error: BaseException) -> None:
        """A request to this server failed: it is asked at once whether it is well, and is the last choice for a while.

        One that only refused it, since it is busy, comes behind those with room for a while.
        """
        busy = isinstance(error, PeerBusyError)
        _LOGGER.log(logging.INFO if busy else logging.WARNING, "%s failed: %s", printable(uri), printable(str(error)))
        for peer in self._known_at(uri):
            if busy:
                peer.full(*KINDS)
                again_s = self._patience.full_s
            else:
                peer.back_off()
                peer.check_now.set()
                again_s = peer.back_off_s
            self._owner.start(self._reconsider_later(again_s), f"reconsider {printable(peer.name, 80)}")
        self._reconsider()

    @contextmanager
    def using(self, kind: str, uri: str) -> Iterator[None]:
        """While inside, a request of ours is under way there: it does not make that server count as busy."""
        peers = self._known_at(uri)
        for peer in peers:
            peer.using[kind] += 1
        try:
            yield
        finally:
            for peer in peers:
                peer.using[kind] -= 1

    def _known_at(self, uri: str) -> list[KnownPeer]:
        """The entries of one server: this machine's own may be known by its usual address and by its announcement."""
        hit = [peer for peer in self._peers.values() if uri in (peer.uri, *peer.uris)]
        ports = {peer.port for peer in hit if peer.local and peer.port}
        return hit + [peer for peer in self._peers.values() if peer not in hit and peer.local and peer.port in ports]

    def _make_browser(self, on: Sequence[str] | None) -> "Browser":
        from ..shared.discovery import Browser  # zeroconf costs 6 MB: not where every server is given

        return Browser(self._seen, self._gone, on=on)

    def _seen(self, sighting: "Sighting") -> None:
        peer = self._peers.get(sighting.name)
        if peer is None:
            self._watch(KnownPeer(sighting.name, sighting.uris, sighting.local, self._patience))
        elif not peer.given:
            _LOGGER.info("%s is now at %s", printable(peer.name), sighting.uris[0])
            peer.move(sighting)
            self._reconsider()

    def _gone(self, name: str) -> None:
        """It withdrew, or has not been heard of: the last choice from now on, and dropped as soon as it does not answer."""
        if peer := self._peers.get(name):
            peer.withdrawn = True
            peer.check_now.set()
            self._reconsider()

    def _watch(self, peer: KnownPeer) -> None:
        self._peers[peer.name] = peer
        self._owner.start(self._keep_asking(peer), f"watch {printable(peer.name, 80)}")

    async def _keep_asking(self, peer: KnownPeer) -> None:
        retry_s = self._patience.first_retry_s
        while self._peers.get(peer.name) is peer:
            peer.check_now.clear()
            asked = peer.uris
            try:
                answer = await ask(asked, self._patience.describe_s)
            except AssistantError as err:
                well = False
                peer.failed(err)
            else:
                well = True
                if asked == peer.uris:
                    peer.answered(answer)
            if peer.withdrawn and not well:
                del self._peers[peer.name]
            self._reconsider()
            steady = well and not peer.withdrawn  # one that withdrew answers a little longer, while it ends
            retry_s = self._patience.first_retry_s if steady else min(retry_s * 2, self._patience.healthy_s)
            await _set_within(peer.check_now, self._patience.healthy_s if steady else retry_s)

    async def _reconsider_later(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._reconsider()

    def _reconsider(self) -> None:
        """Tells who waits, and who listens for changes."""
        self._changed.set()
        for kind in KINDS:
            now = self.available(kind)
            before = self._current.get(kind)
            if now is None:
                self._current.pop(kind, None)
            else:
                self._current[kind] = now
            if (now and (now.name, now.uri)) != (before and (before.name, before.uri)):
                _LOGGER.info("%s: %s", kind, _shown(now) if now else "no server")
                if self._on_change:
                    self._on_change(kind, now)

    def _candidates(self, kind: str) -> Iterable[KnownPeer]:
        if fixed := self._fixed.get(kind):
            return [peer for peer in self._peers.values() if peer.given and peer.name == fixed]
        return [peer for peer in self._peers.values() if not peer.given]

    def _why_none(self, kind: str) -> str:
        candidates = list(self._candidates(kind))
        if fixed := self._fixed.get(kind):
            silent = next((peer.error for peer in candidates if peer.error), None)
            reason = printable(str(silent)) if silent else f"{fixed} answers but offers no {kind}"
            return f"no {kind} server: {reason}. Start it there, or change satellite.peers.{kind}"
        do = f"start one with `earshot serve {kind}`, or give its address: satellite.peers.{kind}"
        if not self._browser:
            return f"no {kind} server: none is given and mDNS is switched off (network.zeroconf); {do}"
        if not candidates:
            return f"no {kind} server: mDNS found no Wyoming server on this network; {do}"
        known = ", ".join(f"{printable(peer.name, 60)} ({'offers none' if peer.info else 'does not answer'})" for peer in candidates[:5])
        return f"no {kind} server among those found by mDNS: {known}; {do}"


def _shown(peer: PeerRef) -> str:
    return peer.uri if peer.name == peer.uri else f"{printable(peer.name)} at {peer.uri}"


async def _set_within(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
