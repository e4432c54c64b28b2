"""Microsoft's VibeVoice realtime server, as its demo/web/app.py has it: `WS /stream?text=…&cfg=…&steps=…&voice=…` and `GET /config`."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..shared.engines import EngineContext, Model
from ..shared.errors import BusyError, DeadlineError, UnknownNameError
from ..shared.http_client import HttpClient
from ..shared.protocol import printable
from ..shared.remote import Remote, RemoteOptions, fetch, offer, remote, sendable, step
from ..shared.schema import option
from .engine import AudioBlock, TtsEngine, TtsRequest
from .listed_voices import ListedVoice, described, listed_voices, ordered
from .received import Received

_LOGGER = logging.getLogger(__name__)
_SETTING = "tts.engines.vibevoice"
_ENDPOINTS = ("/stream", "/config")
_RATE_HZ = 24_000
_TEXT_BYTES = 6000  # in the request line, which uvicorn's websockets limit to 8192
_VOICE = re.compile(r"([a-z]{2})-\w")
_LANGUAGES = {"in": "en-IN", "jp": "ja", "kr": "ko", "sp": "es"}
"""Prefixes of its voices that are no language tags: `in-Samuel_man`."""
_USUAL_VOICE = "en-Carter_man"
_AUTHOR = "Microsoft VibeVoice"
_TRY_AGAIN_CLOSE = 1013
_GOOD_CLOSES = (None, 1000, 1005)
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5


@dataclass(frozen=True)
class VibeVoiceOptions(RemoteOptions):
    """Settings of the vibevoice engine."""

    uri: str = option("", "address of the VibeVoice realtime server, for example ws://HOST:3000")
    voice: str = option("", "default voice, for example en-Carter_man; empty means one of the house's language")
    cfg: float = option(1.5, "how closely speech follows the voice; more is clearer and flatter", minimum=0.1, maximum=10)
    steps: int = option(
        0, "diffusion steps per piece of sound; fewer are faster and rougher, 0 is the server's own setting", maximum=100, minimum=0
    )
    first_s: float = option(10.0, "seconds to wait for the first sound", minimum=0.1, maximum=300)
    idle_s: float = option(5.0, "seconds to wait for each further piece of sound", minimum=0.1, maximum=300)
    busy_s: float = option(
        5.0, "seconds to wait while the server speaks for somebody else; it serves one at a time", minimum=0, maximum=300
    )
    longest_s: float = option(
        120.0, "seconds of speech one sentence may give; a server that never ends is cut there", minimum=1, maximum=3600
    )


class VibeVoiceEngine(TtsEngine):
    """VibeVoice-Realtime-0.5B, run by Microsoft's realtime demo server on a machine with a GPU.

    Its voice sounds natural and is heard about 0.3 s after the text is there. The server speaks for one at a time: sentences wait
    for each other. The model is under the MIT licence; Microsoft means it for research and asks not to use it without tests, nor to
    imitate people. English is its language, the voices of nine others are experimental.
    """

    Options = VibeVoiceOptions

    @classmethod
    def models(cls, options: VibeVoiceOptions, context: EngineContext) -> list[Model]:
        """The server's voices now; of a server that cannot be reached, the default alone.

        Raises: EngineUnavailableError without an address; SettingsError.
        """
        server = _server(options, context)
        return [described(voice, _AUTHOR, server.base) for voice in _look(server, options, context)]

    def __init__(self, options: VibeVoiceOptions, context: EngineContext) -> None:
        """Looks for the server; one that is down is only warned of. Raises: EngineUnavailableError, SettingsError."""
        self._options = options
        self._context = context
        self._client = HttpClient(_server(options, context), "tts vibevoice")
        self._turn = asyncio.Lock()
        self._voices = _look(self._client.server, options, context)
        names = [voice.name for voice in self._voices]
        if options.voice and options.voice not in names:
            _LOGGER.warning("%s has no voice %s; it has: %s", self._client.server, options.voice, ", ".join(names))

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech, block by block as the server makes it.

        Raises: UnknownNameError; PeerUnreachableError, DeadlineError, BusyError, EngineError when the server fails.
        """
        self._check(request)
        options = self._options
        longest_step_s = options.first_s + 2 * options.busy_s + options.connect_s + options.idle_s + 5
        return self._client.portal.iterate(self._speech(sendable(request.text), request.voice), longest_step_s)

    def close(self) -> None:
        """Hangs up."""
        self._client.close()

    def _check(self, request: TtsRequest) -> None:
        """The server would speak with another voice instead of one it does not have."""
        if request.voice not in [voice.name for voice in self._voices]:
            self._voices = _look(self._client.server, self._options, self._context)
        names = [voice.name for voice in self._voices]
        if request.voice not in names:
            raise UnknownNameError(f"{self._client.server} has no voice {printable(request.voice)!r}; there are: {', '.join(names)}")
        if request.speaker is not None:
            raise UnknownNameError(f"voice {request.voice} has no speaker {printable(request.speaker)!r}; it has only one")

    async def _speech(self, text: str, voice: str) -> AsyncGenerator[AudioBlock, None]:
        spoken = False
        for piece in _pieces(text):
            async with self._place(), aclosing(self._spoken(piece, voice)) as blocks:
                async for block in blocks:
                    spoken = True
                    yield block
        if not spoken:
            raise self._client.server.broken(f"made no sound with voice {printable(voice)}")

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """The turn of one request; the server sends away who comes while it speaks."""
        await step(self._turn.acquire(), self._options.first_s + self._options.busy_s, self._busy)
        try:
            yield
        finally:
            self._turn.release()

    async def _spoken(self, text: str, voice: str) -> AsyncGenerator[AudioBlock, None]:
        """One connection's speech; tried again while the server speaks for somebody else, or still for one who hung up."""
        options, now = self._options, asyncio.get_running_loop().time
        params = {"text": text, "cfg": f"{options.cfg:g}", "voice": voice}
        if options.steps:
            params["steps"] = str(options.steps)
        try_until, pause_s = now() + options.busy_s, _FIRST_PAUSE_S
        while True:
            received = Received(_RATE_HZ, self._client.server.broken)
            async with (
                self._client.socket("/stream", params, options.first_s, "first_s") as socket,
                aclosing(self._blocks(socket, received)) as blocks,
            ):
                async for block in blocks:
                    yield block
            if received.seconds or socket.close_code != _TRY_AGAIN_CLOSE:
                return
            if now() + pause_s > try_until:
                raise self._busy()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _blocks(self, socket: Any, received: Received) -> AsyncGenerator[AudioBlock, None]:
        """Sound up to the end of a connection. Between pieces of it come log messages, which do not count as progress."""
        options, server, now = self._options, self._client.server, asyncio.get_running_loop().time
        waited_s = 0.0

        def late() -> DeadlineError:
            key = "idle_s" if received.seconds else "first_s"
            return server.late(getattr(options, key), "sound", key)

        while True:
            begun = now()
            message = await step(socket.receive(), (options.idle_s if received.seconds else options.first_s) - waited_s, late)
            waited_s += now() - begun
            kind = message.type.name
            if kind == "BINARY":
                waited_s = 0.0
                if block := received.add(message.data):
                    yield block
                if received.seconds > options.longest_s:
                    raise server.broken(f"speaks for more than {options.longest_s:g} s ({_SETTING}.longest_s)")
            elif kind == "TEXT":
                self._log(message.data)
            else:
                break
        if socket.close_code not in _GOOD_CLOSES and (received.seconds or socket.close_code != _TRY_AGAIN_CLOSE):
            raise server.broken(f"hung up in the middle of a sentence (WebSocket code {socket.close_code})")

    def _log(self, text: str) -> None:
        """Takes what the server tells of itself. Raises: EngineError when it says that it failed."""
        try:
            told = json.loads(text)
            event, data = str(told["event"]), told.get("data") or {}
            said = printable(str(data.get("message", "")))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            _LOGGER.debug("%s sent text that is no log message", self._client.server)
            return
        if event in ("generation_error", "backend_error"):
            raise self._client.server.broken(f"could not speak: {said}")

    def _busy(self) -> BusyError:
        options = self._options
        return BusyError(f"{self._client.server} speaks for somebody else; it was not free within {options.busy_s:g} s ({_SETTING}.busy_s)")


def _server(options: VibeVoiceOptions, context: EngineContext) -> Remote:
    return remote(options, _SETTING, endpoints=_ENDPOINTS, example="ws://HOST:3000", context=context)


def _look(server: Remote, options: VibeVoiceOptions, context: EngineContext) -> list[ListedVoice]:
    """Every voice of the server, the default first; of one that was never reached, the default alone. Blocking."""
    config = offer(context, server, lambda: fetch(server, "/config"))
    listed = [ListedVoice(voice.name, _languages(voice.name)) for voice in listed_voices(config)]
    names = [voice.name for voice in listed]
    usual = config.get("default_voice") if isinstance(config, dict) else None
    if options.voice in names:
        usual = options.voice
    elif usual not in names or context.language not in _languages(usual):
        usual = ""
    return ordered(listed, usual, (), context) or _unlisted(options, context)


def _unlisted(options: VibeVoiceOptions, context: EngineContext) -> list[ListedVoice]:
    name = options.voice or _USUAL_VOICE
    return ordered([ListedVoice(name, _languages(name))], name, (), context)


def _languages(name: str) -> tuple[str, ...]:
    prefix = _VOICE.match(name)
    return (_LANGUAGES.get(prefix[1], prefix[1]),) if prefix else ()


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that fit into the address of a request."""
    piece, room = "", _TEXT_BYTES
    for word in re.findall(r"\S+\s*|\s+", text):
        for part in (word[start : start + _TEXT_BYTES // 12] for start in range(0, len(word), _TEXT_BYTES // 12)):
            size = len(quote(part))
            if size > room:
                yield piece
                piece, room = "", _TEXT_BYTES
            piece += part
            room -= size
    if piece.strip():
        yield piece
