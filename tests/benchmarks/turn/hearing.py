"""A wake word server and a recogniser that know by marks in the sound what they hear, and take the time a profile says."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Artifact, AsrModel, AsrProgram, WakeModel, WakeProgram
from wyoming.wake import Detection

from wyoming_servers.shared.audio import RATE_HZ
from wyoming_servers.shared.service import Peer, Session

from .coding import BLOCK, runs
from .house import ARTIFACT, WAKE_SOUND, StandIn, StandInSession
from .spoken import Saying

_TAIL = 4 * BLOCK  # a mark is known by the next one, and both may begin in the chunk before


class WakeStandIn(StandIn):
    """Hears the wake word the moment its sound ends."""

    kind = "wake"
    events = frozenset({"detect"})
    takes_audio = True

    def programs(self) -> Sequence[Artifact]:
        return [WakeProgram(name="bench", models=[WakeModel(name="bench", languages=["en"], phrase="bench", **ARTIFACT)], **ARTIFACT)]

    def session(self, peer: Peer) -> Session:
        return _WakeSession(self, peer)


class _WakeSession(StandInSession):
    _heard = np.empty(0, np.int16)
    _position = 0

    async def handle(self, event: Event) -> None:
        if not AudioChunk.is_type(event.type):
            return
        samples = np.frombuffer(event.payload, "<i2")
        self._heard = np.concatenate((self._heard, samples))
        self._position += len(samples)
        word = self.house.sayings[WAKE_SOUND]
        for run in runs(self._heard):
            if run.sound == WAKE_SOUND and run.begin + run.samples >= len(word.samples):
                at = self._position - len(self._heard) + run.at + run.samples
                await self.peer.send(Detection(name="bench", timestamp=at * 1000 // RATE_HZ).event())
                self._heard = self._heard[run.at + run.samples :]
                return
        self._heard = self._heard[-_TAIL:]


class AsrStandIn(StandIn):
    """Knows which words it was sent. One job for each request; a request that is given up ends its job if the engine can be stopped."""

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True

    def programs(self) -> Sequence[Artifact]:
        return [AsrProgram(name="bench", models=[AsrModel(name="bench", languages=["en"], **ARTIFACT)], **ARTIFACT)]

    def session(self, peer: Peer) -> Session:
        return _AsrSession(self, peer)


class _AsrSession(StandInSession):
    def __init__(self, service: AsrStandIn, peer: Peer) -> None:
        super().__init__(service, peer)
        self._heard: list[np.ndarray] = []
        self._began = 0.0

    async def handle(self, event: Event) -> None:
        if AudioStart.is_type(event.type):
            self._heard, self._began = [], asyncio.get_running_loop().time()
        elif AudioChunk.is_type(event.type):
            self._heard.append(np.frombuffer(event.payload, "<i2"))
        elif AudioStop.is_type(event.type):
            heard, self._heard = self._heard, []
            samples = np.concatenate(heard) if heard else np.empty(0, np.int16)
            took_s = asyncio.get_running_loop().time() - self._began
            self.answer(self._transcribe(samples, took_s), "transcribe")

    async def _transcribe(self, samples: np.ndarray, took_s: float) -> None:
        job = self.service.jobs.start(_decode(self.service, samples, took_s), "decode")
        try:
            text = await asyncio.shield(job)
        except asyncio.CancelledError:
            if self.house.profile.asr.abortable:
                job.cancel()
            raise
        await self.peer.send(Transcript(text=text).event())


async def _decode(service: StandIn, samples: np.ndarray, took_s: float) -> str:
    """The words in the samples, which came within took_s."""
    house, now = service.house, asyncio.get_running_loop().time
    async with service.slots:
        async with house.busy("asr", "") as work:
            work.what = heard_text(samples, house.sayings)
            cost_s = house.profile.asr.cost_s(len(samples) / RATE_HZ, took_s)
            await asyncio.sleep(max(0.0, work.begin + cost_s - now()))
        return work.what


def heard_text(samples: np.ndarray, sayings: Mapping[int, Saying]) -> str:
    """The words that are in (n,) int16 at 16 kHz."""
    said = [sayings[run.sound].heard(run.begin, run.begin + run.samples) for run in runs(samples) if run.sound != WAKE_SOUND]
    return " ".join(filter(None, said))
