"""Recognisers behind OpenAI's transcription API: Speaches, vLLM, NVIDIA NIM, LocalAI, or OpenAI itself."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import AssistantError, SettingsError, UnknownNameError
from ..shared.openai_client import OpenAiClient, ServedModel, fetch_models, of_task
from ..shared.protocol import printable
from ..shared.remote import RefusedError, Remote, RemoteOptions, offer, remote, step
from ..shared.schema import option
from .answers import transcription
from .engine import AsrEngine, AsrRequest, Transcription
from .glossary import glossary
from .languages import matching
from .whisper_languages import languages_of
from .whole import WholeStream

_LOGGER = logging.getLogger(__name__)
_SETTING = "asr.engines.openai"
_ENDPOINTS = ("/audio/transcriptions", "/audio/translations", "/models")
_TASK = "automatic-speech-recognition"
_SERVERS_OWN = "default"
"""The name of the model of a server that names none (NVIDIA NIM): requests then name none either."""
_API_MODEL = "whisper-1"
"""OpenAI's first name; of servers with many models that do not tell what each is for."""
_ANSWER_BYTES = 2 * 1024 * 1024  # verbose JSON of 10 minutes is about 0.3 MB
_OTHER_FORMAT = (400, 415, 422, 501)
"""How servers refuse a response format they do not have."""


@dataclass(frozen=True)
class OpenAiAsrOptions(RemoteOptions):
    """Settings of the openai engine."""

    uri: str = option("", "address of the server, for example http://HOST:8000/v1")
    model: str = option("", "which of the server's models; empty means the first it lists, `default` asks without naming one")
    languages: tuple[str, ...] = option(
        (),
        "languages the model hears, written as the server wants them (NVIDIA NIM: en-US); empty means what the server says, or Whisper's",
    )
    response_format: str = option(
        "auto",
        "form of the answer; only verbose_json tells how sure the model is, auto asks for it and takes json where it is refused",
        choices=("auto", "verbose_json", "json", "text"),
    )
    stream: bool = option(False, "ask for the text as server-sent events; for servers behind a proxy that cuts silent connections")
    prompt_chars: int = option(
        400, "how much of the names of this house the model is told with each request; 0 is none", minimum=0, maximum=4000
    )
    temperature: float = option(0.0, "randomness of the model; 0 takes what is likeliest", minimum=0, maximum=1)
    trust: float = option(0.3, "confidence a transcript needs when the server tells it; below it the text is empty", minimum=0, maximum=1)
    speech: float = option(
        0.5, "probability above which a frame of 32 ms counts as speech; without speech nothing is sent", minimum=0.05, maximum=0.95
    )
    answer_s: float = option(20.0, "seconds to wait for the transcript", minimum=0.5, maximum=600)
    extra: dict = option({}, "further fields of each request, for example `{vad_filter: true, hotwords: Earshot}` for Speaches")


class OpenAiAsrEngine(AsrEngine):
    """Any server with OpenAI's `/v1/audio/transcriptions`: Speaches, vLLM, NVIDIA NIM, LocalAI, and OpenAI's own.

    The recogniser runs on the machine of that server, usually with a GPU: speech is sent there when the user has ended, silence and
    noise are not. Give it the address; the key only if the server wants one. Which licence holds is that of the model the server
    runs. With a server outside, sound leaves the house.
    """

    Options = OpenAiAsrOptions

    @classmethod
    def models(cls, options: OpenAiAsrOptions, context: EngineContext) -> list[Model]:
        """What the server hears with now; of a server that cannot be reached, the configured model.

        Raises: EngineUnavailableError without an address; SettingsError.
        """
        server = _server(options, context)
        listed = offer(context, server, lambda: fetch_models(server)) or []
        return [_described(model, server, options, context) for model in _offered(listed, options)]

    def __init__(self, options: OpenAiAsrOptions, context: EngineContext) -> None:
        """Connects; a server that is down is only warned of. Raises: EngineUnavailableError, SettingsError."""
        self._options = options
        self._context = context
        self._extra = _checked(options.extra)
        self._client = OpenAiClient(_server(options, context), "asr openai")
        self._listed: list[ServedModel] | None = None  # None: the server could not be asked yet
        self._format = {"auto": "verbose_json"}.get(options.response_format, options.response_format)
        self._look()

    def open(self, request: AsrRequest) -> WholeStream:
        """Begins an utterance.

        Raises: UnsupportedLanguageError, UnknownNameError.
        """
        model = self._model(request.model, look_again=True)
        language = matching(request.language or self._context.language, _languages(model, self._options))
        prompt = glossary(self._context.house, request, self._options.prompt_chars)
        client, options = self._client, self._options
        return WholeStream(
            lambda wav: client.portal.start(self._transcribe(wav, request.model, language, prompt)),
            language,
            options.speech,
            options.answer_s + 1,
        )

    def close(self) -> None:
        """Hangs up."""
        self._client.close()

    def _look(self) -> None:
        """Learns what the server has, and says what is wrong with that."""
        server, wanted = self._client.server, self._options.model
        self._listed = offer(self._context, server, self._client.look)
        names = [model.name for model in self._listed or ()]
        if wanted not in ("", _SERVERS_OWN, *names) and names:
            _LOGGER.warning("model %s is not served at %s; it has: %s", wanted, server, printable(", ".join(names)))
        elif names:
            _LOGGER.info("%s hears with %s", server, self._model(None).name)

    def _model(self, name: str | None, look_again: bool = False) -> ServedModel:
        """The model of a request. look_again: asks the server for one that is not known; it may be new there.

        Raises: UnknownNameError.
        """
        offered = _offered(self._listed or [], self._options)
        if name is None:
            return offered[0]
        for model in offered:
            if name == model.name:
                return model
        if name == _SERVERS_OWN:  # offered while the server could not be asked
            return offered[0]
        if look_again:
            self._listed = offer(self._context, self._client.server, self._client.look)
            return self._model(name)
        raise UnknownNameError(f"no model {printable(name)!r} at {self._client.server}; there are: {', '.join(m.name for m in offered)}")

    async def _transcribe(self, wav: bytes, name: str | None, language: str, prompt: str) -> Transcription:
        server, answer_s = self._client.server, self._options.answer_s
        return await step(self._heard(wav, name, language, prompt), answer_s, lambda: server.late(answer_s, "transcript", "answer_s"))

    async def _heard(self, wav: bytes, name: str | None, language: str, prompt: str) -> Transcription:
        if self._listed is None and not self._options.model:
            await self._learn()
        model = self._model(name).name
        form = self._format
        try:
            return await self._ask(wav, model, form, language, prompt)
        except RefusedError as err:
            if err.status == 404:
                raise self._not_there(err, model) from None
            if form != "verbose_json" or self._options.response_format != "auto" or err.status not in _OTHER_FORMAT:
                raise
        heard = await self._ask(wav, model, "json", language, prompt)
        self._format = "json"
        _LOGGER.info("%s does not tell how sure it is: asking for json from now on", self._client.server)
        return heard

    async def _learn(self) -> None:
        try:
            self._listed = await self._client.models()
        except AssistantError as err:
            _LOGGER.debug("%s", err)

    async def _ask(self, wav: bytes, model: str, form: str, language: str, prompt: str) -> Transcription:
        options, client = self._options, self._client
        fields: dict[str, Any] = {"file": ("speech.wav", wav, "audio/wav"), "language": language}
        fields["response_format"] = "json" if options.stream else form
        fields["temperature"] = options.temperature
        if prompt:
            fields["prompt"] = prompt
        fields["model"] = client.omitted if model == _SERVERS_OWN else model
        streamed = {"stream": True} if options.stream else {}  # not every version of the library knows it

        def opening(api: Any) -> Any:
            return api.audio.transcriptions.with_streaming_response.create(**fields, extra_body=streamed | self._extra)

        async with client.open(opening, options.answer_s, "answer_s") as answer:
            body = await client.body(answer, _ANSWER_BYTES, options.answer_s, "answer_s")
            kind = answer.headers.get("content-type", "")
        return transcription(client.server, kind, body, language, options.trust)

    def _not_there(self, refusal: RefusedError, model: str) -> RefusedError:
        names = printable(", ".join(served.name for served in self._listed or ()))
        has = f"it has: {names}" if names else f"does it serve model {printable(model)}?"
        return RefusedError(f"{refusal} {has}", refusal.status)


def _server(options: OpenAiAsrOptions, context: EngineContext) -> Remote:
    return remote(options, _SETTING, path="/v1", endpoints=_ENDPOINTS, example="http://HOST:8000/v1", context=context)


def _offered(listed: list[ServedModel], options: OpenAiAsrOptions) -> list[ServedModel]:
    """What requests may name, the default first; never empty. Beside a chosen model only those that say they recognise speech."""
    fitting = of_task(listed, _TASK)
    if not options.model:
        told = [model for model in fitting if model.task]
        usual = [model for model in fitting if model.name == _API_MODEL]
        return told or usual or fitting[:1] or [ServedModel(_SERVERS_OWN)]
    chosen = next((model for model in listed if model.name == options.model), ServedModel(options.model))
    return [chosen, *(model for model in fitting if model.task and model.name != chosen.name)]


def _languages(model: ServedModel, options: OpenAiAsrOptions) -> tuple[str, ...]:
    return options.languages or model.languages or languages_of(model.name)


def _described(model: ServedModel, server: Remote, options: OpenAiAsrOptions, context: EngineContext) -> Model:
    about = "the server's own model" if model.name == _SERVERS_OWN else model.name
    return Model(model.name, about, _languages(model, options), "OpenAI-compatible server", server.base)


def _checked(extra: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as err:
        raise SettingsError(f"{_SETTING}.extra cannot be sent: {err}") from None
    return extra
