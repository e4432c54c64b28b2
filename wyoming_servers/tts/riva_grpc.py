"""Speech synthesis by NVIDIA Riva: Magpie and others, streamed over gRPC."""

from collections.abc import Iterator
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineError, UnknownNameError
from ..shared.protocol import printable
from ..shared.recall import recall
from ..shared.remote import sendable
from ..shared.riva import Answers, RivaLink, Unary, check_address, offered
from ..shared.sentences import split
from .engine import AudioBlock, TtsEngine, TtsRequest
from .riva_voices import SETTING, STAND_IN, RivaTtsOptions, Voice, ask, listed, preferred, server

_SAMPLE_BYTES = 2


class RivaTtsEngine(TtsEngine):
    """NVIDIA's voices (Magpie in twelve languages, with moods) as Riva or Speech NIM containers serve them over gRPC.

    The server needs an NVIDIA GPU, a DGX Spark for example. Voices are those it tells; their moods (`Happy`, `Calm`) are speakers here.
    Read NVIDIA's terms before you use its containers for more than trying. With `function_id`, `key` and `tls` it can use NVIDIA's hosted
    models: then text leaves the house.
    """

    Options = RivaTtsOptions

    @classmethod
    def models(cls, options: RivaTtsOptions, context: EngineContext) -> list[Model]:
        """What the server tells, the default first; the settings' voice and language until it has been reached.

        Raises: EngineUnavailableError, SettingsError.
        """
        check_address(options, SETTING)
        voices = offered(options, SETTING, context, server(options), lambda: ask(options, context))
        return [listed(voice, options) for voice in preferred(voices or [_stand_in(options, context)], options, context)]

    def __init__(self, options: RivaTtsOptions, context: EngineContext) -> None:
        """Raises: SettingsError when a key or certificate cannot be read."""
        from riva.client.proto import riva_tts_pb2, riva_tts_pb2_grpc

        self._options = options
        self._context = context
        self._link = RivaLink(options, SETTING, context)
        self._stub: Any = riva_tts_pb2_grpc.RivaSpeechSynthesisStub(self._link.channel)
        self._messages: Any = riva_tts_pb2

    def synthesize(self, request: TtsRequest) -> "RivaSpeech":
        """Speech as it comes, sentence by sentence: models take no more than some hundred characters at once.

        Raises: UnknownNameError; while iterating PeerUnreachableError, DeadlineError, BusyError, EngineError.
        """
        voice = self._voice(request)
        name = voice.name if voice.name != STAND_IN else ""
        if request.speaker is not None:
            if request.speaker not in voice.moods:
                raise UnknownNameError(f"voice {voice.name} has no speaker {request.speaker!r}; there are: {', '.join(voice.moods)}")
            name = f"{name}.{request.speaker}"
        wishes = [
            self._messages.SynthesizeSpeechRequest(
                text=piece, language_code=voice.tags[0], encoding="LINEAR_PCM", sample_rate_hz=self._options.rate_hz, voice_name=name
            )
            for piece in split(_plain(request.text), voice.tags[0])
        ]
        return RivaSpeech(self._link, self._stub, self._options, wishes)

    def close(self) -> None:
        """Ends every call."""
        self._link.close()

    def _voice(self, request: TtsRequest) -> Voice:
        options, context = self._options, self._context
        voices = recall(context, server(options))
        if voices is None or all(voice.name != request.voice for voice in voices):
            self.models(options, context)
            voices = recall(context, server(options))
        voices = preferred(voices or [_stand_in(options, context)], options, context)
        if request.voice == STAND_IN:
            return voices[0]
        for voice in voices:
            if voice.name == request.voice:
                return voice
        some = ", ".join(voice.name for voice in voices[:8])
        raise UnknownNameError(f"no voice {printable(request.voice, 60)!r} at {options.uri}; there are: {some}")


class RivaSpeech(Iterator[AudioBlock]):
    """The blocks of one request; `cancel` may be called on another thread than the rest."""

    def __init__(self, link: RivaLink, stub: Any, options: RivaTtsOptions, wishes: list[Any]) -> None:
        self._link = link
        self._stub = stub
        self._options = options
        self._wishes = wishes
        self._call: Answers | Unary | None = None
        self._whole: Any | None = None
        self._left = b""
        self._given_up = False

    def __next__(self) -> AudioBlock:
        """The next block: 16-bit mono at the rate of the settings.

        Raises: StopIteration, PeerUnreachableError, DeadlineError, BusyError, EngineError.
        """
        while not self._given_up:
            if self._call is None:
                if not self._wishes:
                    raise StopIteration
                self._begin(self._wishes.pop(0))
            answer = self._answer()
            if answer is None:
                self._call, self._left = None, b""
                continue
            pcm = self._left + answer.audio
            whole = len(pcm) - len(pcm) % _SAMPLE_BYTES
            self._left = pcm[whole:]
            if whole:
                return AudioBlock(pcm[:whole], self._options.rate_hz)
        raise EngineError("the request was given up")

    def cancel(self) -> None:
        """Ends the call, and with it a `next` that waits."""
        self._given_up = True
        if self._call is not None:
            self._call.cancel()

    def close(self) -> None:
        """Ends the call if it is still under way."""
        self.cancel()
        self._wishes.clear()

    def _begin(self, wish: Any) -> None:
        timeout_s = self._options.timeout_s
        if self._options.streaming:
            self._call = self._link.stream(self._stub.SynthesizeOnline, [wish], timeout_s)
        else:
            self._call = self._link.call(self._stub.Synthesize, wish, timeout_s)
        if self._given_up:  # before the call could be seen
            self._call.cancel()

    def _answer(self) -> Any | None:
        if isinstance(self._call, Answers):
            return self._call.next(self._options.timeout_s, "speech")
        if self._whole is not None:
            self._whole = None
            return None
        assert self._call is not None
        self._whole = self._call.wait()
        return self._whole

    def __del__(self) -> None:
        self.cancel()  # of one that was dropped half way


def _stand_in(options: RivaTtsOptions, context: EngineContext) -> Voice:
    return Voice(options.voice or STAND_IN, (options.language or context.language,))


def _plain(text: str) -> str:
    """Text that Riva reads as it stands: a document with the tag <speak> would be taken as markup."""
    text = sendable(text)
    return text.replace("<", " ").replace(">", " ") if "<speak" in text.lower() else text
