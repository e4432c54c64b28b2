"""whisper.cpp's whisper-server, as its examples/server has it."""

import io
import math
import wave
from typing import Any

import numpy as np
from aiohttp import web
from fake_web import FakeWeb


class FakeWhisperCpp(FakeWeb):
    """Hears `lines` in all speech, each a segment."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = [" What time", " is it?"]
        self.probability = 0.9
        self.healthy = True
        """False: there is no `/health`, as before 2025."""
        self.forms: list[dict[str, Any]] = []
        """The fields of every request, `file` as (n,) int16."""
        self.app.router.add_post("/inference", self._inference)
        self.app.router.add_get("/health", self._health)

    async def _health(self, _: web.Request) -> web.StreamResponse:
        if self.healthy:
            return web.json_response({"status": "ok"})
        return web.Response(status=404, text="File Not Found (/health)")

    async def _inference(self, request: web.Request) -> web.StreamResponse:
        form: dict[str, Any] = dict(await request.post())
        if "file" not in form:
            return web.Response(status=400, text="Invalid request")
        with wave.open(io.BytesIO(form["file"].file.read())) as file:
            form["file"] = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        self.forms.append(form)
        lines = self.lines if np.abs(form["file"]).max(initial=0) > 500 else [" [BLANK_AUDIO]"]
        text = "".join(f"{line}\n" for line in lines)
        kind = form.get("response_format", "json")
        if kind == "text":
            return web.Response(text=text, content_type="text/html", charset="utf-8")
        if kind == "json":
            return web.json_response({"text": text})
        logprob = math.log(self.probability)
        segments = [
            {"id": number, "text": line, "start": 0.0, "end": 1.0, "words": [], "tokens": [], "temperature": 0.0}
            | {"avg_logprob": logprob, "no_speech_prob": 0.01}
            for number, line in enumerate(lines)
        ]
        return web.json_response({"task": "transcribe", "language": "english", "duration": 1.0, "text": text, "segments": segments})
