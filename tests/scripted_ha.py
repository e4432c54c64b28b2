"""A Home Assistant that follows a script: what its Wyoming integration does with a satellite, over the stock client."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from satellite_servers import PATIENCE_S
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStopped
from wyoming.wake import Detect, Detection

from wyoming_servers.shared.tasks import cancel

RATE_HZ = 22_050
CHUNK_BYTES = 2048
_PING_AFTER_S = 2.0
_SILENCE_S = 5.0
_FORMAT = {"rate": RATE_HZ, "width": 2, "channels": 1}


def tone(seconds: float, frequency_hz: float = 300.0) -> np.ndarray:
    """(n,) int16 at RATE_HZ, recognisable by its pitch."""
    return (6000 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.int16)


@dataclass(frozen=True)
class Answer:
    """One run of the pipeline that goes well."""

    transcript: str = "what time is it"
    text: str = "It is noon."
    sound: np.ndarray | None = None
    """(n,) int16 at RATE_HZ; None for no speech at all."""
    streamed: bool = False
    """audio-start comes before synthesize."""
    ends_speech: bool = False
    """Home Assistant finds the end of the command by itself, after half a second of sound."""
    says_voice_stopped: bool = True


@dataclass(frozen=True)
class Failure:
    """One run that ends with an error."""

    code: str
    after_transcript: bool = False


@dataclass(frozen=True)
class Silence:
    """One run of which nothing more is heard. after: `run-pipeline` (with a wake word to wait for), `transcribe`, `transcript` or
    `synthesize`."""

    after: str = "transcribe"


class ScriptedHome:
    """One connection to a satellite, from run-satellite on. Runs of the pipeline take the next line of the script."""

    def __init__(self, uri: str, *script: Any) -> None:
        host, _, port = uri.removeprefix("tcp://").rpartition(":")
        self._client = AsyncTcpClient(host, int(port))
        self.script = list(script)
        self.events: list[Event] = []
        """What the satellite sent, without sound and pongs."""
        self.heard = b""
        """The sound it sent, 16 kHz."""
        self.info: Info | None = None
        self.pong_s: list[float] = []
        """Real seconds from each ping to its pong."""
        self.dropped = False
        """True when nothing came for 5 s, or the satellite hung up."""
        self.told = False
        """True once a run has come as far as its script says."""
        self._changed = asyncio.Event()
        self._reading: asyncio.Task | None = None
        self._pipeline: asyncio.Task | None = None
        self._pinging: asyncio.Task | None = None
        self._audio_ended = asyncio.Event()
        self._pinged_at = 0.0

    async def start(self) -> None:
        """Connects; returns when the satellite has said what it is."""
        await self._client.connect()
        await self.send(RunSatellite().event())
        await self.send(Describe().event())
        self._reading = asyncio.create_task(self._read(), name="Home Assistant reads")
        self._pinging = asyncio.create_task(self._ping(), name="Home Assistant pings")
        await self.until(lambda: self.info is not None)

    async def send(self, event: Event) -> None:
        """One event to the satellite."""
        await self._client.write_event(event)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Waits until the condition on what was received holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def received(self, kind: str, times: int = 1) -> None:
        """Waits for so many events of a kind."""
        await self.until(lambda: self.kinds().count(kind) >= times)

    def kinds(self) -> list[str]:
        """The types of what the satellite sent."""
        return [event.type for event in self.events]

    async def announce(self, sound: np.ndarray) -> None:
        """Bare audio, after giving up the run under way."""
        await cancel(self._pipeline)
        await self.speak(sound)

    async def speak(self, sound: np.ndarray, *, stop: bool = True, start: bool = True) -> None:
        """Sound as fast as TCP takes it."""
        if start:
            await self.send(AudioStart(**_FORMAT, timestamp=0).event())
        pcm = sound.astype("<i2").tobytes()
        for at in range(0, len(pcm), CHUNK_BYTES):
            await self.send(AudioChunk(audio=pcm[at : at + CHUNK_BYTES], **_FORMAT, timestamp=at * 500 // RATE_HZ).event())
        if stop:
            await self.send(AudioStop(timestamp=len(sound) * 1000 // RATE_HZ).event())

    async def late_answer(self, sound: np.ndarray) -> None:
        """The run that was silent goes on after all."""
        await self.send(Transcript(text="what time is it").event())
        await self.send(Synthesize(text="It is noon.").event())
        await self.speak(sound)

    async def unread(self) -> list[str]:
        """The types of what came while nothing was read."""
        kinds = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while (event := await self._client.read_event()) is not None:
                    kinds.append(event.type)
        return kinds

    async def pause(self) -> None:
        """The mute switch goes on: nothing is read or pinged any more."""
        await cancel(self._pipeline, self._pinging)
        await self.send(PauseSatellite().event())
        await cancel(self._reading)

    async def resume(self) -> None:
        """Reads and pings again, on the same connection."""
        self._reading = asyncio.create_task(self._read(), name="Home Assistant reads")
        self._pinging = asyncio.create_task(self._ping(), name="Home Assistant pings")

    async def hung_up(self) -> None:
        """Waits for the end of the connection, answering nothing."""
        async with asyncio.timeout(PATIENCE_S):
            while await self._client.read_event() is not None:
                pass

    async def freeze(self) -> None:
        """Half-open: the socket stays, and nobody is there."""
        await cancel(self._pipeline, self._pinging, self._reading)

    async def stop(self) -> None:
        """Hangs up."""
        await cancel(self._pipeline, self._pinging, self._reading)
        with contextlib.suppress(OSError):
            await self._client.disconnect()

    async def _ping(self) -> None:
        """The first; each further one follows a pong."""
        await asyncio.sleep(_PING_AFTER_S)
        self._pinged_at = time.monotonic()
        await self.send(Ping(text="ping").event())

    async def _read(self) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                try:
                    async with asyncio.timeout(_SILENCE_S):
                        event = await self._client.read_event()
                except TimeoutError:
                    event = None
                if event is None:
                    break
                await self._take(event)
                self._changed.set()
        self.dropped = True
        self._changed.set()

    async def _take(self, event: Event) -> None:
        if Pong.is_type(event.type):
            self.pong_s.append(time.monotonic() - self._pinged_at)
            self._pinging = asyncio.create_task(self._ping(), name="Home Assistant pings")
        elif Ping.is_type(event.type):
            await self.send(Pong(text=Ping.from_event(event).text).event())
        elif AudioChunk.is_type(event.type):
            self.heard += AudioChunk.from_event(event).audio
        elif Info.is_type(event.type):
            self.info = Info.from_event(event)
        else:
            self.events.append(event)
            if AudioStop.is_type(event.type):
                self._audio_ended.set()
            elif event.type == "run-pipeline":
                await cancel(self._pipeline)
                self._forget_sound()  # now: what was read behind this event belongs to the run
                self._pipeline = asyncio.create_task(self._run(event), name="pipeline")

    async def _run(self, request: Event) -> None:
        while await self._run_once(request.data["start_stage"]) and request.data["restart_on_end"]:
            self._forget_sound()

    def _forget_sound(self) -> None:
        self.heard = b""
        self._audio_ended.clear()

    async def _run_once(self, start: str) -> bool:
        """False after an error."""
        if start == "wake":
            if self.script[:1] == [Silence("run-pipeline")]:
                self.script.pop(0)
                await asyncio.Event().wait()
            await self.send(Detect().event())
            await self.until(lambda: len(self.heard) >= RATE_HZ)
            if not self.script:
                await asyncio.Event().wait()
            if not isinstance(self.script[0], Failure):
                await self.send(Detection(name="remote_word", timestamp=0).event())
        line = self.script.pop(0) if self.script else Silence()
        if isinstance(line, Failure) and not line.after_transcript:
            if line.code == "stt-no-text-recognized":
                await self._end_of_speech(line)
            await self.send(Error(text="It went wrong.", code=line.code).event())
            return False
        await self.send(Transcribe(language="en").event())
        if line == Silence("transcribe"):
            await asyncio.Event().wait()
        await self._end_of_speech(line)
        await self.send(Transcript(text=getattr(line, "transcript", "what time is it")).event())
        if isinstance(line, Failure):
            await self.send(Error(text="It went wrong.", code=line.code).event())
            return False
        if isinstance(line, Silence):
            if line.after == "synthesize":
                await self.send(Synthesize(text="It is noon.").event())
            self._has_told()
            await asyncio.Event().wait()
        await self._tell(line)
        self._has_told()
        return True

    def _has_told(self) -> None:
        self.told = True
        self._changed.set()

    async def _end_of_speech(self, line: Any) -> None:
        if not getattr(line, "ends_speech", False):
            await self._audio_ended.wait()
            return
        await self.until(lambda: len(self.heard) > 16_000)
        if line.says_voice_stopped:
            await self.send(VoiceStopped(timestamp=500).event())

    async def _tell(self, line: Answer) -> None:
        if line.sound is None:
            return
        if line.streamed:
            await self.speak(line.sound[: RATE_HZ // 4], stop=False)
            await self.send(Synthesize(text=line.text).event())
            await self.speak(line.sound[RATE_HZ // 4 :], start=False)
        else:
            await self.send(Synthesize(text=line.text).event())
            await self.speak(line.sound)


@asynccontextmanager
async def home_assistant(uri: str, *script: Any) -> AsyncIterator[ScriptedHome]:
    """A connected Home Assistant; tried again while the satellite is not there yet."""
    home = ScriptedHome(uri, *script)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await home.start()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
    try:
        yield home
    finally:
        await home.stop()


async def ask(uri: str) -> Info:
    """A connection that only asks what is there, as every 30 s."""
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    async with AsyncTcpClient(host, int(port)) as client:
        await client.write_event(Describe().event())
        async with asyncio.timeout(PATIENCE_S):
            while (event := await client.read_event()) is not None:
                if Info.is_type(event.type):
                    return Info.from_event(event)
    raise AssertionError("the satellite hung up")
