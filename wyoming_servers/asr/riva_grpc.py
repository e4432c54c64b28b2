"""Speech recognition by NVIDIA Riva: Parakeet, Nemotron and others, streamed or at once, over gRPC."""

from collections.abc import Iterable
from typing import Any

from ..shared.audio import RATE_HZ
from ..shared.engines import EngineContext, Model
from ..shared.errors import UnknownNameError
from ..shared.protocol import printable
from ..shared.recall import recall
from ..shared.riva import RivaLink, check_address, offered
from .engine import AsrEngine, AsrRequest, AsrStream
from .glossary import house_names
from .riva_models import ANY, SETTING, STAND_IN, Offered, RivaAsrOptions, ask, choose, listed, preferred, server
from .riva_streams import Recogniser, RivaStream, RivaUtterance

_MOST_PHRASES = 1000


class RivaAsrEngine(AsrEngine):
    """NVIDIA's recognisers (Parakeet, Nemotron, Canary, Whisper) as Riva or Speech NIM containers serve them over gRPC.

    The server needs an NVIDIA GPU with 16 GB, a DGX Spark for example. Models and languages are those it tells; names of the house are
    boosted; nothing is sent before somebody speaks. Read NVIDIA's terms before you use its containers for more than trying. With
    `function_id`, `key` and `tls` it can use NVIDIA's hosted models: then sound leaves the house.
    """

    Options = RivaAsrOptions
    streams_partials = True
    settles_after = 3

    @classmethod
    def models(cls, options: RivaAsrOptions, context: EngineContext) -> list[Model]:
        """What the server tells, the default first; the settings' model and language until it has been reached.

        Raises: EngineUnavailableError, SettingsError.
        """
        check_address(options, SETTING)
        told = offered(options, SETTING, context, server(options), lambda: ask(options, context))
        return [listed(model, options, context) for model in preferred(told or [_stand_in(options, context)], options, context)]

    def __init__(self, options: RivaAsrOptions, context: EngineContext) -> None:
        """Raises: SettingsError when a key or certificate cannot be read."""
        from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc

        self._options = options
        self._context = context
        link = RivaLink(options, SETTING, context)
        self._recogniser = Recogniser(options, link, riva_asr_pb2_grpc.RivaSpeechRecognitionStub(link.channel), riva_asr_pb2)

    def open(self, request: AsrRequest) -> AsrStream:
        """Begins an utterance; the server is called when somebody speaks.

        Raises: UnsupportedLanguageError, UnknownNameError.
        """
        options, context = self._options, self._context
        if (told := recall(context, server(options))) is None:
            self.models(options, context)
            told = recall(context, server(options))
        if told is None:
            return self._unlisted(request)
        fitting = [model for model in preferred(told, options, context) if request.model in (None, STAND_IN, model.name)]
        if not fitting:
            raise _unknown(request, options, told)
        language, model = choose(request.language or context.language, fitting, context)
        tag = language if language in model.tags or ANY not in model.tags else ANY
        return self._stream(self._config(model.name, tag, request), model.streams, language)

    def close(self) -> None:
        """Ends every call."""
        self._recogniser.link.close()

    def _unlisted(self, request: AsrRequest) -> AsrStream:
        """At a server that does not tell what it has: it chooses by language, or takes the settings' model."""
        options = self._options
        stand_in = _stand_in(options, self._context)
        if request.model not in (None, STAND_IN, stand_in.name):
            raise _unknown(request, options, [stand_in])
        language = request.language or stand_in.tags[0]
        return self._stream(self._config(options.model, language, request), stand_in.streams, language)

    def _stream(self, config: Any, streams: bool, language: str) -> AsrStream:
        return (RivaStream if streams else RivaUtterance)(self._recogniser, config, language)

    def _config(self, model: str, language: str, request: AsrRequest) -> Any:
        options, messages = self._options, self._recogniser.messages
        config = messages.RecognitionConfig(
            encoding="LINEAR_PCM",
            sample_rate_hertz=RATE_HZ,
            audio_channel_count=1,
            language_code=language,
            model=model,
            max_alternatives=1,
            enable_automatic_punctuation=options.punctuation,
            verbatim_transcripts=not options.digits,
        )
        names = [*request.names, *house_names(self._context.house)]
        for phrases, boost in ((names, options.boost), (request.terms, options.boost / 2)):
            if boost and (clean := _clean(phrases)):
                config.speech_contexts.append(messages.SpeechContext(phrases=clean, boost=boost))
        return config


def _stand_in(options: RivaAsrOptions, context: EngineContext) -> Offered:
    return Offered(options.model or STAND_IN, (options.language or context.language,), options.mode != "offline")


def _unknown(request: AsrRequest, options: RivaAsrOptions, models: Iterable[Offered]) -> UnknownNameError:
    there = ", ".join(model.name for model in models)
    return UnknownNameError(f"no model {printable(str(request.model), 60)!r} at {options.uri}; there are: {there}")


def _clean(phrases: Iterable[str]) -> list[str]:
    """What can be boosted: each once, on one line, in characters that can be sent."""
    clean = (" ".join("".join(c if c.isprintable() else " " for c in phrase).split()) for phrase in phrases)
    return [phrase for phrase in dict.fromkeys(clean) if phrase][:_MOST_PHRASES]
