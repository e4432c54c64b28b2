"""Microsoft's VibeVoice realtime server, as its demo/web/app.py has it: one speaker at a time, log messages between the sound."""

import asyncio
from typing import Any

from aiohttp import WSCloseCode, web
from fake_openai import spoken
from fake_web import FakeWeb

RATE_HZ = 24_000
VOICES = ("de-Spk0_man", "en-Carter_man", "en-Emma_woman", "in-Samuel_man", "jp-Spk1_woman")


class FakeVibeVoice(FakeWeb):
    """Speaks with espeak-ng."""

    def __init__(self) -> None:
        super().__init__()
        self.config: Any = {"voices": list(VOICES), "default_voice": "en-Carter_man"}
        self.asked: list[dict[str, str]] = []
        """The parameters of every request that was served."""
        self.sent_away = 0
        self.frame_bytes = 4801  # odd, which the real one never sends
        self.busy = False
        """As long as it is set, somebody else is being spoken to."""
        self._speaking = False
        self.app.router.add_get("/config", self._config)
        self.app.router.add_get("/stream", self._stream)

    async def _config(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.config)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        socket = await begun(request)
        if self._speaking or self.busy:
            self.sent_away += 1
            await socket.send_json(log("backend_busy", message="Please wait for the other requests to complete."))
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"Service busy")
            return socket
        self._speaking = True
        try:
            self.asked.append(dict(request.query))
            await self.speak(socket, request.query["text"])
        finally:
            self._speaking = False
        await socket.send_json(log("backend_stream_complete"))
        await socket.close()
        return socket

    async def speak(self, socket: web.WebSocketResponse, text: str) -> None:
        """The sound of a text, with what the server tells of it."""
        await socket.send_json(log("backend_request_received", text_length=len(text)))
        pcm = await asyncio.to_thread(spoken, text, RATE_HZ)
        for start in range(0, len(pcm), self.frame_bytes):
            await socket.send_bytes(pcm[start : start + self.frame_bytes])
            await socket.send_json(log("model_progress", generated_sec=start / 2 / RATE_HZ))


async def begun(request: web.Request) -> web.WebSocketResponse:
    """The WebSocket of a request."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    return socket


def log(event: str, **data: Any) -> dict[str, Any]:
    """One of the server's messages."""
    return {"type": "log", "event": event, "data": data, "timestamp": "2026-01-01 00:00:00.000"}
