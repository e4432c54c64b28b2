"""A server with OpenAI's audio API, as Speaches, vLLM, NVIDIA NIM and Kokoro-FastAPI have it. It speaks with espeak-ng."""

import asyncio
import io
import json
import struct
import wave
from typing import Any

import numpy as np
from aiohttp import web
from fake_web import FakeWeb, status
from speech import speak

from wyoming_servers.shared.audio import AudioFormat, Converter

PCM_RATE_HZ = 24_000
KOKORO_VOICES = ("jf_alpha", "af_heart", "am_adam", "bf_emma")


class FakeOpenAi(FakeWeb):
    """Hears `says` in all speech, and what Whisper hears in silence in all else."""

    def __init__(self) -> None:
        super().__init__()
        self.says = "What time is it?"
        self.models: list[dict[str, Any]] | None = [{"id": "whisper-1", "object": "model", "owned_by": "tests"}]
        """None: there is no such list (NVIDIA NIM)."""
        self.formats = {"json", "verbose_json", "text"}
        """Others are refused as vLLM does."""
        self.segment = {"avg_logprob": -0.2, "no_speech_prob": 0.01, "compression_ratio": 1.1}
        """What verbose JSON tells of the text."""
        self.voices: Any = {"voices": [{"id": name, "name": name} for name in KOKORO_VOICES]}
        """None: there is no such list."""
        self.forms: list[dict[str, Any]] = []
        """The fields of every transcription, `file` as (n,) int16."""
        self.bodies: list[dict[str, Any]] = []
        """The JSON of every speech request."""
        self.piece_bytes = 3001  # odd, so that samples are cut
        self.app.router.add_get("/v1/models", self._models)
        self.app.router.add_get("/v1/audio/voices", self._voices)
        self.app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        self.app.router.add_post("/v1/audio/speech", self._speak)

    @property
    def uri(self) -> str:
        return f"{super().uri}/v1"

    async def _models(self, _: web.Request) -> web.StreamResponse:
        if self.models is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response({"object": "list", "data": self.models})

    async def _voices(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"detail": "Not Found"}, status=404) if self.voices is None else web.json_response(self.voices)

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        form: dict[str, Any] = dict(await request.post())
        assert form["file"].content_type == "audio/wav"
        with wave.open(io.BytesIO(form["file"].file.read())) as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (16_000, 2, 1)
            form["file"] = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        self.forms.append(form)
        names = [model["id"] for model in self.models or ()]
        if names and form.get("model") not in names:
            said = f"Model '{form.get('model')}' is not installed locally. You can download the model using `POST /v1/models`"
            return await status(404, {"detail": said})(request)
        if form.get("response_format") not in self.formats:
            return await status(400, {"error": {"message": "Currently do not support verbose_json", "type": "BadRequestError"}})(request)
        text = self.says if np.abs(form["file"]).max(initial=0) > 500 else "Thanks for watching!"
        if form.get("stream") == "true":
            return await self._stream(request, text)
        return self._transcript(form, f" {text}")

    def _transcript(self, form: dict[str, Any], text: str) -> web.StreamResponse:
        if form["response_format"] == "text":
            return web.Response(text=f"{text}\n")
        if form["response_format"] == "json":
            return web.json_response({"text": text})
        segments = [{"id": 0, "seek": 0, "start": 0.0, "end": 1.0, "text": text, "tokens": [], "temperature": 0.0} | self.segment]
        return web.json_response(
            {"task": "transcribe", "language": "english", "duration": 1.0, "text": text, "segments": segments if text.strip() else []}
        )

    async def _stream(self, request: web.Request, text: str) -> web.StreamResponse:
        """OpenAI's events."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in text.split():
            await response.write(_event({"type": "transcript.text.delta", "delta": f"{word} "}))
        await response.write(_event({"type": "transcript.text.done", "text": text}))
        await response.write_eof()
        return response

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.bodies.append(asked)
        kind = asked.get("response_format", "mp3")
        if kind not in ("pcm", "wav"):
            return await status(400, {"detail": {"error": "validation_error", "message": f"no {kind} here"}})(request)
        pcm = await asyncio.to_thread(spoken, asked["input"], PCM_RATE_HZ)
        response = web.StreamResponse(headers={"Content-Type": f"audio/{kind}", "Transfer-Encoding": "chunked"})
        await response.prepare(request)
        sound = (wav_header(PCM_RATE_HZ) if kind == "wav" else b"") + pcm
        for start in range(0, len(sound), self.piece_bytes):
            await response.write(sound[start : start + self.piece_bytes])
        await response.write_eof()
        return response


def spoken(text: str, rate_hz: int) -> bytes:
    """The text as raw PCM."""
    converter = Converter(AudioFormat(16_000, 2, 1), rate_hz)
    return np.concatenate((converter.convert(speak(text).tobytes()), converter.flush())).astype("<i2").tobytes()


def wav_header(rate_hz: int, size: int = 0xFFFFFFFF, channels: int = 1, bits: int = 16, kind: int = 1) -> bytes:
    """As streams have it: the length is not known."""
    frame = channels * bits // 8
    layout = struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * frame, frame, bits)
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", size)


def _event(data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
