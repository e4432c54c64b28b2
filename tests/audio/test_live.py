"""The live path: a real sound server, a microphone that hears what is played into a virtual room, a loudspeaker that is recorded."""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import sound_server
from satellite_servers import ScriptedAsr, ScriptedHandle
from sound_server import SoundServer
from speech import silence, speak

from wyoming_servers.asr.server import serve as serve_asr
from wyoming_servers.satellite.directory import Directory
from wyoming_servers.satellite.transcribing import transcribe
from wyoming_servers.satellite.utterance import Utterance
from wyoming_servers.shared.audio import read_wav
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.settings import PeersSection, load
from wyoming_servers.tts.server import serve as serve_tts
from wyoming_servers.wake.server import serve as serve_wake

pytestmark = [pytest.mark.audio, pytest.mark.skipif(bool(sound_server.missing()), reason=sound_server.missing() or "-")]
COMMAND = np.concatenate((silence(0.3), speak("hey jarvis"), silence(0.5), speak("what time is it"), silence(0.5)))
ANSWER = "What time is it?"  # something that our own recogniser knows
PATIENCE_S = 20.0
ANSWER_S = 4.0


@pytest.fixture
def sound() -> Iterator[SoundServer]:
    with tempfile.TemporaryDirectory(prefix="sound-") as folder, sound_server.sound_server(Path(folder)) as server:
        yield server


class LiveSatellite:
    """`earshot satellite` with the system's default devices, as a process; what it logs can be waited for."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.log = ""

    async def says(self, pattern: str) -> str:
        """The next line of its log that fits."""
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self._process.stderr.readline()).decode():
                self.log += line
                if re.search(pattern, line):
                    return line
        pytest.fail(f"the satellite ended before it said {pattern!r}:\n{self.log}")


@asynccontextmanager
async def live_satellite(sound: SoundServer, folder: Path, *arguments: str) -> AsyncIterator[LiveSatellite]:
    """The satellite, with our own wake word server and voice."""
    settings = load(environment={})
    services = {"wake": serve_wake(settings), "tts": serve_tts(settings)}
    services |= {"asr": ScriptedAsr(*["what time is it"] * 5), "handle": ScriptedHandle(*[ANSWER] * 5)}
    async with AsyncExitStack() as stack:
        options = list(arguments)
        for kind, service in services.items():
            server = WyomingServer(f"unix://{folder}/{kind}.sock", [service])
            await server.start()
            stack.push_async_callback(server.stop)
            options += [f"--{kind}", server.uri]
        command = [sys.executable, "-m", "wyoming_servers", "satellite", *options]
        process = await asyncio.create_subprocess_exec(*command, env=sound.environment, stderr=asyncio.subprocess.PIPE)
        try:
            yield LiveSatellite(process)
        finally:
            process.terminate()
            async with asyncio.timeout(PATIENCE_S):
                await process.communicate()


async def recognised(samples: np.ndarray, folder: Path) -> str:
    """What our own recogniser hears in (n,) int16 mono 16 kHz."""
    server = WyomingServer(f"unix://{folder}/ear.sock", [serve_asr(load(environment={}))])
    await server.start()
    directory = Directory(PeersSection(asr=server.uri), browse=False)
    await directory.start()
    try:
        utterance = Utterance()
        utterance.append(samples)
        utterance.finish()
        return (await transcribe(directory, utterance.take(), "en", PATIENCE_S)).text
    finally:
        await directory.stop()
        await server.stop()


async def asked(sound: SoundServer, satellite: LiveSatellite) -> str:
    """Says the command, again when it was not heard, as people do: a busy machine drops sound. Returns the turn's line."""
    answered = asyncio.create_task(satellite.says("hey_jarvis"))
    while not answered.done():
        await asyncio.to_thread(sound.play, COMMAND)
        await asyncio.wait([answered], timeout=ANSWER_S)
    return await answered


async def test_what_is_said_to_the_microphone_is_answered_by_the_loudspeaker(sound: SoundServer, tmp_path: Path) -> None:
    recording = tmp_path / "heard.wav"
    async with live_satellite(sound, tmp_path) as satellite:
        await satellite.says("listening on")
        with sound.recording(recording):
            line = await asked(sound, satellite)
    assert ANSWER in line
    assert await recognised(read_wav(recording), tmp_path) == "what time is it"


async def test_a_microphone_that_is_unplugged_is_used_again_when_it_is_back(sound: SoundServer, tmp_path: Path) -> None:
    async with live_satellite(sound, tmp_path) as satellite:
        await satellite.says("listening on")
        for device in ("loudspeaker", "room"):  # both: the sound server would give the microphone's place to the other
            await asyncio.to_thread(sound.unplug, device)
        await satellite.says("no microphone")
        for device in ("room", "loudspeaker"):
            await asyncio.to_thread(sound.plug_in, device)
        await satellite.says("hears again")
        line = await asked(sound, satellite)
    assert ANSWER in line


async def test_an_unknown_microphone_lists_those_there_are(sound: SoundServer, tmp_path: Path) -> None:
    async with live_satellite(sound, tmp_path, "--mic", "Blue Yeti") as satellite:
        line = await satellite.says("no microphone")
    assert "'Blue Yeti'" in line and "default" in line
