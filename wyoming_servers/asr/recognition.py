"""One request from its first sample to its transcript."""

import asyncio
import logging
import time
from concurrent.futures import Executor

from wyoming.event import Event

from ..shared.endpointing import Ending
from ..shared.engine_host import EngineHost
from ..shared.errors import DeadlineError
from ..shared.incoming import IncomingAudio
from ..shared.protocol import encode_event
from ..shared.service import Peer
from ..shared.settings import AsrSection
from ..shared.tasks import cancel
from .engine import AsrEngine, Transcription
from .transcript_stream import TranscriptStream
from .turn_end import TurnEnd
from .utterance import Utterance
from .wish import Wish

_LOGGER = logging.getLogger(__name__)


class Recognition:
    """Takes the audio events of one request and sends its transcript: after `finish`, at the longest utterance, or where the user
    has stopped speaking if the wish says so. What fails ends the connection. Belongs to one session."""

    def __init__(
        self, peer: Peer, wish: Wish, host: EngineHost[AsrEngine], section: AsrSection, stream: TranscriptStream, ears: Executor
    ) -> None:
        """ears: where the end of the turn is listened for."""
        self._peer = peer
        self._section = section
        self._stream = stream
        self._audio = IncomingAudio()
        self._utterance = Utterance(host, wish.request, section.longest_s, stream.hypothesis if stream.wants_hypotheses else None)
        self._turn_end = TurnEnd(self._utterance, wish.patience, ears, self._tell) if wish.patience else None
        self._work = asyncio.create_task(self._run(), name=f"recognise for {peer.name}")
        self._work.add_done_callback(self._failed)

    @property
    def answered(self) -> bool:
        """True once the transcript has been sent; what still comes in is dropped."""
        return self._work.done()

    def take(self, event: Event) -> None:
        """One audio-start or audio-chunk.

        Raises: InvalidRequestError for a format that is not supported.
        """
        if self._utterance.finished.is_set():
            return
        (self._turn_end or self._utterance).add(self._audio.take(event))
        if self._utterance.finished.is_set():
            _LOGGER.warning("%s: an utterance was cut at %g s", self._peer.name, self._section.longest_s)

    async def finish(self) -> None:
        """There is no more audio; returns once the transcript has been sent.

        Raises: BusyError, DeadlineError, EngineError, and what the engine raises.
        """
        sink = self._turn_end or self._utterance
        sink.add(self._audio.flush())
        sink.finish()
        await asyncio.wait((self._work,))
        self._work.result()

    async def drop(self) -> None:
        """Ends the request, answered or not."""
        await cancel(self._work)

    async def _run(self) -> None:
        result, waited_s = await self._recognise()
        spoken_by = f" by {result.engine}" if result.engine else ""
        _LOGGER.info("%s: transcript in %.0f ms%s", self._peer.name, waited_s * 1000, spoken_by)
        await self._stream.end(result)

    async def _recognise(self) -> tuple[Transcription, float]:
        """The transcript, and the seconds it took from the end of the audio."""
        working = asyncio.create_task(self._utterance.run(), name=f"engine for {self._peer.name}")
        ending = asyncio.create_task(self._end_of_audio(), name=f"end of speech of {self._peer.name}")
        try:
            await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and ending.result() is Ending.NO_SPEECH:
                return Transcription(""), 0.0
            begun = time.perf_counter()
            done, _ = await asyncio.wait((working,), timeout=self._section.deadline_s)
            if not done:
                raise DeadlineError(f"no transcript within {self._section.deadline_s:g} s")
            return working.result(), time.perf_counter() - begun
        finally:
            await cancel(working, ending)

    async def _end_of_audio(self) -> Ending | None:
        if self._turn_end:
            return await self._turn_end.run()
        await self._utterance.finished.wait()
        return None

    def _tell(self, event: Event) -> None:
        self._peer.send_soon(encode_event(event))

    def _failed(self, work: asyncio.Task[None]) -> None:
        if not work.cancelled() and (error := work.exception()):
            self._peer.fail(error)
