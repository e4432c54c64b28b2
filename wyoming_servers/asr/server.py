"""The Wyoming face of speech recognition: `transcribe`, audio, and one `transcript`."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram

from ..shared.context import engine_context
from ..shared.engine_service import EngineService, about
from ..shared.engines import EngineContext
from ..shared.house_source import HouseSource
from ..shared.service import Peer, Session
from ..shared.settings import AsrSection, Settings
from . import ENGINES
from .names import Names
from .recognition import Recognition
from .transcript_stream import TranscriptStream
from .wish import Wish, wish

_EAR_THREADS = 2  # the voice detector takes 4 % of real time: more would not hear sooner


def serve(settings: Settings) -> "AsrService":
    """The speech recognition server of these settings.

    Raises: SettingsError.
    """
    source = HouseSource(settings)
    context = replace(engine_context(settings), house=source.house)
    return AsrService(settings.asr, context, names=Names(source, context.intents_dirs, settings.handle.reload_s))


class AsrService(EngineService):
    """Speech recognition. `streams` utterances are recognised while they are spoken, `waiting` more are kept until their turn."""

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True
    section: AsrSection

    def __init__(self, section: AsrSection, context: EngineContext, engines: tuple = ENGINES, names: Names | None = None) -> None:
        """names: what the house is called while the server runs; without them it stays as it is in `context`."""
        super().__init__(engines, section, context)
        self._names = names
        self._ears = ThreadPoolExecutor(_EAR_THREADS, "asr-ear")

    def programs(self) -> Sequence[AsrProgram]:
        """The engine with its models. Sound should come as the microphone gives it."""
        return [
            AsrProgram(
                **self.about(),
                models=[AsrModel(**about(model.name, model), languages=list(model.languages)) for model in self.models],
                supports_transcript_streaming=self.spec.load_class().streams_partials,
                requires_external_vad=not self.section.end_of_speech,
            )
        ]

    def session(self, peer: Peer) -> "AsrSession":
        """One connection."""
        return AsrSession(self, peer)

    def wish(self, event: Event | None) -> Wish:
        """What a `transcribe` event asks for; None for audio without one.

        Raises: UnsupportedLanguageError, UnknownNameError, InvalidRequestError.
        """
        wanted = wish(event, self.models, self.section)
        if self._names is None:
            return wanted
        request = wanted.request
        return replace(wanted, request=replace(request, names=(*request.names, *self._names.said())))

    def recognition(self, peer: Peer, wanted: Wish) -> Recognition:
        """Begins a request."""
        engine_class = self.spec.load_class()
        stream = TranscriptStream(
            peer,
            streams=engine_class.streams_partials,
            settles_after=engine_class.settles_after,
            hypotheses=wanted.hypotheses,
            language=wanted.request.language,
        )
        return Recognition(peer, wanted, self.host, self.section, stream, self._ears)

    async def start(self) -> None:
        """Also begins to follow the names of the house."""
        await super().start()
        if self._names:
            self._names.start(self.host)

    async def stop(self) -> None:
        """Frees the engine and the ears."""
        if self._names:
            await self._names.stop()
        await super().stop()
        self._ears.shutdown(wait=False, cancel_futures=True)


class AsrSession(Session):
    """The requests of one connection, one after the other. `transcribe` before the audio is optional and holds for one request."""

    def __init__(self, service: AsrService, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._wish: Wish | None = None
        self._current: Recognition | None = None

    @property
    def busy(self) -> bool:
        """True while audio comes in whose transcript has not been sent."""
        return self._current is not None and not self._current.answered

    async def handle(self, event: Event) -> None:
        """Raises: InvalidRequestError, UnsupportedLanguageError, UnknownNameError, BusyError, DeadlineError, EngineError."""
        if event.type == "transcribe":
            if not self.busy:
                await self._drop()  # a client that was answered early may leave out its audio-stop
            self._wish = self._service.wish(event)
        elif event.type == "audio-stop":
            if self._current is not None:
                await self._current.finish()
                await self._drop()
                self._wish = None
        else:
            if event.type == "audio-start":
                await self._drop()
            if self._current is None:
                self._current = self._service.recognition(self._peer, self._wish or self._service.wish(None))
            self._current.take(event)

    async def close(self) -> None:
        """Stops recognising."""
        await self._drop()

    async def _drop(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            await current.drop()
