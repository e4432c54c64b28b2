"""The Wyoming face of speech synthesis: `synthesize`, and `synthesize-start`, `-chunk`, `-stop` while the text is being written."""

import asyncio
import dataclasses
from collections.abc import Sequence

from wyoming.event import Event
from wyoming.info import TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.tts import SynthesizeStopped

from ..shared.context import engine_context
from ..shared.engine_service import EngineService, about
from ..shared.engines import EngineContext, Model
from ..shared.errors import BusyError, InvalidRequestError
from ..shared.protocol import printable
from ..shared.service import Peer, Session
from ..shared.settings import ServerSection, Settings
from ..shared.tasks import cancel
from . import ENGINES
from .utterance import Utterance
from .voices import choose_voice


def serve(settings: Settings) -> "TtsService":
    """The speech synthesis server of these settings."""
    return TtsService(settings.tts, engine_context(settings))


class TtsService(EngineService):
    """Speech synthesis. At most `streams` + `waiting` answers are under way; they share the engine sentence by sentence."""

    kind = "tts"
    events = frozenset({"synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"})

    def __init__(self, section: ServerSection, context: EngineContext, engines: tuple = ENGINES) -> None:
        self._places = section.streams + section.waiting
        self._taken = 0
        # every answer that was admitted finds a place in the engine's queue for each of its sentences
        super().__init__(engines, dataclasses.replace(section, waiting=self._places), context)

    def programs(self) -> Sequence[TtsProgram]:
        """The engine with its voices."""
        return [
            TtsProgram(
                **self.about(),
                voices=[_voice(model) for model in self.models],
                supports_synthesize_streaming=True,
            )
        ]

    def session(self, peer: Peer) -> "TtsSession":
        """One connection."""
        return TtsSession(self, peer)

    def admit(self) -> None:
        """Takes a place; `leave` gives it back.

        Raises: BusyError.
        """
        if self._taken >= self._places:
            raise BusyError(f"{self._taken} answers are being spoken already; try again")
        self._taken += 1

    def leave(self) -> None:
        """Gives a place back."""
        self._taken -= 1


class TtsSession(Session):
    """The requests of one connection, one after the other."""

    def __init__(self, service: TtsService, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._utterance: Utterance | None = None
        self._speaking: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """True between synthesize-start and synthesize-stop."""
        return self._utterance is not None

    async def handle(self, event: Event) -> None:
        """Takes one event; see Session."""
        if event.type == "synthesize":
            if self._utterance is None:  # inside a stream it is the copy of the text for servers that do not stream
                text = _text(event)
                await self._begin(event).add(text)
                await self._end(event)
        elif event.type == "synthesize-start":
            if self._utterance is not None:
                raise InvalidRequestError("synthesize-start came before the synthesize-stop of the text before it")
            self._begin(event)
        elif event.type == "synthesize-chunk":
            await self._under_way(event).add(_text(event))
        else:
            await self._end(event)
            await self._peer.send(SynthesizeStopped().event())

    async def close(self) -> None:
        """Stops speaking."""
        await cancel(self._speaking)

    def _begin(self, event: Event) -> Utterance:
        text_format = event.data.get("text_format")
        if text_format not in (None, "text"):
            raise InvalidRequestError(f"text_format {printable(str(text_format), 40)!r} is not spoken here; send plain text")
        service = self._service
        voice, speaker = choose_voice(service.models, event.data.get("voice"))
        service.admit()
        self._utterance = Utterance(self._peer, service.host, voice, speaker, service.section.deadline_s)
        self._speaking = asyncio.create_task(self._utterance.run(), name=f"speak to {self._peer.name}")
        self._speaking.add_done_callback(self._spoken)
        return self._utterance

    def _spoken(self, speaking: asyncio.Task[None]) -> None:
        self._service.leave()
        if not speaking.cancelled() and (error := speaking.exception()):
            self._peer.fail(error)

    def _under_way(self, event: Event) -> Utterance:
        if self._utterance is None:
            raise InvalidRequestError(f"{event.type} came without synthesize-start")
        return self._utterance

    async def _end(self, event: Event) -> None:
        utterance, speaking = self._under_way(event), self._speaking
        assert speaking is not None
        await utterance.finish()
        await asyncio.wait([speaking])
        speaking.result()
        self._utterance = None


def _text(event: Event) -> str:
    text = event.data.get("text")
    if not isinstance(text, str):
        raise InvalidRequestError(f"{event.type} must have 'text'")
    return text


def _voice(model: Model) -> TtsVoice:
    return TtsVoice(
        **about(model.name, model),
        languages=list(model.languages),
        speakers=[TtsVoiceSpeaker(name=name) for name in model.speakers] or None,
    )
