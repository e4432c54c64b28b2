"""A Riva server as NVIDIA documents it, on gRPC's own server: it hears one sentence, speaks in a hum, and misbehaves when told to."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc, riva_tts_pb2, riva_tts_pb2_grpc
from riva.client.proto.riva_audio_pb2 import AudioEncoding

WAIT_S = 8.0
HEARS = "what time is it"
MOST_CHARS = 400
CHARACTER_S = 0.06
_WORD_BYTES = 8000  # a quarter of a second
_BLOCK_BYTES = 4411  # odd on purpose: half a sample waits for its other half
_WORKERS = 8
ASR_MODELS = (
    ("parakeet-ctc-1.1b-en-US-asr-offline", {"language_code": "en-US", "type": "offline"}),
    ("conformer-es-US-asr-streaming", {"language_code": "es-US", "type": "online"}),
    ("parakeet-ctc-1.1b-en-US-asr-streaming", {"language_code": "en-US", "type": "online"}),
    ("parakeet-rnnt-multi-asr-streaming", {"language_code": "de-DE, fr-FR, multi", "type": "online"}),
)
"""Names as `transcribe_file.py --list-models` of NVIDIA's clients prints them."""
TTS_MODELS = (
    (
        "magpie-multilingual",
        {
            "voice_name": "Magpie-Multilingual",
            "subvoices": "DE-DE.Leo:0,EN-US.Aria:1,EN-US.Aria.Happy:2,EN-US.Aria.Calm:3,EN-US.Ray:4",
            "language_code": "en-US,de-DE,fr-FR",
        },
    ),
    ("fastpitch", {"voice_name": "English-US", "subvoices": "Female-1:0", "language_code": "en-US"}),
)
"""As `talk.py --list-voices` of NVIDIA's clients reads them."""


class FakeRiva(riva_asr_pb2_grpc.RivaSpeechRecognitionServicer, riva_tts_pb2_grpc.RivaSpeechSynthesisServicer):
    """Both services. Its attributes are read by each call."""

    def __init__(self) -> None:
        self.asr_models: Any = ASR_MODELS
        self.tts_models: Any = TTS_MODELS
        self.trouble: grpc.StatusCode | None = None
        """Every call fails with it."""
        self.cut = False
        """Calls fail in the middle of their answers."""
        self.stuck = False
        """Calls wait until they are given up."""
        self.mute = False
        """Answers are empty."""
        self.wanted: dict[str, str] = {}
        """Metadata without which calls are refused."""
        self.sentences: tuple[str, ...] = (HEARS,)
        """What it hears, sentence by sentence."""
        self.confidence = 0.9
        self.asked: list[Any] = []
        """Every request's configuration."""
        self.heard = b""
        """The audio of the last utterance."""
        self.stuck_now = threading.Event()
        self.given_up = threading.Event()
        """A call that could not end has been given up by the client."""

    def GetRivaSpeechRecognitionConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._check(context)
        answer = riva_asr_pb2.RivaSpeechRecognitionConfigResponse()
        for name, parameters in self.asr_models:
            answer.model_config.add(model_name=name, parameters=parameters)
        return answer

    def GetRivaSynthesisConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._check(context)
        answer = riva_tts_pb2.RivaSynthesisConfigResponse()
        for name, parameters in self.tts_models:
            answer.model_config.add(model_name=name, parameters=parameters)
        return answer

    def Recognize(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._accept(request.config, context, "offline")
        self.heard = request.audio
        self._hang(context)
        answer = riva_asr_pb2.RecognizeResponse()
        for sentence in self.sentences if not self.mute else ():
            answer.results.add().alternatives.add(transcript=f"{sentence} ", confidence=self.confidence)
        return answer

    def StreamingRecognize(self, request_iterator: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        settings = next(request_iterator).streaming_config
        assert settings.interim_results
        self._accept(settings.config, context, "online")
        pcm, shown = b"", 0
        for request in request_iterator:
            pcm += request.audio_content
            words = " ".join(self.sentences).split()[: len(pcm) // _WORD_BYTES]
            if len(words) > shown and not self.mute:
                shown = len(words)
                yield _interim(words)
                if self.cut:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        self.heard = pcm
        self._hang(context)
        for sentence in self.sentences if not self.mute else ():
            answer = riva_asr_pb2.StreamingRecognizeResponse()
            result = answer.results.add(is_final=True)
            result.alternatives.add(transcript=f"{sentence} ", confidence=self.confidence)
            yield answer
        yield riva_asr_pb2.StreamingRecognizeResponse()

    def Synthesize(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._accept_text(request, context)
        self._hang(context)
        return riva_tts_pb2.SynthesizeSpeechResponse(audio=b"" if self.mute else _hum(request))

    def SynthesizeOnline(self, request_iterator: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        if self.stuck:
            context.add_callback(self.given_up.set)
        for request in request_iterator:
            self._accept_text(request, context)
            pcm = b"" if self.mute else _hum(request)
            for number, first in enumerate(range(0, len(pcm), _BLOCK_BYTES)):
                yield riva_tts_pb2.SynthesizeSpeechResponse(audio=pcm[first : first + _BLOCK_BYTES])
                if self.cut:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
                if not number:
                    self._hang(context)

    def _check(self, context: Any) -> None:
        given = dict(context.invocation_metadata())
        if any(given.get(name) != value for name, value in self.wanted.items()):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "invalid API key")
        if self.trouble:
            context.abort(self.trouble, "the trouble that was asked for")

    def _accept(self, config: Any, context: Any, kind: str) -> None:
        self._check(context)
        self.asked.append(config)
        known = [
            name
            for name, parameters in self.asr_models
            if config.model in ("", name)
            and parameters["type"] == kind
            and config.language_code in [tag.strip() for tag in parameters["language_code"].split(",")]
        ]
        if not known or config.sample_rate_hertz != 16_000 or config.encoding != AudioEncoding.LINEAR_PCM:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"Error: Unavailable model requested: {kind}, {config.language_code}")

    def _accept_text(self, request: Any, context: Any) -> None:
        self._check(context)
        self.asked.append(request)
        names = {
            f"{parameters['voice_name']}.{part.split(':')[0]}"
            for _, parameters in self.tts_models
            for part in parameters["subvoices"].split(",")
        }
        if request.voice_name not in names | {""}:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"Voice {request.voice_name} not found")
        if request.sample_rate_hz not in (22_050, 44_100):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"Sample rate {request.sample_rate_hz} is not supported")
        if len(request.text) > MOST_CHARS:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Input text too long")

    def _hang(self, context: Any) -> None:
        if self.stuck:
            over = threading.Event()
            if not context.add_callback(over.set):
                over.set()
            self.stuck_now.set()
            over.wait(WAIT_S)
            self.given_up.set()


def _interim(words: list[str]) -> Any:
    """What is stable and what is not, as Riva sends them apart."""
    answer = riva_asr_pb2.StreamingRecognizeResponse()
    for part, stability in ((words[:-1], 0.9), (words[-1:], 0.1)):
        if part:
            answer.results.add(is_final=False, stability=stability).alternatives.add(transcript=" ".join(part) + " ")
    return answer


def _hum(request: Any) -> bytes:
    count = int(len(request.text) * CHARACTER_S * request.sample_rate_hz)
    wave = np.sin(np.arange(count) * (2 * np.pi * 220 / request.sample_rate_hz)) * 8000
    return wave.astype("<i2").tobytes()


class RunningRiva:
    """A fake that can be taken down and brought up again on the same port."""

    def __init__(self, fake: FakeRiva, tls: tuple[bytes, bytes] | None = None) -> None:
        """tls: private key and certificate, as PEM."""
        self.fake = fake
        self.uri = "127.0.0.1:0"
        self._tls = tls
        self._server: Any = None
        self._pool: ThreadPoolExecutor | None = None

    def up(self) -> None:
        """Listens."""
        self._pool = ThreadPoolExecutor(_WORKERS)
        together = threading.Barrier(_WORKERS)
        for future in [self._pool.submit(together.wait, WAIT_S) for _ in range(_WORKERS)]:
            future.result()  # all threads are there before a test counts them
        self._server = grpc.server(self._pool, options=(("grpc.so_reuseport", 0),))
        riva_asr_pb2_grpc.add_RivaSpeechRecognitionServicer_to_server(self.fake, self._server)
        riva_tts_pb2_grpc.add_RivaSpeechSynthesisServicer_to_server(self.fake, self._server)
        if self._tls:
            port = self._server.add_secure_port(self.uri, grpc.ssl_server_credentials([self._tls]))
        else:
            port = self._server.add_insecure_port(self.uri)
        self.uri = f"127.0.0.1:{port}"
        self._server.start()

    def down(self) -> None:
        """Is gone, with all its connections."""
        if self._server is not None:
            self._server.stop(grace=None).wait(WAIT_S)
            self._server = None
        if self._pool is not None:
            self._pool.shutdown()


@contextmanager
def running(tls: tuple[bytes, bytes] | None = None) -> Iterator[RunningRiva]:
    """A fake that listens."""
    server = RunningRiva(FakeRiva(), tls)
    server.up()
    try:
        yield server
    finally:
        server.down()
