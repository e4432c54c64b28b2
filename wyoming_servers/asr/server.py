"""The Wyoming face of speech recognition: `transcribe`, audio, and one `transcript`."""

import asyncio
import logging
import time
from collections.abc import Sequence

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram

from ..shared.context import engine_context
from ..shared.engine_service import EngineService, about
from ..shared.engines import EngineContext
from ..shared.errors import DeadlineError, InvalidRequestError, UnknownNameError, UnsupportedLanguageError
from ..shared.incoming import IncomingAudio
from ..shared.protocol import printable
from ..shared.service import Peer, Session
from ..shared.settings import AsrSection, Settings
from ..shared.tasks import cancel
from . import ENGINES
from .engine import AsrRequest, Transcription
from .utterance import Utterance

_LOGGER = logging.getLogger(__name__)
_MAX_BIAS_WORDS = 2000


def serve(settings: Settings) -> "AsrService":
    """The speech recognition server of these settings."""
    return AsrService(settings.asr, engine_context(settings))


class AsrService(EngineService):
    """Speech recognition. `streams` utterances are recognised while they are spoken, `waiting` more are kept until their turn."""

    kind = "asr"
    events = frozenset({"transcribe"})
    takes_audio = True
    section: AsrSection

    def __init__(self, section: AsrSection, context: EngineContext, engines: tuple = ENGINES) -> None:
        super().__init__(engines, section, context)

    @property
    def streams_partials(self) -> bool:
        """True when the engine has hypotheses while the user speaks."""
        return self.spec.load_class().streams_partials

    def programs(self) -> Sequence[AsrProgram]:
        """The engine with its models. The client finds the end of speech; sound should come as the microphone gives it."""
        return [
            AsrProgram(
                **self.about(),
                models=[AsrModel(**about(model.name, model), languages=list(model.languages)) for model in self.models],
                supports_transcript_streaming=self.streams_partials,
                requires_external_vad=True,
            )
        ]

    def session(self, peer: Peer) -> "AsrSession":
        """One connection."""
        return AsrSession(self, peer)

    def request(self, event: Event) -> AsrRequest:
        """What a `transcribe` event asks for.

        Raises: UnsupportedLanguageError, UnknownNameError, InvalidRequestError.
        """
        data = event.data
        name, language = _text(data, "name"), _text(data, "language")
        models = [model for model in self.models if name in (None, model.name)]
        if not models:
            raise UnknownNameError(f"no model {printable(str(name))!r}; there are: {', '.join(model.name for model in self.models)}")
        if language is not None:
            language = _matching(language, [tag for model in models for tag in model.languages])
        return AsrRequest(language, name, _words(data, "transcript_names"), _words(data, "transcript_terms"))


class AsrSession(Session):
    """The requests of one connection, one after the other. `transcribe` before the audio is optional and holds for one request."""

    def __init__(self, service: AsrService, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._request = AsrRequest()
        self._partials = False
        self._audio = IncomingAudio()
        self._utterance: Utterance | None = None
        self._work: asyncio.Task[Transcription] | None = None
        self._answered = False

    @property
    def busy(self) -> bool:
        """True while audio comes in."""
        return self._utterance is not None

    async def handle(self, event: Event) -> None:
        """Raises: InvalidRequestError, UnsupportedLanguageError, UnknownNameError, BusyError, DeadlineError, EngineError."""
        if event.type == "transcribe":
            self._request = self._service.request(event)
            self._partials = (event.data.get("context") or {}).get("earshot_partials") is True
        elif event.type == "audio-start":
            await self._drop()
            self._begin()
            self._audio.take(event)
        elif event.type == "audio-chunk":
            if self._utterance is None:
                self._begin()
            await self._take(event)
        elif self._utterance is not None:
            self._utterance.add(self._audio.flush())
            await self._answer()
            await self._drop()
            self._request, self._partials = AsrRequest(), False

    async def close(self) -> None:
        """Stops recognising."""
        await self._drop()

    def _begin(self) -> None:
        self._audio, self._answered = IncomingAudio(), False
        section = self._service.section
        self._utterance = Utterance(self._service.host, self._request, section.longest_s, self._tell if self._partials else None)
        self._work = asyncio.create_task(self._utterance.run(), name=f"recognise for {self._peer.name}")
        self._work.add_done_callback(self._failed)

    async def _take(self, event: Event) -> None:
        assert self._utterance is not None
        self._utterance.add(self._audio.take(event))
        if self._utterance.finished.is_set() and not self._answered:
            _LOGGER.warning("%s: an utterance was cut at %g s", self._peer.name, self._service.section.longest_s)
            await self._answer()  # the rest is taken in and dropped, until its audio-stop

    async def _answer(self) -> None:
        """Sends the transcript, once per utterance."""
        if self._answered:
            return
        assert self._utterance is not None and self._work is not None
        self._answered = True
        begun = time.perf_counter()
        self._utterance.finish()
        deadline_s = self._service.section.deadline_s
        done, _ = await asyncio.wait([self._work], timeout=deadline_s)
        if not done:
            raise DeadlineError(f"no transcript within {deadline_s:g} s")
        result = self._work.result()
        _LOGGER.info("%s: transcript in %.0f ms", self._peer.name, (time.perf_counter() - begun) * 1000)
        text = " ".join(result.text.split())
        if self._service.streams_partials:
            await self._peer.send(TranscriptStart(language=result.language).event())
            await self._peer.send(TranscriptChunk(text=text).event())
        await self._peer.send(Transcript(text=text, language=result.language).event())
        if self._service.streams_partials:
            await self._peer.send(TranscriptStop().event())

    async def _tell(self, hypothesis: str) -> None:
        await self._peer.send(Event("earshot-partial", {"text": hypothesis}))

    def _failed(self, work: asyncio.Task[Transcription]) -> None:
        if not work.cancelled() and (error := work.exception()):
            self._peer.fail(error)

    async def _drop(self) -> None:
        """Ends the request, answered or not."""
        work, self._work, self._utterance = self._work, None, None
        await cancel(work)


def _matching(language: str, tags: Sequence[str]) -> str:
    """The listed tag that means `language`: the same, else its base language, else a dialect of it.

    Raises: UnsupportedLanguageError.
    """
    wanted = _normal(language)
    base = wanted.partition("-")[0]
    for match in (lambda tag: tag == wanted, lambda tag: tag == base, lambda tag: tag.partition("-")[0] == base):
        for tag in tags:
            if match(_normal(tag)):
                return tag
    raise UnsupportedLanguageError(
        f"language {printable(language, 40)!r} is not recognised here; these are: {', '.join(sorted(set(tags)))}"
    )


def _normal(tag: str) -> str:
    return tag.replace("_", "-").lower()


def _text(data: dict, key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"transcribe: {key!r} must be text")
    return value or None


def _words(data: dict, key: str) -> tuple[str, ...]:
    value = data.get(key) or []
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidRequestError(f"transcribe: {key!r} must be a list of texts")
    return tuple(value[:_MAX_BIAS_WORDS])
