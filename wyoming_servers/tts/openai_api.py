"""Voices behind OpenAI's speech API: Kokoro-FastAPI, Speaches, Orpheus, CSM and Chatterbox servers, LocalAI, or OpenAI itself."""

import json
import logging
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import SettingsError, UnknownNameError
from ..shared.openai_client import OpenAiClient, ServedModel, fetch_models, of_task
from ..shared.protocol import printable
from ..shared.remote import RefusedError, Remote, RemoteOptions, fetch, message_of, offer, remote, sendable, step
from ..shared.schema import option
from .engine import AudioBlock, TtsEngine, TtsRequest
from .listed_voices import ListedVoice, described, listed_voices, ordered
from .received import Received

_LOGGER = logging.getLogger(__name__)
_SETTING = "tts.engines.openai"
_ENDPOINTS = ("/audio/speech", "/audio/voices", "/models")
_VOICE_LISTS = ("/audio/voices", "/audio/speech/voices")
"""Kokoro-FastAPI, Orpheus, Speaches; Speaches before 0.7."""
_TASK = "text-to-speech"
_API_MODEL, _API_VOICE = "tts-1", "alloy"
"""OpenAI's first names; most servers take them for their own default."""
_REFUSAL_BYTES = 64 * 1024
_SPARE_S = 5.0


@dataclass(frozen=True)
class OpenAiTtsOptions(RemoteOptions):
    """Settings of the openai engine."""

    uri: str = option("", "address of the server, for example http://HOST:8880/v1")
    model: str = option("", "which of the server's models; empty means the voice's own, or the first the server lists")
    voice: str = option("", "default voice; empty means the first the server lists in the house's language")
    voices: tuple[str, ...] = option((), "voices of a server that does not list its own, or further ones like `af_bella+af_sky`")
    languages: tuple[str, ...] = option((), "languages of voices that do not tell theirs; empty means the house's")
    response_format: str = option("pcm", "how speech is sent; a WAV header is understood with either", choices=("pcm", "wav"))
    rate_hz: int = option(24_000, "sample rate of the server's raw PCM", minimum=4_000, maximum=192_000)
    speed: float = option(1.0, "speed of speech; not every server heeds it", minimum=0.25, maximum=4)
    instructions: str = option("", "how to speak, in words, for models that take that")
    first_s: float = option(10.0, "seconds to wait for the first sound", minimum=0.1, maximum=300)
    idle_s: float = option(5.0, "seconds to wait for each further piece of sound", minimum=0.1, maximum=300)
    longest_s: float = option(
        120.0, "seconds of speech one sentence may give; a server that never ends is cut there", minimum=1, maximum=3600
    )
    extra: dict = option({}, "further fields of each request, for example `{lang_code: b}` for Kokoro-FastAPI")


class OpenAiTtsEngine(TtsEngine):
    """Any server with OpenAI's `/v1/audio/speech`: Kokoro-FastAPI, Speaches, Orpheus, CSM, Chatterbox, LocalAI, and OpenAI's own.

    The voice runs on the machine of that server, usually with a GPU; its sound is played as it arrives. Give it the address; the
    key only if the server wants one. Which licence holds is that of the model the server runs. With a server outside, every answer
    leaves the house as text.
    """

    Options = OpenAiTtsOptions

    @classmethod
    def models(cls, options: OpenAiTtsOptions, context: EngineContext) -> list[Model]:
        """The server's voices now, and the configured ones; of a server that cannot be reached, the latter alone.

        Raises: EngineUnavailableError without an address; SettingsError.
        """
        server = _server(options, context)
        _, voices = _look(server, options, context, lambda: fetch_models(server))
        return [described(voice, "OpenAI-compatible server", server.base) for voice in voices]

    def __init__(self, options: OpenAiTtsOptions, context: EngineContext) -> None:
        """Connects; a server that is down is only warned of. Raises: EngineUnavailableError, SettingsError."""
        self._options = options
        self._context = context
        self._extra = _checked(options.extra)
        self._client = OpenAiClient(_server(options, context), "tts openai")
        self._look(self._client.look)
        names = [model.name for model in self._models or ()]
        if options.model and names and options.model not in names:
            _LOGGER.warning("model %s is not served at %s; it has: %s", options.model, self._client.server, printable(", ".join(names)))

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech, block by block as the server makes it.

        Raises: UnknownNameError; PeerUnreachableError, DeadlineError, BusyError, EngineError when the server fails.
        """
        voice = self._voice(request.voice)
        if request.speaker is not None:
            raise UnknownNameError(f"voice {request.voice} has no speaker {printable(request.speaker)!r}; it has only one")
        longest_step_s = self._options.first_s + self._options.connect_s + _SPARE_S
        return self._client.portal.iterate(self._speech(sendable(request.text), voice), longest_step_s + self._options.idle_s)

    def close(self) -> None:
        """Hangs up."""
        self._client.close()

    def _look(self, models: Callable[[], list[ServedModel]]) -> None:
        self._models, self._voices = _look(self._client.server, self._options, self._context, models)

    def _voice(self, name: str) -> ListedVoice:
        voices = {voice.name: voice for voice in self._voices}
        if name not in voices or self._models is None:  # it may be new there, or the server is
            self._look(lambda: fetch_models(self._client.server))
            voices = {voice.name: voice for voice in self._voices}
        if name in voices:
            return voices[name]
        if name == _API_VOICE:  # was offered while the server could not be asked
            return self._voices[0]
        some = ", ".join([*voices][:8])
        raise UnknownNameError(f"{self._client.server} has no voice {printable(name)!r}; there are {len(voices)}, for example {some}")

    async def _speech(self, text: str, voice: ListedVoice) -> AsyncGenerator[AudioBlock, None]:
        options, client, server = self._options, self._client, self._client.server
        fields: dict[str, Any] = {"input": text, "voice": voice.name, "response_format": options.response_format}
        fields["model"] = options.model or voice.model or _first(self._models or [])
        if options.speed != 1.0:
            fields["speed"] = options.speed
        manner = {"instructions": options.instructions} if options.instructions else {}  # not every version of the library knows it

        def opening(api: Any) -> Any:
            return api.audio.speech.with_streaming_response.create(**fields, extra_body=manner | self._extra)

        def late() -> Any:
            key = "idle_s" if received.seconds else "first_s"
            return server.late(getattr(options, key), "sound", key)

        async with client.open(opening, options.first_s, "first_s") as answer:
            received = Received(_rate_hz(answer.headers.get("content-type", ""), options.rate_hz), server.broken)
            await self._check(answer)
            async with aclosing(answer.iter_bytes()) as pieces:
                while piece := await step(anext(pieces, b""), options.idle_s if received.seconds else options.first_s, late):
                    if received.ended:
                        break
                    if block := received.add(piece):
                        yield block
                    if received.seconds > options.longest_s:
                        raise server.broken(f"speaks for more than {options.longest_s:g} s ({_SETTING}.longest_s)")
        if not received.seconds:
            raise server.broken(f"made no sound with voice {printable(voice.name)}")

    async def _check(self, answer: Any) -> None:
        """Raises: EngineError when what comes is no speech we can play, though the server says it succeeded."""
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _PLAYABLE:
            return
        server = self._client.server
        if kind.startswith("audio/"):
            raise server.broken(f"sends {printable(kind)}, not PCM or WAV; try {_SETTING}.response_format")
        said = message_of(await self._client.body(answer, _REFUSAL_BYTES, self._options.first_s, "first_s"))
        raise server.broken(f"sends {printable(kind) or 'something'} instead of speech{': ' if said else ''}{said}")


_PLAYABLE = ("", "audio/pcm", "audio/l16", "audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/raw", "audio/basic")
_PLAYABLE += ("application/octet-stream", "binary/octet-stream")


def _server(options: OpenAiTtsOptions, context: EngineContext) -> Remote:
    return remote(options, _SETTING, path="/v1", endpoints=_ENDPOINTS, example="http://HOST:8880/v1", context=context)


def _look(
    server: Remote, options: OpenAiTtsOptions, context: EngineContext, look: Callable[[], list[ServedModel]]
) -> tuple[list[ServedModel] | None, list[ListedVoice]]:
    """Models that speak, None when the server was never reached; and every voice, the default first, never without one. Blocking."""

    def ask() -> tuple[list[ServedModel], list[ListedVoice]]:
        models = of_task(look(), _TASK)
        listed = _first_of_each(models, options.model)
        for path in () if listed else _VOICE_LISTS:
            if listed := listed_voices(_or_nothing(server, path)):
                break
        return models, listed

    models, listed = offer(context, server, ask) or (None, [])
    known = {voice.name for voice in listed}
    listed = [*listed, *(ListedVoice(name) for name in dict.fromkeys(options.voices) if name not in known)]
    default = options.voice or ("" if listed else _API_VOICE)
    return models, ordered(listed, default, options.languages, context)


def _first(models: list[ServedModel]) -> str:
    names = [model.name for model in models]
    return _API_MODEL if _API_MODEL in names or not names else names[0]


def _or_nothing(server: Remote, path: str) -> Any:
    """A list of the server's; an empty one when it has no such list."""
    try:
        return fetch(server, path)
    except RefusedError as err:
        if err.status in (404, 405, 422, 501):
            return []
        raise


def _first_of_each(models: list[ServedModel], chosen: str) -> list[ListedVoice]:
    """The voices that models list themselves (Speaches); of voices with one name that of the chosen model, else the first."""
    found: dict[str, ListedVoice] = {}
    for model in sorted(models, key=lambda model: model.name != chosen):
        if not chosen or model.name == chosen:
            for voice in listed_voices(list(model.voices), model.name):
                found.setdefault(voice.name, voice)
    return list(found.values())


def _rate_hz(content_type: str, otherwise: int) -> int:
    """`audio/pcm;rate=16000` says it."""
    said = re.search(r";\s*rate=(\d{4,6})\b", content_type)
    return int(said[1]) if said and 4_000 <= int(said[1]) <= 192_000 else otherwise


def _checked(extra: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as err:
        raise SettingsError(f"{_SETTING}.extra cannot be sent: {err}") from None
    return extra
