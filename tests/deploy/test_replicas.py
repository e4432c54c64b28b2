"""Several replicas of a server behind one address, as a Service of Kubernetes has them: each connection goes to the next that is there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from satellite_rig import Rig, satellite, seconds
from satellite_servers import HANG, ScriptedAsr, ScriptedHandle, ScriptedVoice
from speech import speak
from virtual_time import virtual

from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.service import Service
from wyoming_servers.shared.settings import load
from wyoming_servers.shared.tasks import cancel
from wyoming_servers.wake.server import serve as serve_wake

COMMAND = (speak("hey jarvis"), seconds(0.6), speak("what time is it"))


class Balancer:
    """Knows nothing of Wyoming: hands bytes on, one connection to this replica, the next to that."""

    def __init__(self, sockets: list[str]) -> None:
        self._sockets = sockets
        self._next = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to the first replica in turn that is there."""
        for _ in self._sockets:
            path = self._sockets[self._next % len(self._sockets)]
            self._next += 1
            with contextlib.suppress(OSError):
                there = await asyncio.open_unix_connection(path)
                await asyncio.gather(_hand_on(reader, there[1]), _hand_on(there[0], writer))
                return
        writer.close()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def behind_one_address(tmp_path: Path, *replicas: Service) -> AsyncIterator[tuple[Rig, list[WyomingServer]]]:
    """A satellite with several recognisers."""
    answers = ScriptedHandle(*["It is noon."] * 6)
    services: dict[str, Service] = {"wake": serve_wake(load(environment={})), "handle": answers, "tts": ScriptedVoice()}
    servers = [WyomingServer(f"unix://{tmp_path}/replica-{number}.sock", [replica]) for number, replica in enumerate(replicas)]
    for server in servers:
        await server.start()
    balancer = Balancer([server.uri.removeprefix("unix://") for server in servers])
    listener = await asyncio.start_unix_server(balancer.take, f"{tmp_path}/asr.sock")
    try:
        async with satellite(services, tmp_path) as rig:
            yield rig, servers
    finally:
        listener.close()
        for server in servers:
            await server.stop()


def script(*replicas: ScriptedAsr, lines: list[object]) -> None:
    """They read the same script: whichever is asked takes its next line."""
    for replica in replicas:
        replica.script = lines


async def asked(*replicas: ScriptedAsr) -> int:
    """Which of them is asked first."""
    waiting = [asyncio.ensure_future(replica.asked.wait()) for replica in replicas]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    number = next(number for number, done in enumerate(waiting) if done.done())
    await cancel(*waiting)
    return number


@virtual
async def test_a_recogniser_that_dies_over_a_command_leaves_it_to_the_other_replica(tmp_path: Path) -> None:
    replicas = ScriptedAsr(), ScriptedAsr()
    script(*replicas, lines=[HANG, "what time is it"])
    async with behind_one_address(tmp_path, *replicas) as (rig, servers):
        await rig.room.hear(*COMMAND, seconds(1.0))
        dying = await asked(*replicas)
        await servers[dying].stop()
        report = await rig.turn()
    assert (report.ended, report.transcript, len(replicas[1 - dying].requests)) == ("answered", "what time is it", 1)


@virtual
async def test_commands_one_after_the_other_are_answered_by_any_replica(tmp_path: Path) -> None:
    replicas = ScriptedAsr(), ScriptedAsr()
    script(*replicas, lines=["what time is it"] * 4)
    async with behind_one_address(tmp_path, *replicas) as (rig, _):
        for _ in range(4):
            await rig.room.hear(*COMMAND, seconds(1.0))
            assert (await rig.turn()).transcript == "what time is it"
            await rig.quiet()
    assert all(replica.requests for replica in replicas)
