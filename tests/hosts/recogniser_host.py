"""A machine with a recogniser: our listener, connection and announcement; every transcript is the machine's name.

`{"think": true}` makes it take for ever over what it is asked from then on, `{"think": false}` ends that.
"""

import asyncio
import json
import signal
import sys

from satellite_servers import ScriptedAsr

from wyoming_servers.shared.announcer import Announcer
from wyoming_servers.shared.server import WyomingServer


class Recogniser(ScriptedAsr):
    """Answers with its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.answers = asyncio.Event()
        self.answers.set()

    async def reply(self, request: object) -> str:
        print(json.dumps({"asked": True}), flush=True)
        await self.answers.wait()
        return self._name


async def main(name: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.to_thread(sys.stdin.readline)
    recogniser = Recogniser(name)
    server = WyomingServer("tcp://[::]:10300", [recogniser])
    await server.start()
    announcer = Announcer(server.uri, ["asr"], poll_s=0.3)
    await announcer.start()
    print(json.dumps({"announced": await announcer.announced()}), flush=True)
    reading = asyncio.create_task(obey(recogniser))
    await stop.wait()
    reading.cancel()
    await announcer.stop()
    await server.stop()


async def obey(recogniser: Recogniser) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if json.loads(line)["think"]:
            recogniser.answers.clear()
        else:
            recogniser.answers.set()


asyncio.run(main(sys.argv[1]))
