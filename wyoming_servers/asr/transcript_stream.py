"""What a client is told of one utterance: words that are settled while the user speaks, and the whole text at the end."""

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.event import Event

from ..shared.protocol import encode_event
from ..shared.service import Peer
from .engine import Transcription
from .settled import SettledWords


class TranscriptStream:
    """The events of one transcript, in order. The chunks since the last `transcript-start` join to the full text."""

    def __init__(self, peer: Peer, *, streams: bool, settles_after: int, hypotheses: bool, language: str | None) -> None:
        """streams: the client was promised a stream. settles_after: see AsrEngine. hypotheses: it wants to see each of them as well."""
        self._peer = peer
        self._streams = streams
        self._settled = SettledWords(settles_after) if streams and settles_after else None
        self._hypotheses = hypotheses
        self._language = language
        self._begun = False

    @property
    def wants_hypotheses(self) -> bool:
        """False when `hypothesis` would do nothing."""
        return self._hypotheses or self._settled is not None

    async def hypothesis(self, text: str) -> None:
        """What the engine believes now.

        Raises: ConnectionError, DeadlineError.
        """
        if self._hypotheses:
            await self._peer.send(Event("earshot-partial", {"text": text}))
        if self._settled is not None and (more := self._settled.add(text)):
            if not self._begun:
                self._begun = True
                await self._peer.send(TranscriptStart(language=self._language).event())
            await self._peer.send(TranscriptChunk(text=more).event())

    async def end(self, result: Transcription) -> None:
        """The transcript. Settled words that it takes back are replaced: the text begins anew.

        Raises: ConnectionError, DeadlineError.
        """
        text = " ".join(result.text.split())
        context = {"earshot": {"begun": result.begun}} if result.begun else None
        events = [Transcript(text=text, context=context, language=result.language).event()]
        if self._streams:
            events = [*self._remaining(text, result.language or self._language), *events, TranscriptStop().event()]
        await self._peer.send_bytes(b"".join(map(encode_event, events)))

    def _remaining(self, text: str, language: str | None) -> list[Event]:
        rest = self._settled.rest(text) if self._settled is not None else text
        if rest is None:
            self._begun, rest = False, text
        events = [] if self._begun else [TranscriptStart(language=language).event()]
        return [*events, TranscriptChunk(text=rest).event()] if rest or not text else events
