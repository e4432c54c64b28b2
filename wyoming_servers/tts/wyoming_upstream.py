"""Voices of another Wyoming server."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice

from ..shared.audio import AudioFormat, Converter
from ..shared.client import WyomingClient
from ..shared.engines import EngineContext, Model
from ..shared.errors import InvalidRequestError, PeerError, UnknownNameError
from ..shared.portal import Portal
from ..shared.protocol import printable
from ..shared.remote import sendable
from ..shared.schema import option
from ..shared.upstream import STAND_IN, ask_for_models, check_uri, known_models, preferred, stand_in
from .engine import AudioBlock, TtsEngine, TtsRequest

_GRACE_S = 5.0  # the connection has time limits of its own and says more


@dataclass(frozen=True)
class WyomingOptions:
    """Settings of the wyoming engine of speech synthesis."""

    uri: str = option("", "address of the other server: tcp://HOST:PORT or unix:///PATH")
    voice: str = option("", "the voice used when a client names none; empty means the first that speaks the house's language")
    language: str = option("", "language that is offered until the other server has been reached; empty means the house's")
    connect_s: float = option(2.0, "seconds to wait for a connection, and for the list of voices", minimum=0.1, maximum=60)
    timeout_s: float = option(10.0, "seconds to wait for the first, and each further, piece of sound", minimum=0.1, maximum=600)


class WyomingEngine(TtsEngine):
    """The voices of any other Wyoming server, for example `wyoming-piper` on a larger machine, under this server's address.

    Its voices and speakers are listed as its own; sound is passed on as it comes. This server cuts the text into sentences, so the
    other one need not stream. While it cannot be reached, requests fail at once with its address; what it offers is asked for
    again every 15 seconds. Text goes to that machine; licences are those of what runs there.
    """

    Options = WyomingOptions

    @classmethod
    def models(cls, options: WyomingOptions, context: EngineContext) -> list[Model]:
        """What the other server lists, the default first; the settings' voice and language until it has been reached.

        Raises: EngineUnavailableError, SettingsError.
        """
        check_uri("tts", options.uri)
        voices = ask_for_models("tts", options.uri, context, options.connect_s)
        if voices is None:
            return [stand_in(options.uri, options.voice, options.language or context.language)]
        return preferred(voices, options.voice, context.language)

    def __init__(self, options: WyomingOptions, context: EngineContext) -> None:
        self._options = options
        self._context = context
        self._portal = Portal("tts wyoming")

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech as it comes, on a connection of its own, which ends with the iterator.

        Raises: UnknownNameError; while iterating PeerUnreachableError, PeerError, DeadlineError.
        """
        options = self._options
        return self._portal.iterate(self._speak(self._wish(request)), options.connect_s + options.timeout_s + _GRACE_S)

    def close(self) -> None:
        """Hangs up whatever is left."""
        self._portal.close()

    def _wish(self, request: TtsRequest) -> Event:
        """What to ask for. What the server has never told is left to it."""
        options, context = self._options, self._context
        listed = known_models("tts", options.uri, context)
        if listed is None or all(voice.name != request.voice for voice in listed):
            listed = self.models(options, context)
        names = [voice.name for voice in listed]
        name: str | None = request.voice
        if name == STAND_IN:
            name = options.voice or (names[0] if names != [STAND_IN] else None)
        elif name not in names:
            raise UnknownNameError(f"no voice {printable(request.voice, 60)!r} at {options.uri}; there are: {', '.join(names[:8])}")
        voice = SynthesizeVoice(name, speaker=request.speaker) if name else None
        return Synthesize(sendable(request.text), voice).event()

    async def _speak(self, wish: Event) -> AsyncGenerator[AudioBlock, None]:
        uri, timeout_s = self._options.uri, self._options.timeout_s
        sound = _Sound(uri)
        async with await WyomingClient.connect(uri, self._options.connect_s, gate=self._context.gate("tts")) as client:
            await client.send(wish)
            while (event := await client.receive(timeout_s)).type != "audio-stop":
                if event.type in ("audio-start", "audio-chunk") and (block := sound.take(event)):
                    yield block
            if block := sound.rest():
                yield block


class _Sound:
    """The audio events of one answer as blocks: 16-bit mono at the rate it began with, whatever is sent."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._rate_hz = 0
        self._converter: Converter | None = None

    def take(self, event: Event) -> AudioBlock | None:
        data = event.data
        try:
            source = AudioFormat(data.get("rate"), data.get("width"), data.get("channels"))  # type: ignore[arg-type]
        except InvalidRequestError as err:
            raise PeerError(f"{self._uri}: {err}") from None
        pcm = b""
        if self._converter is None or source != self._converter.source:
            pcm = self._flush()
            self._rate_hz = self._rate_hz or source.rate_hz
            self._converter = Converter(source, self._rate_hz)
        pcm += self._converter.convert(event.payload or b"").astype("<i2").tobytes()
        return AudioBlock(pcm, self._rate_hz) if pcm else None

    def rest(self) -> AudioBlock | None:
        """What the resampler still holds."""
        pcm = self._flush()
        return AudioBlock(pcm, self._rate_hz) if pcm else None

    def _flush(self) -> bytes:
        return self._converter.flush().astype("<i2").tobytes() if self._converter else b""
