"""whisper.cpp's `whisper-server`: Whisper in C++ on another machine, or another process of this one."""

import logging
from dataclasses import dataclass
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import AssistantError, UnknownNameError
from ..shared.http_client import HttpClient
from ..shared.protocol import printable
from ..shared.remote import RefusedError, Remote, RemoteOptions, remote, step
from ..shared.schema import option
from .answers import transcription
from .engine import AsrEngine, AsrRequest, Transcription
from .glossary import glossary
from .languages import matching
from .whisper_languages import languages_of
from .whole import WholeStream

_LOGGER = logging.getLogger(__name__)
_SETTING = "asr.engines.whisper-cpp"
_ENDPOINT = "/inference"
_ANSWER_BYTES = 4 * 1024 * 1024  # verbose JSON has every word


@dataclass(frozen=True)
class WhisperCppOptions(RemoteOptions):
    """Settings of the whisper-cpp engine."""

    uri: str = option("", "address of whisper-server, for example http://HOST:8080, with its --request-path if it has one")
    model: str = option("whisper", "what the model it was started with is called in `describe`; a name like base.en means English only")
    languages: tuple[str, ...] = option(
        (), "languages the model hears; empty means English for a model called *.en, else Whisper's hundred"
    )
    response_format: str = option(
        "verbose_json", "form of the answer; only verbose_json tells how sure the model is", choices=("verbose_json", "json", "text")
    )
    prompt_chars: int = option(
        400, "how much of the names of this house the model is told with each request; 0 is none", minimum=0, maximum=4000
    )
    temperature: float = option(0.0, "randomness of the model; 0 takes what is likeliest", minimum=0, maximum=1)
    beam_size: int = option(0, "beams searched; 0 is the server's own setting", minimum=0, maximum=8)
    trust: float = option(0.3, "confidence a transcript needs when the server tells it; below it the text is empty", minimum=0, maximum=1)
    speech: float = option(
        0.5, "probability above which a frame of 32 ms counts as speech; without speech nothing is sent", minimum=0.05, maximum=0.95
    )
    answer_s: float = option(20.0, "seconds to wait for the transcript", minimum=0.5, maximum=600)


class WhisperCppEngine(AsrEngine):
    """The `whisper-server` of whisper.cpp, which runs on processors, Vulkan, Metal and CUDA alike.

    Start it with the model you want (`whisper-server -m ggml-base.en.bin --host 0.0.0.0`) and give its address here. Speech is sent
    when the user has ended, silence and noise are not. It works on one request at a time; others wait. whisper.cpp and Whisper's
    models are under the MIT licence.
    """

    Options = WhisperCppOptions

    @classmethod
    def models(cls, options: WhisperCppOptions, context: EngineContext) -> list[Model]:
        """The one model the server was started with; the server does not tell which.

        Raises: EngineUnavailableError without an address; SettingsError.
        """
        server = _server(options, context)
        return [Model(options.model, f"whisper.cpp: {options.model}", _languages(options), "whisper.cpp", server.base)]

    def __init__(self, options: WhisperCppOptions, context: EngineContext) -> None:
        """Connects; a server that is down is only warned of. Raises: EngineUnavailableError, SettingsError."""
        self._options = options
        self._context = context
        self._client = HttpClient(_server(options, context), "asr whisper-cpp")
        try:
            self._client.portal.call(self._greet(), options.connect_s * 2 + 1)
        except AssistantError as err:
            _LOGGER.warning("%s; each request will try again", err)

    def open(self, request: AsrRequest) -> WholeStream:
        """Begins an utterance.

        Raises: UnsupportedLanguageError, UnknownNameError.
        """
        options, client = self._options, self._client
        if request.model not in (None, options.model):
            raise UnknownNameError(f"no model {printable(str(request.model))!r}; there is: {options.model}")
        language = matching(request.language or self._context.language, _languages(options))
        prompt = glossary(self._context.house, request, options.prompt_chars)

        def late() -> Any:
            return client.server.late(options.answer_s, "transcript", "answer_s")

        def begin(wav: bytes) -> Any:
            return client.portal.start(step(self._ask(wav, language, prompt), options.answer_s, late))

        return WholeStream(begin, language, options.speech, options.answer_s + 1)

    def close(self) -> None:
        """Hangs up."""
        self._client.close()

    async def _greet(self) -> None:
        """Opens the first connection. Servers of before 2025 have no `/health`, which is as good an answer."""
        client = self._client
        try:
            async with client.open("GET", "/health", self._options.connect_s, "connect_s"):
                _LOGGER.info("%s is ready", client.server)
        except RefusedError as err:
            if err.status != 404:
                raise

    async def _ask(self, wav: bytes, language: str, prompt: str) -> Transcription:
        import aiohttp

        options, client = self._options, self._client
        fields = {
            "response_format": options.response_format,
            "temperature": str(options.temperature),
            "language": language,
            "split_on_word": "true",  # it breaks lines at 60 characters, else also in the middle of words
            "no_language_probabilities": "true",  # for verbose_json it would run the encoder a second time
            "suppress_nst": "true",
        }
        if prompt:
            fields["prompt"] = prompt
        if options.beam_size:
            fields["beam_size"] = str(options.beam_size)

        def form() -> aiohttp.FormData:
            made = aiohttp.FormData(default_to_multipart=True)
            for name, value in fields.items():
                made.add_field(name, value)
            made.add_field("file", wav, filename="speech.wav", content_type="audio/wav")
            return made

        async with client.open("POST", _ENDPOINT, options.answer_s, "answer_s", form) as answer:
            body = await client.body(answer, _ANSWER_BYTES, options.answer_s, "answer_s")
        return transcription(client.server, answer.headers.get("Content-Type", ""), body, language, options.trust)


def _server(options: WhisperCppOptions, context: EngineContext) -> Remote:
    return remote(options, _SETTING, endpoints=(_ENDPOINT, "/health"), example="http://HOST:8080", context=context)


def _languages(options: WhisperCppOptions) -> tuple[str, ...]:
    return options.languages or languages_of(options.model)
