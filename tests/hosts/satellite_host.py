"""A machine with a satellite's ears: its directory, and the request to a recogniser.

`{"turn": seconds}` speaks for so long, in real time, and says what the recogniser made of it. Every change of the server that is
used is said as it happens. `at` is CLOCK_MONOTONIC, which all machines of the village share.
"""

import asyncio
import json
import sys
import time

import numpy as np

from wyoming_servers.satellite.directory import Directory, Patience, PeerRef
from wyoming_servers.satellite.transcribing import transcribe
from wyoming_servers.satellite.utterance import Utterance
from wyoming_servers.shared.audio import FRAME_SAMPLES, RATE_HZ
from wyoming_servers.shared.errors import AssistantError
from wyoming_servers.shared.settings import PeersSection

# Less than usual, so that the scenario takes seconds; how soon a failure is noticed in a turn does not depend on it.
_PATIENCE = Patience(healthy_s=1.0, first_retry_s=0.2, describe_s=1.0, first_back_off_s=0.5, longest_back_off_s=1.0)
_ANSWER_S = 8.0


def say(**said: object) -> None:
    print(json.dumps(said | {"at": time.monotonic()}), flush=True)


def changed(kind: str, peer: PeerRef | None) -> None:
    say(uses=peer.uri if peer else None, name=peer.name if peer else None)


async def turn(directory: Directory, seconds: float) -> None:
    utterance = Utterance()
    answer = asyncio.create_task(transcribe(directory, utterance.take(), "en", _ANSWER_S))
    for _ in range(round(seconds * RATE_HZ / FRAME_SAMPLES)):
        utterance.append(np.zeros(FRAME_SAMPLES, dtype=np.int16))
        await asyncio.sleep(FRAME_SAMPLES / RATE_HZ)
    utterance.finish()
    say(spoken=True)
    try:
        say(answer=(await answer).text)
    except AssistantError as err:
        say(answer="", error=str(err))


async def main() -> None:
    await asyncio.to_thread(sys.stdin.readline)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    directory = Directory(PeersSection(), on_change=changed, patience=_PATIENCE)
    await directory.start()
    turns: list[asyncio.Task[None]] = []
    while line := await reader.readline():
        command = json.loads(line)
        if "turn" in command:
            turns.append(asyncio.create_task(turn(directory, command["turn"])))
        else:
            known = {peer.name: peer.uri for peer in directory.usable("asr")}
            say(known=known, seen={name: known_peer.uris for name, known_peer in directory._peers.items()})
    await directory.stop()


asyncio.run(main())
