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

from .coding import Reader, Run
from .house import ARTIFACT, WAKE_SOUND, StandIn, StandInSession
from .spoken import Saying


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
    def __init__(self, service: WakeStandIn, peer: Peer) -> None:
        super().__init__(service, peer)
        self._reader = Reader()

    async def handle(self, event: Event) -> None:
        if not AudioChunk.is_type(event.type):
            return
        self._reader.feed(np.frombuffer(event.payload, "<i2"))
        found, samples = self._reader.runs, len(self.house.sayings[WAKE_SOUND].samples)
        for run in [run for run in found if run.sound == WAKE_SOUND and run.begin + run.samples >= samples]:
            found.remove(run)
            await self.peer.send(Detection(name="bench", timestamp=(run.at + run.samples) * 1000 // RATE_HZ).event())


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
        self._heard, self._samples, self._began = Reader(), 0, 0.0

    async def handle(self, event: Event) -> None:
        if AudioStart.is_type(event.type):
            self._heard, self._samples, self._began = Reader(), 0, asyncio.get_running_loop().time()
        elif AudioChunk.is_type(event.type):
            samples = np.frombuffer(event.payload, "<i2")
            self._heard.feed(samples)
            self._samples += len(samples)
        elif AudioStop.is_type(event.type):
            if self.house.faults.get("asr") == "dies":
                raise ConnectionResetError("the recogniser died")
            text = heard_text(self._heard.runs, self.house.sayings)
            cost_s = self.house.profile.asr.cost_s(self._samples / RATE_HZ, asyncio.get_running_loop().time() - self._began)
            self.answer(self._transcribe(text, cost_s), "transcribe")

    async def _transcribe(self, text: str, cost_s: float) -> None:
        given_up = asyncio.Event()
        if self.house.faults.get("asr") == "hangs":
            await asyncio.Event().wait()
        job = self.service.jobs.start(_decode(self.service, text, cost_s, given_up), "decode")
        try:
            await asyncio.shield(job)
        except asyncio.CancelledError:
            given_up.set()
            if self.house.profile.asr.abortable:
                job.cancel()
            raise
        deaf = self.house.faults.get("asr") == "understands nothing"
        await self.peer.send(Transcript(text="" if deaf else text).event())


async def _decode(service: StandIn, text: str, cost_s: float, given_up: asyncio.Event) -> None:
    async with service.slots:
        if given_up.is_set():
            return
        async with service.house.busy("asr", text) as work:
            await asyncio.sleep(cost_s)
        work.used = not given_up.is_set()


def heard_text(found: Sequence[Run], sayings: Mapping[int, Saying]) -> str:
    """The words of which all was heard."""
    said = [sayings[run.sound].heard(run.begin, run.begin + run.samples) for run in found if run.sound != WAKE_SOUND]
    return " ".join(filter(None, said))
