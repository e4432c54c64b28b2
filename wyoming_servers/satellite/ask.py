"""One turn without microphone and loudspeaker: from a text or a recording to the answer's speech."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.wake import Detect, Detection, NotDetected

from ..shared.audio import FRAME_SAMPLES, RATE_HZ, Converter
from ..shared.client import WyomingClient
from ..shared.endpointing import Endpointer
from ..shared.errors import PeerError
from ..shared.identity import satellite_id
from ..shared.settings import Settings
from ..shared.tasks import cancel
from .boundary import boundary
from .listening import patience
from .peers import Attempts, Peers
from .report import TurnReport
from .speech import SpeechBlock
from .turn import Asker, Turn, TurnId
from .utterance import Utterance
from .wording import Wording

_LEAD_IN_S = 1.0  # of silence before a recording: wake word models need something before the word
_WAKE_S = 20.0  # the longest wait for the wake server, which works faster than real time


class Recording:
    """Collects what would have been heard, one piece of speech after the other without gaps."""

    def __init__(self) -> None:
        self._pcm: list[bytes] = []
        self.rate_hz = RATE_HZ
        """Of `pcm`; the first speech decides."""
        self.failed = False
        """True when the user would have heard the error sound."""

    @property
    def pcm(self) -> bytes:
        """Mono, 16-bit little-endian; empty when nothing was said."""
        return b"".join(self._pcm)

    async def speak(self, blocks: AsyncIterator[SpeechBlock], wording: Wording | None = None) -> float:
        """Collects speech; see turn.Output."""
        heard_at = 0.0
        converter: Converter | None = None
        async for block in blocks:
            heard_at = heard_at or asyncio.get_running_loop().time()
            if not self._pcm:
                self.rate_hz = block.source.rate_hz
            if converter is None or converter.source != block.source:
                converter = Converter(block.source, self.rate_hz)
            self._pcm.append(converter.convert(block.pcm).tobytes())
        if converter:
            self._pcm.append(converter.flush().tobytes())
        return heard_at or asyncio.get_running_loop().time()

    async def fail(self) -> None:
        """See turn.Output."""
        self.failed = True


async def ask_text(peers: Peers, settings: Settings, text: str, *, speak: bool = True) -> tuple[TurnReport, Recording]:
    """Answers a sentence. speak: also as sound. Failures are in the report."""
    turn, recording = _turn(peers, settings), Recording()
    turn.commit()
    began = asyncio.get_running_loop().time()
    report = await turn.run(text, recording if speak else None)
    return _with_total(report, began), recording


async def ask_recording(
    peers: Peers, settings: Settings, samples: np.ndarray, *, wake: bool, speak: bool = True
) -> tuple[TurnReport, Recording]:
    """Answers what is said in a recording, faster than real time: its first command up to the silence after it.

    samples: (n,) int16 mono 16 kHz. wake: only what follows the first wake word counts. speak: answer also as sound.
    Failures are in the report; `ended` is no-wake-word or no-speech when there is nothing to answer.
    """
    began = asyncio.get_running_loop().time()
    turn, recording = _turn(peers, settings), Recording()
    report = turn.report
    start, tail_s = 0, 0.0
    if wake:
        try:
            found = await find_wake_word(peers, settings, samples)
        except PeerError as err:
            report.ended, report.error = "failed", str(err)
            return report, recording
        if found is None:
            report.ended, report.error = "no-wake-word", "no wake word was heard"
            return report, recording
        report.wake_word, end = found
        between = boundary(samples[:end])
        start, tail_s = end - between.early, between.tail_s
        report.stages_ms["wake"] = _ms_since(began)
    endpointer, command = _command(samples, start, tail_s, settings)
    if not endpointer.heard_speech:
        report.ended, report.error = "no-speech", "no speech was heard"
        return report, recording
    utterance = Utterance()
    utterance.append(command[endpointer.begin :])
    utterance.finish()
    turn.commit()
    report.stages_ms["endpoint"] = max(0, len(command) - endpointer.speech_end) * 1000 // RATE_HZ
    return _with_total(await turn.run(utterance, recording if speak else None), began), recording


async def find_wake_word(peers: Peers, settings: Settings, samples: np.ndarray) -> tuple[str, int] | None:
    """(name, position of its end in samples) of the first wake word in (n,) int16 mono 16 kHz; None when there is none.

    Raises: PeerError.
    """
    attempts = Attempts(peers, "wake")
    lead_in = np.zeros(round(_LEAD_IN_S * RATE_HZ), np.int16)
    while True:
        try:
            async with asyncio.timeout(_WAKE_S), attempts.connection() as client:
                found = await _detect(client, list(settings.satellite.wake_words) or None, np.concatenate((lead_in, samples)))
                return (found[0], max(0, found[1] - len(lead_in))) if found else None
        except TimeoutError:
            raise attempts.too_slow(_WAKE_S) from None
        except PeerError as err:
            await attempts.failed(err)


async def _detect(client: WyomingClient, names: list[str] | None, samples: np.ndarray) -> tuple[str, int] | None:
    async def send_audio() -> None:
        with contextlib.suppress(PeerError):  # whoever reads notices as well
            await client.send(Detect(names=names).event())
            await client.send(AudioStart(rate=RATE_HZ, width=2, channels=1, timestamp=0).event())
            for start in range(0, len(samples), FRAME_SAMPLES):
                pcm = samples[start : start + FRAME_SAMPLES].tobytes()
                await client.send(AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=pcm, timestamp=start * 1000 // RATE_HZ).event())
            await client.send(AudioStop(timestamp=len(samples) * 1000 // RATE_HZ).event())

    sending = asyncio.create_task(send_audio(), name="audio to the wake server")
    try:
        while True:
            event = await client.receive(None)
            if Detection.is_type(event.type):
                detection = Detection.from_event(event)
                return str(detection.name or ""), (detection.timestamp or 0) * RATE_HZ // 1000
            if NotDetected.is_type(event.type):
                return None
    finally:
        await cancel(sending)


def _command(samples: np.ndarray, start: int, tail_s: float, settings: Settings) -> tuple[Endpointer, np.ndarray]:
    """The audio from `start` to where the first command has ended, and what the endpointer knows of it."""
    endpointer = Endpointer(patience(settings.satellite), samples[max(0, start - RATE_HZ // 2) : start], tail_s)
    for end in range(start + FRAME_SAMPLES, len(samples) + FRAME_SAMPLES, FRAME_SAMPLES):
        if endpointer.feed(samples[end - FRAME_SAMPLES : end]):
            return endpointer, samples[start:end]
    return endpointer, samples[start:]


def _turn(peers: Peers, settings: Settings) -> Turn:
    satellite = settings.satellite
    return Turn(TurnId(1), peers, settings, Asker(satellite_id(settings.satellite.name), uuid.uuid4().hex, satellite.area))


def _with_total(report: TurnReport, began: float) -> TurnReport:
    report.stages_ms.pop("play", None)  # nothing was played
    report.stages_ms["total"] = _ms_since(began)
    return report


def _ms_since(began: float) -> int:
    return round((asyncio.get_running_loop().time() - began) * 1000)
