"""Speech recognition by another Wyoming server."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event

from ..shared.audio import INSIDE
from ..shared.client import WyomingClient
from ..shared.engines import EngineContext, Model
from ..shared.errors import DeadlineError, EngineError, PeerError, PeerUnreachableError, UnknownNameError
from ..shared.gate import Gate
from ..shared.portal import Call, Portal
from ..shared.protocol import printable
from ..shared.remote import sendable
from ..shared.schema import option
from ..shared.tasks import cancel
from ..shared.upstream import STAND_IN, ask_for_models, check_uri, known_models, preferred, stand_in
from .engine import AsrEngine, AsrRequest, AsrStream, Transcription
from .languages import matching
from .onset import Onset

T = TypeVar("T")
_LAST_WORDS_S = 0.5  # a server that says why it hangs up has said so by then
_SEND_S = 15.0  # a server that reads nothing is given up after 10 s by the connection itself


@dataclass(frozen=True)
class WyomingOptions:
    """Settings of the wyoming engine of speech recognition."""

    uri: str = option("", "address of the other server: tcp://HOST:PORT or unix:///PATH")
    model: str = option("", "the model used when a client names none; empty means the first that knows the house's language")
    language: str = option("", "language that is offered until the other server has been reached; empty means the house's")
    speech: float = option(
        0.5, "probability above which 32 ms count as speech; nothing is sent before the first; 0 sends everything", minimum=0, maximum=0.95
    )
    connect_s: float = option(2.0, "seconds to wait for a connection, and for the list of models", minimum=0.1, maximum=60)
    timeout_s: float = option(15.0, "seconds to wait for the transcript once all audio has been sent", minimum=0.1, maximum=600)


class WyomingEngine(AsrEngine):
    """Any other Wyoming speech recogniser, for example `wyoming-faster-whisper` on a larger machine, under this server's address.

    Its models and languages are listed as its own; audio is sent while you speak, on a connection per request. Nothing is sent before
    somebody speaks. While it cannot be reached, requests fail at once with its address; what it offers is asked for again every
    15 seconds. Sound goes to that machine; licences are those of what runs there.
    """

    Options = WyomingOptions
    streams_partials = True
    settles_after = 3

    @classmethod
    def models(cls, options: WyomingOptions, context: EngineContext) -> list[Model]:
        """What the other server lists, the default first; the settings' model and language until it has been reached.

        Raises: EngineUnavailableError, SettingsError.
        """
        check_uri("asr", options.uri)
        models = ask_for_models("asr", options.uri, context, options.connect_s)
        if models is None:
            return [stand_in(options.uri, options.model, options.language or context.language)]
        return preferred(models, options.model, context.language)

    def __init__(self, options: WyomingOptions, context: EngineContext) -> None:
        self.options = options
        self.gate = context.gate("asr")
        self._context = context
        self.portal = Portal("asr wyoming")

    def open(self, request: AsrRequest) -> "WyomingStream":
        """Begins an utterance; the connection is made when somebody speaks.

        Raises: UnsupportedLanguageError, UnknownNameError.
        """
        model, language = self._choose(request)
        wish = Transcribe(
            name=model,
            language=language,
            context={"earshot_partials": True, "earshot_end_of_speech": False},
            transcript_names=[sendable(name) for name in request.names] or None,
            transcript_terms=[sendable(term) for term in request.terms] or None,
        )
        return WyomingStream(self, wish)

    def close(self) -> None:
        """Hangs up whatever is left."""
        self.portal.close()

    def _choose(self, request: AsrRequest) -> tuple[str | None, str]:
        """Model and language to ask for. What the server has never told is left to it."""
        options, context = self.options, self._context
        if (told := known_models("asr", options.uri, context)) is None:
            models = self.models(options, context)
            told = known_models("asr", options.uri, context)
        else:
            models = preferred(told, options.model, context.language)
        fitting = [model for model in models if request.model in (None, STAND_IN, model.name)]
        if not fitting:
            there = ", ".join(model.name for model in models[:20])
            raise UnknownNameError(f"no model {printable(str(request.model))!r} at {options.uri}; there are: {there}")
        house = request.language or context.language
        tag = matching(house, [tag for model in fitting for tag in model.languages])
        model = next(model for model in fitting if tag in model.languages)
        return (model.name if told else options.model or None), tag


class WyomingStream(AsrStream):
    """One utterance: a connection of its own from the first speech to the transcript."""

    def __init__(self, engine: WyomingEngine, wish: Transcribe) -> None:
        self._portal = engine.portal
        self._gate = engine.gate
        self._options = engine.options
        self._wish = wish
        self._onset = Onset(engine.options.speech)
        self._dialogue: _Dialogue | None = None
        self._hypothesis = ""
        self._waiting: Call[Any] | None = None
        self._given_up = False
        self._lock = threading.Lock()

    def feed(self, samples: np.ndarray) -> str | None:
        """Sends (n,) int16 mono 16 kHz on; returns the server's hypothesis when it has sent another one.

        Raises: PeerUnreachableError, PeerError, EngineError when it was given up.
        """
        sound = self._onset.take(samples)
        if len(sound):
            self._run(self._send(sound.astype("<i2").tobytes()), self._options.connect_s + _SEND_S)
        if self._dialogue is None or self._dialogue.hypothesis == self._hypothesis:
            return None
        self._hypothesis = self._dialogue.hypothesis
        return self._hypothesis

    def finish(self) -> Transcription:
        """The transcript; empty when nobody spoke.

        Raises: DeadlineError, PeerUnreachableError, PeerError, EngineError when it was given up.
        """
        if self._dialogue is None:
            return Transcription("", None, self._wish.language)
        heard = self._run(self._dialogue.ask(self._options.timeout_s), self._options.timeout_s + _SEND_S)
        return Transcription(heard.text, None, heard.language or self._wish.language)

    def cancel(self) -> None:
        """Ends a `feed` or `finish` that waits, at once, and every later one."""
        with self._lock:
            self._given_up = True
            if self._waiting is not None:
                self._waiting.cancel()

    def close(self) -> None:
        """Hangs up, which the server takes as giving up."""
        if self._dialogue is not None:
            self._portal.start(self._dialogue.close())

    async def _send(self, pcm: bytes) -> None:
        if self._dialogue is None:
            dialogue = self._dialogue = _Dialogue(self._options.uri, self._gate)
            await dialogue.begin(self._wish, self._options.connect_s)
        await self._dialogue.send(pcm)

    def _run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        with self._lock:
            if self._given_up:
                work.close()
                raise EngineError("the request was given up")
            waiting = self._waiting = self._portal.start(work)
        return waiting.wait(timeout_s)


class _Dialogue:
    """One request to the server; on the portal's loop."""

    def __init__(self, uri: str, gate: Gate | None) -> None:
        self._uri = uri
        self._gate = gate
        self._client: WyomingClient | None = None
        self._listening: asyncio.Task[Transcription] | None = None
        self.hypothesis = ""

    async def begin(self, wish: Transcribe, timeout_s: float) -> None:
        self._client = await WyomingClient.connect(self._uri, timeout_s, gate=self._gate)
        self._listening = asyncio.create_task(self._listen(self._client), name=f"listen to {self._uri}")
        await self._tell(wish.event())
        await self._tell(AudioStart(INSIDE.rate_hz, INSIDE.width_bytes, INSIDE.channels).event())

    async def send(self, pcm: bytes) -> None:
        """More audio; dropped once the server has answered, for it may find the end of speech itself."""
        await self._tell(AudioChunk(INSIDE.rate_hz, INSIDE.width_bytes, INSIDE.channels, pcm).event())

    async def ask(self, timeout_s: float) -> Transcription:
        """There is no more audio: the transcript."""
        if self._listening is None:
            raise PeerUnreachableError(f"{self._uri} could not be reached when the speech began")
        await self._tell(AudioStop().event())
        done, _ = await asyncio.wait((self._listening,), timeout=timeout_s)
        if not done:
            raise DeadlineError(f"{self._uri} gave no transcript within {timeout_s:g} s")
        return self._listening.result()

    async def close(self) -> None:
        await cancel(self._listening)
        if self._client is not None:
            await self._client.close()

    async def _tell(self, event: Event) -> None:
        assert self._client is not None and self._listening is not None
        if self._listening.done():
            self._listening.result()  # raises what the server has said, or that it is gone
            return
        try:
            await self._client.send(event)
        except PeerUnreachableError:
            done, _ = await asyncio.wait((self._listening,), timeout=_LAST_WORDS_S)
            if not done:
                raise
            self._listening.result()

    async def _listen(self, client: WyomingClient) -> Transcription:
        """Reads until the transcript. Standard chunks add up; Earshot's own hypotheses replace each other."""
        settled, replaced = "", False
        language: str | None = None
        while True:
            event = await client.receive(None)
            if event.type == "transcript":
                return Transcription(" ".join(_text(event, self._uri).split()), None, _language(event) or language)
            if event.type == "transcript-start":
                settled, language = "", _language(event)
            elif event.type == "transcript-chunk":
                settled += _text(event, self._uri)
                if not replaced:
                    self.hypothesis = " ".join(settled.split())
            elif event.type == "earshot-partial":
                self.hypothesis, replaced = " ".join(_text(event, self._uri).split()), True
            elif event.type == "transcript-stop":
                return Transcription(" ".join(settled.split()), None, language)


def _text(event: Event, uri: str) -> str:
    text = event.data.get("text")
    if not isinstance(text, str):
        raise PeerError(f"{uri} sent a {event.type} without text")
    return text


def _language(event: Event) -> str | None:
    language = event.data.get("language")
    return language if isinstance(language, str) and language else None
