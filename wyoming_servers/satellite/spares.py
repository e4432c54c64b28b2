"""Connections made ahead of the request that will need one: the hot path of a turn has no handshake in it."""

import asyncio

from ..shared.client import WyomingClient
from ..shared.errors import PeerError
from ..shared.tasks import TaskOwner, cancel

_CONNECT_TIMEOUT_S = 1.0
_LOST_S = {"asr": 0.7, "tts": 0.7, "handle": 4.0}  # noticed after about 1.3 s; handle's sentence cannot go elsewhere once it is sent
_KEPT_S = 15.0  # a turn is over by then; servers need not hold idle connections
_Key = tuple[str, str]


class Spares:
    """At most one for each kind and URI. Each is used for one request, so servers that hang up after one are served as well."""

    def __init__(self) -> None:
        self._owner = TaskOwner()
        self._keeping: dict[_Key, asyncio.Task] = {}
        self._ready: dict[_Key, WyomingClient] = {}

    def warm(self, kind: str, uri: str) -> None:
        """Soon a request of this kind goes there."""
        key = kind, uri
        if key not in self._keeping:
            self._keeping[key] = self._owner.start(self._keep(key), f"spare connection to {kind}")

    async def connect(self, kind: str, uri: str) -> WyomingClient:
        """A connection that is the caller's: the spare one, when it is there and well, or a new one.

        Raises: PeerUnreachableError.
        """
        key = kind, uri
        spare = self._ready.pop(key, None)
        if spare is None:
            return await _connect(key)
        await cancel(self._keeping.pop(key))
        return spare

    async def close(self) -> None:
        """Hangs up on all that nobody has taken."""
        await self._owner.close()

    async def _keep(self, key: _Key) -> None:
        spare = None
        try:
            spare = self._ready[key] = await _connect(key)
            await spare.receive(_KEPT_S)  # a server says nothing unasked, or hangs up
        except PeerError:
            pass  # whoever needs a connection finds out for itself
        finally:
            if spare and self._ready.get(key) is spare:
                del self._ready[key]
                await spare.close()
            if self._keeping.get(key) is asyncio.current_task():
                del self._keeping[key]


async def _connect(key: _Key) -> WyomingClient:
    kind, uri = key
    return await WyomingClient.connect(uri, _CONNECT_TIMEOUT_S, lost_s=_LOST_S.get(kind))
