"""The Wyoming face of speech synthesis: `synthesize`, and `synthesize-start`, `-chunk`, `-stop` while the text is being written."""

import asyncio
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from wyoming.event import Event
from wyoming.info import TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.tts import SynthesizeStopped

from ..shared import paths
from ..shared.context import engine_context
from ..shared.engine_service import EngineService, about, engine_options
from ..shared.engines import EngineContext, Model, find
from ..shared.errors import BusyError, EngineError, InvalidRequestError
from ..shared.protocol import printable
from ..shared.sentences import Splitter
from ..shared.service import Peer, Session
from ..shared.settings import Settings, TtsSection
from ..shared.tasks import cancel
from . import ENGINES
from .fallback import Fallback, Trouble
from .known_phrases import KnownPhrases, version_of
from .phrase_cache import PhraseCache
from .rehearsal import Rehearsal, fixed_replies
from .speaking import Cast
from .ssml import LONGEST_CHARS, parse_ssml
from .text_front import TextFront
from .utterance import Utterance, Voice
from .voices import choose_voice, spoken_language

_LOGGER = logging.getLogger(__name__)
_IDLE_S = 5.0  # a conversation goes on within it
_LOOK_EVERY_S = 2.0
_MEGABYTE = 1_000_000


def serve(settings: Settings) -> "TtsService":
    """The speech synthesis server of these settings."""
    return TtsService(settings.tts, engine_context(settings), phrases=paths.cache_dir() / "phrases")


class TtsService(EngineService):
    """Speech synthesis. At most `streams` + `waiting` answers are under way; they share the engine sentence by sentence."""

    kind = "tts"
    events = frozenset({"synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"})
    section: TtsSection
    cast: Cast
    front: TextFront

    def __init__(
        self,
        section: TtsSection,
        context: EngineContext,
        engines: tuple = ENGINES,
        *,
        phrases: Path | None = None,
        idle_s: float = _IDLE_S,
    ) -> None:
        """phrases: where finished phrases are kept; None keeps none. idle_s: when fixed replies are made."""
        self._places = section.streams + section.waiting
        self._taken = 0
        self._folder = phrases
        self._idle_s = idle_s
        self._known: KnownPhrases | None = None
        self._rehearsal: Rehearsal | None = None
        # every answer that was admitted finds a place in the engine's queue for each of its sentences
        super().__init__(engines, dataclasses.replace(section, waiting=self._places), context)

    def programs(self) -> Sequence[TtsProgram]:
        """The engine with its voices. Its version changes with all that makes it sound otherwise while it runs."""
        about = self.about()
        return [
            TtsProgram(
                **about | {"version": "+".join(filter(None, (about["version"], self.front.version))) or None},
                voices=[_voice(model) for model in self.models],
                supports_synthesize_streaming=True,
            )
        ]

    def session(self, peer: Peer) -> "TtsSession":
        """One connection."""
        return TtsSession(self, peer)

    async def start(self) -> None:
        """Begins to load the engine."""
        await super().start()
        self.cast.loading_since = asyncio.get_running_loop().time()
        self._owner.start(self._look_at_pronunciations(), "look for changed pronunciations")
        if self._known is not None:
            self._rehearsal = Rehearsal(self.host, self._known, self._idle_s)
            self._owner.start(self._rehearse(self._rehearsal, self._known), "make fixed replies")

    async def stop(self) -> None:
        """Frees the engines."""
        await super().stop()
        if self.cast.fallback is not None:
            await self.cast.fallback.close()

    def admit(self) -> None:
        """Takes a place; `leave` gives it back.

        Raises: BusyError.
        """
        if self._taken >= self._places:
            raise BusyError(f"{self._taken} answers are being spoken already; try again")
        self._taken += 1
        if self._rehearsal is not None:
            self._rehearsal.interrupt()

    def leave(self) -> None:
        """Gives a place back."""
        self._taken -= 1
        if self._rehearsal is not None and not self._taken:
            self._rehearsal.go_on()

    def _prepare(self) -> None:
        super()._prepare()
        self.front = TextFront(self.section, self.context.data_dir)
        fallback = self._fallback()
        if self._folder is not None and self.section.cache_mb and not self.spec.load_class().instant:
            self._known = KnownPhrases(PhraseCache(self._folder, self.section.cache_mb * _MEGABYTE), self._owner)
            if any(model.installed for model in self.models):
                self._known.set_version(version_of(self.spec, self.options, self.context))
        self.cast = Cast(
            self.section,
            self.host,
            Trouble(self.host.name, fallback.name if fallback else ""),
            fallback,
            self._known,
            self._load_again,
        )

    def _fallback(self) -> Fallback | None:
        name = self.section.fallback
        if not name or name == self.spec.name:
            return None
        spec = find(self._specs, name)
        options = engine_options(self.kind, self.section, spec)
        if missing := spec.missing():
            _LOGGER.warning("tts: the fallback %s needs %s: %s", name, ", ".join(missing), spec.install_command())
            return None
        if reason := spec.kept_inside(options, self.context):
            _LOGGER.warning("tts: the fallback %s %s", name, reason)
            return None
        return Fallback(spec, options, self.context, slots=self.section.streams, waiting=self.section.waiting)

    def _load_again(self) -> None:
        self.host.start(self._ready)
        self.cast.loading_since = asyncio.get_running_loop().time()

    async def _look_at_pronunciations(self) -> None:
        """Those who keep what was spoken see in the next `info` that it would be spoken otherwise now."""
        version = self.front.version
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if (now := self.front.version) != version:
                version = now
                self.revision += 1

    async def _rehearse(self, rehearsal: Rehearsal, known: KnownPhrases) -> None:
        try:
            await self.host.ready()
        except EngineError:  # which the log has already
            return
        known.set_version(await asyncio.to_thread(version_of, self.spec, self.options, self.context))
        voice = self.models[0]
        language = spoken_language(voice, None, self.context.language)
        await self.front.load(language)
        replies = await asyncio.to_thread(fixed_replies, self.context.language, self.context.intents_dirs)
        pieces = []
        for reply in replies:
            splitter = Splitter(language, first_clause=self.section.first_clause)
            pieces += [text for piece in splitter.feed(reply) + splitter.finish() if (text := self.front.said(piece, language))]
        await rehearsal.run(pieces, voice)


class TtsSession(Session):
    """The requests of one connection, one after the other."""

    def __init__(self, service: TtsService, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._utterance: Utterance | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._ssml: str | None = None
        self._language = ""

    @property
    def busy(self) -> bool:
        """True between synthesize-start and synthesize-stop."""
        return self._utterance is not None

    async def handle(self, event: Event) -> None:
        """Takes one event; see Session."""
        if event.type == "synthesize":
            if self._utterance is None:  # inside a stream it is the copy of the text for servers that do not stream
                text = _text(event)
                self._begin(event)
                await self._add(event, text)
                await self._end(event)
        elif event.type == "synthesize-start":
            if self._utterance is not None:
                raise InvalidRequestError("synthesize-start came before the synthesize-stop of the text before it")
            self._begin(event)
        elif event.type == "synthesize-chunk":
            await self._add(event, _text(event))
        else:
            await self._end(event)
            await self._peer.send(SynthesizeStopped().event())

    async def close(self) -> None:
        """Stops speaking."""
        await cancel(self._speaking)

    def _begin(self, event: Event) -> None:
        service = self._service
        asked = event.data.get("voice")
        is_ssml = _is_ssml(event)
        model, speaker = choose_voice(service.models, asked)
        self._language = spoken_language(model, asked, service.context.language)
        service.admit()
        self._ssml = "" if is_ssml else None
        self._utterance = Utterance(self._peer, service.cast, service.front, Voice(model, speaker, self._language))
        self._speaking = asyncio.create_task(self._utterance.run(), name=f"speak to {self._peer.name}")
        self._speaking.add_done_callback(self._spoken)

    def _spoken(self, speaking: asyncio.Task[None]) -> None:
        self._service.leave()
        if not speaking.cancelled() and (error := speaking.exception()):
            self._peer.fail(error)

    def _under_way(self, event: Event) -> Utterance:
        if self._utterance is None:
            raise InvalidRequestError(f"{event.type} came without synthesize-start")
        return self._utterance

    async def _add(self, event: Event, text: str) -> None:
        utterance = self._under_way(event)
        if self._ssml is None:
            await utterance.add(text)
            return
        self._ssml += text
        if len(self._ssml) > LONGEST_CHARS:
            raise InvalidRequestError(f"SSML is over the limit of {LONGEST_CHARS} characters")

    async def _end(self, event: Event) -> None:
        utterance, speaking = self._under_way(event), self._speaking
        assert speaking is not None
        if self._ssml is not None:
            await utterance.add_passages(await asyncio.to_thread(parse_ssml, self._ssml, self._language))
        await utterance.finish()
        await asyncio.wait([speaking])
        speaking.result()
        self._utterance = None


def _is_ssml(event: Event) -> bool:
    text_format = event.data.get("text_format")
    if text_format not in (None, "text", "ssml"):
        raise InvalidRequestError(f"text_format {printable(str(text_format), 40)!r} is not spoken here; there are: text, ssml")
    return text_format == "ssml"


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
