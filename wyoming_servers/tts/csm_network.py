"""Sesame's CSM through transformers: a conversation in, speech out while it is being made."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..shared.errors import EngineError
from ..shared.onnx_model import named

_CHUNK_FRAMES = 4  # 320 ms: what is made before it is heard
_CONTEXT_FRAMES = 125  # what the codec's attention looks back to (sliding_window of Mimi: 250 half frames)
_END = None
_STOP_S = 1.0


@dataclass(frozen=True)
class Turn:
    """Something said in a conversation."""

    speaker: str
    """A number as text."""
    text: str
    samples: np.ndarray | None = None
    """How it was said, (n,) float32 at the network's rate; None for what is to be said."""


class CsmNetwork:
    """The network on its device. One thread works it, request after request; several threads may ask."""

    def __init__(self, folder: Path, device: str, temperature: float) -> None:
        """device: as torch calls it. Raises: EngineError that names the folder."""
        import torch
        from transformers import AutoProcessor, CsmForConditionalGeneration

        self._torch, self._device, self._temperature = torch, device, temperature
        with named(f"{folder} cannot be loaded"):
            self._processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
            model = CsmForConditionalGeneration.from_pretrained(str(folder), local_files_only=True).eval()
            self._model = model.to(device=device, dtype=torch.bfloat16 if device.startswith("cuda") else torch.float32)
            self._model.codec_model.float()  # rounding is heard in the codec, and it is a small part of the work
        codec = self._model.codec_model.config
        self.rate_hz: int = codec.sampling_rate
        self._frames_per_s: float = codec.frame_rate
        self._highest_code: int = codec.codebook_size - 1
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="csm", daemon=True)
        self._thread.start()

    def speak(self, turns: list[Turn], longest_s: float, seed: int | None = None) -> "Pieces":
        """The last turn as (n,) float32, in pieces of 320 ms as they are made; the turns before it say with which voice.

        Raises: EngineError, here and from the iterator.
        """
        with named("the text cannot be prepared"):
            inputs = self._inputs(turns)
        job = _Job(inputs, max(1, int(longest_s * self._frames_per_s)), seed)
        self._jobs.put(job)
        return Pieces(job, self._decoded)

    def close(self) -> None:
        """Ends the thread and frees the network, unless it is in the middle of something that does not end."""
        self._jobs.put(None)
        self._thread.join(_STOP_S)
        self._model = None

    def _inputs(self, turns: list[Turn]) -> dict[str, Any]:
        conversation = []
        for turn in turns:
            content = [{"type": "text", "text": turn.text.replace("<|", "< |")}]  # what looks like a control token is text
            conversation.append({"role": turn.speaker, "content": content + ([{"type": "audio"}] if turn.samples is not None else [])})
        text = self._processor.apply_chat_template(conversation, tokenize=False)
        heard = [turn.samples for turn in turns if turn.samples is not None]
        return dict(self._processor(text=text, audio=heard or None, return_tensors="pt").to(self._device))

    def _decoded(self, codes: list[Any], spoken: int) -> np.ndarray:
        """What frames from `spoken` on sound like. The codec only looks back, so sound that is already out stays as it is."""
        start = max(0, spoken - _CONTEXT_FRAMES)
        torch = self._torch
        with torch.inference_mode(), named("the codec failed"):
            # the network may choose one of the few codes that stand for no sound
            window = torch.stack(codes[start:]).clamp(max=self._highest_code).T.unsqueeze(0).to(self._device)
            samples = self._model.codec_model.decode(window).audio_values[0, 0].float().cpu().numpy()
        return samples[len(samples) * (spoken - start) // (len(codes) - start) :]

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if not job.cancelled.is_set():
                    self._generate(job)
            except _CancelledError:
                pass
            except Exception as err:  # handed to the waiting request
                job.error = err
            job.frames.put(_END)
            del job

    def _generate(self, job: "_Job") -> None:
        if job.seed is not None:
            self._torch.manual_seed(job.seed)
        self._model.generate(
            **job.inputs,
            streamer=_Streamer(job, self._model.config.codebook_eos_token_id),
            max_new_tokens=job.longest_frames,
            do_sample=True,
            temperature=self._temperature,
            depth_decoder_do_sample=True,
            depth_decoder_temperature=self._temperature,
        )


class Pieces(Iterator[np.ndarray]):
    """Speech while it is being made. Close it: what nobody listens to would be made to its end."""

    def __init__(self, job: "_Job", decoded: Callable[[list[Any], int], np.ndarray]) -> None:
        self._job, self._decoded = job, decoded
        self._codes: list[Any] = []
        self._spoken = 0

    def __next__(self) -> np.ndarray:
        """The next piece.

        Raises: StopIteration, EngineError.
        """
        job = self._job
        while not job.ended and len(self._codes) < self._spoken + _CHUNK_FRAMES:
            if (frame := job.frames.get()) is _END:
                job.ended = True
            else:
                self._codes.append(frame)
        if job.error is not None:
            raise EngineError(f"CSM failed: {job.error}") from job.error
        if job.cancelled.is_set():
            raise EngineError("the request was given up")
        if len(self._codes) == self._spoken:
            raise StopIteration
        piece = self._decoded(self._codes, self._spoken)
        self._spoken = len(self._codes)
        return piece

    def cancel(self) -> None:
        """Makes a `next` that waits end at once, and the work with the frame it is at. On any thread."""
        self._job.cancelled.set()
        self._job.frames.put(_END)

    def close(self) -> None:
        """Ends the work with the frame it is at."""
        self._job.cancelled.set()


class _CancelledError(Exception):
    """Nobody listens any more: transformers offers CSM no other way to stop."""


class _Job:
    """One request's way to the thread and back."""

    def __init__(self, inputs: dict[str, Any], longest_frames: int, seed: int | None) -> None:
        self.inputs, self.longest_frames, self.seed = inputs, longest_frames, seed
        self.frames: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self.error: Exception | None = None
        self.ended = False


class _Streamer:
    """What transformers tells of its work: first the prompt, then (1, codebooks) codes per frame."""

    def __init__(self, job: _Job, end_code: int) -> None:
        self._job, self._end_code = job, end_code
        self._prompt_seen = False

    def put(self, value: Any) -> None:
        """Called by transformers after each frame."""
        if self._job.cancelled.is_set():
            raise _CancelledError
        if self._prompt_seen and not (value[0] == self._end_code).all():
            self._job.frames.put(value[0])
        self._prompt_seen = True

    def end(self) -> None:
        """Called by transformers after the last frame."""
