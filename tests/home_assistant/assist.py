"""One run of Home Assistant's Assist pipeline, spoken to over its WebSocket and heard through its address of the answer."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import numpy as np
from core import Client, Socket
from speech import silence

_PIECE_SAMPLES = 320  # 20 ms
_RATE_HZ = 16_000
_QUIET = 200  # below this amplitude a made sentence has ended
_RUN_S = 60.0


@dataclass
class Run:
    """What happened; times on time.monotonic()'s clock."""

    happened: list[tuple[str, dict[str, Any], float]] = field(default_factory=list)
    spoken_at: float = 0.0
    """When the last sample of the speech was sent."""
    first_byte_at: float = 0.0
    sound: bytes = b""
    """The answer as Home Assistant serves it."""

    def of(self, kind: str) -> dict[str, Any]:
        """The data of the first event of a kind.

        Raises: AssertionError with all that happened.
        """
        found = [data for name, data, _ in self.happened if name == kind]
        assert found, f"no {kind} in {[(name, data) for name, data, _ in self.happened]}"
        return found[0]

    def at(self, kind: str) -> float:
        """Seconds from the end of the speech to an event."""
        return next(at for name, _, at in self.happened if name == kind) - self.spoken_at

    @property
    def kinds(self) -> list[str]:
        """What happened, in order."""
        return [name for name, _, _ in self.happened]

    @property
    def transcript(self) -> str:
        """What was understood."""
        return self.of("stt-end")["stt_output"]["text"]

    @property
    def answer(self) -> str:
        """The text of the answer."""
        return self.of("intent-end")["intent_output"]["response"]["speech"]["plain"]["speech"]


async def speak_to(client: Client, pipeline: str, spoken: np.ndarray, start_stage: str = "stt", end_stage: str = "tts") -> Run:
    """Says (n,) int16 16 kHz in real time, then stays silent until the run has ended."""
    async with client.socket() as socket, asyncio.timeout(_RUN_S):
        settings = {"start_stage": start_stage, "end_stage": end_stage, "pipeline": pipeline}
        await socket.send("assist_pipeline/run", **settings, input={"sample_rate": _RATE_HZ})
        run = Run()
        async with asyncio.TaskGroup() as tasks:
            sending = None
            while "run-end" not in run.kinds:
                message = await socket.receive()
                if message["type"] == "result":
                    assert message["success"], message
                    continue
                event = message["event"]
                run.happened.append((event["type"], event["data"] or {}, time.monotonic()))
                if event["type"] == "run-start":
                    sending = tasks.create_task(_say(socket, event["data"]["runner_data"]["stt_binary_handler_id"], spoken, run))
                    if output := event["data"].get("tts_output"):
                        listening = tasks.create_task(_listen(client, output["url"], run))
                if event["type"] in ("stt-end", "error") and sending:
                    sending.cancel()
                if event["type"] == "error":
                    listening.cancel()
    return run


async def _say(socket: Socket, handler: int, spoken: np.ndarray, run: Run) -> None:
    loud = np.flatnonzero(np.abs(spoken) > _QUIET)
    speech_ends = int(loud[-1]) if len(loud) else len(spoken) - 1
    sound = np.concatenate((spoken, silence(20)))
    began = time.monotonic()
    for start in range(0, len(sound), _PIECE_SAMPLES):
        await asyncio.sleep(began + (start + _PIECE_SAMPLES) / _RATE_HZ - time.monotonic())
        await socket.connection.send_bytes(bytes([handler]) + sound[start : start + _PIECE_SAMPLES].astype("<i2").tobytes())
        if start <= speech_ends < start + _PIECE_SAMPLES:
            run.spoken_at = time.monotonic()


async def _listen(client: Client, url: str, run: Run) -> None:
    async with client.http.get(urljoin(client.core.url, url)) as reply:
        async for piece in reply.content.iter_any():
            run.first_byte_at = run.first_byte_at or time.monotonic()
            run.sound += piece
