"""The stand-in engines of one house, in this process or in one of their own, and what they log.

`python -m turn.engines PROFILE [--new-answers]`: serves until its standard input ends; its first line says where, as JSON.
"""

import asyncio
import contextlib
import dataclasses
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from wyoming.event import Event
from wyoming.info import Artifact, Info

from wyoming_servers.shared.client import WyomingClient
from wyoming_servers.shared.server import ServerLimits, WyomingServer
from wyoming_servers.shared.service import Peer, Session

from .answering import HandleStandIn
from .apart import Effort, apart
from .hearing import AsrStandIn, WakeStandIn
from .house import Busy, House, StandIn
from .profile import Profile, load
from .scenes import SCENES, Scene, house_of
from .speaking import TtsStandIn

_NEW = "--new-answers"
_LOG, _EFFORT = "bench-log", "bench-effort"
_READY_S = 30.0
_LIMITS = ServerLimits(connections=2048, connections_per_host=2048)  # a benchmark is one host


class _Log(StandIn):
    """Tells what the engines did, and what their process has cost since it was asked last."""

    kind = "handle"
    events = frozenset({_LOG, _EFFORT})

    def __init__(self, house: House, effort: Effort) -> None:
        super().__init__(house)
        self.effort = effort

    def programs(self) -> Sequence[Artifact]:
        return []

    def describe(self, info: Info) -> None:
        """It offers nothing that a satellite could use."""

    def session(self, peer: Peer) -> Session:
        return _LogSession(self.house, peer, self.effort)


class _LogSession(Session):
    busy = False

    def __init__(self, house: House, peer: Peer, effort: Effort) -> None:
        self._house = house
        self._peer = peer
        self._effort = effort

    async def handle(self, event: Event) -> None:
        if event.type == _EFFORT:
            await self._peer.send(Event(_EFFORT, self._effort.told()))
            return
        house, since = self._house, event.data["since"]
        work = [dataclasses.asdict(each) for each in house.work[since:]]
        await self._peer.send(Event(_LOG, {"work": work, "effects": house.effects, "spoken": sorted(house.spoken.items())}))


class Engines:
    """Where they are, and what they did so far as of the last `refresh`."""

    def __init__(self, uris: Mapping[str, str], client: WyomingClient) -> None:
        self.uris = uris
        """By kind."""
        self.work: list[Busy] = []
        self.effects: list[str] = []
        """Texts that changed the world, in order."""
        self.spoken: dict[int, str] = {}
        """Texts by the number of their sound."""
        self._client = client
        self._asking = asyncio.Lock()

    async def refresh(self) -> None:
        """Fetches what is new."""
        async with self._asking:
            done = next((at for at, work in enumerate(self.work) if not work.end), len(self.work))
            await self._client.send(Event(_LOG, {"since": done}))
            data = (await self._client.receive(_READY_S)).data
            self.work[done:] = [Busy(**each) for each in data["work"]]
        self.effects, self.spoken = data["effects"], dict(data["spoken"])

    async def effort(self) -> dict[str, float]:
        """What their process has cost since this was called last; see `Effort.told`."""
        async with self._asking:
            await self._client.send(Event(_EFFORT))
            return (await self._client.receive(_READY_S)).data

    @property
    def idle(self) -> bool:
        """True when none of them worked."""
        return all(work.end for work in self.work)


@asynccontextmanager
async def engines_here(house: House, folder: Path) -> AsyncIterator[Engines]:
    """In this process, on Unix sockets: virtual time holds for them too."""
    serving = _serving(house, lambda kind: f"unix://{folder}/{kind}.sock", Effort())
    async with serving as uris, await WyomingClient.connect(uris["log"]) as client:
        yield Engines(uris, client)


@asynccontextmanager
async def engines_apart(profile: str, *, never_repeats: bool = False) -> AsyncIterator[Engines]:
    """In a process of their own, on the loopback. never_repeats: no answer is given twice."""
    async with apart("turn.engines", profile, *([_NEW] if never_repeats else [])) as (output, _):
        async with asyncio.timeout(_READY_S):
            uris = json.loads(await output.readline())
        async with await WyomingClient.connect(uris["log"]) as client:
            yield Engines(uris, client)


@asynccontextmanager
async def _serving(house: House, uri_of: Callable[[str], str], effort: Effort) -> AsyncIterator[dict[str, str]]:
    profile = house.profile
    services = {
        "wake": WakeStandIn(house),
        "asr": AsrStandIn(house, profile.asr.slots),
        "handle": HandleStandIn(house, profile.llm.slots if profile.llm else 1),
        "tts": TtsStandIn(house, profile.tts.slots),
        "log": _Log(house, effort),
    }
    async with AsyncExitStack() as stack:
        uris = {}
        for kind, service in services.items():
            server = WyomingServer(uri_of(kind), [service], _LIMITS)
            await server.start()
            stack.push_async_callback(server.stop)
            uris[kind] = server.uri
        yield uris


async def _serve(profile: Profile, scenes: Sequence[Scene], *, never_repeats: bool) -> None:
    house, effort = house_of(profile, scenes), Effort()
    house.never_repeats = never_repeats
    async with effort.watched(), _serving(house, lambda _: "tcp://127.0.0.1:0", effort) as uris:
        print(json.dumps(uris), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(load(sys.argv[1]), SCENES, never_repeats=_NEW in sys.argv))
