"""Answers of transcription servers: JSON, verbose JSON, plain text, event streams in several dialects; and what to believe of them."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from ..shared.remote import Remote, message_of
from .engine import Transcription
from .whisper_evidence import ends_a_video

_NO_SPEECH = 0.6  # Whisper's own limits for a segment that is none, a decoding that failed, and one that goes in circles
_FAILED_LOGPROB = -1.0
_CIRCLES = 2.4
_ASIDE = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|(?<![\w*])\*(?=\S)[^*]+(?<=\S)\*(?![\w*])|[♪♫♬]+|<\|[^|<>]*\|>")
"""What is not said but remarked: [BLANK_AUDIO], (wind blowing), *music*, and a model's own tokens."""


def transcription(server: Remote, content_type: str, body: bytes, language: str, trust: float) -> Transcription:
    """The transcript of an answer; empty when it is not to be believed.

    content_type: as the server said it; trust: confidence a transcript needs, when the answer tells one.
    Raises: EngineError when the answer is no transcript.
    """
    text = body.decode("utf-8", "replace").strip()
    kind = content_type.partition(";")[0].strip().lower()
    confidence = None
    if kind == "text/event-stream" or text.startswith(("data:", "event:", ":")):
        said = _streamed(server, text)
    elif kind.endswith("json") or text[:1] == "{":
        said, confidence = _told(server, _json(server, text))
    elif kind.startswith("text/") and text[:1] != "<":
        said = text
    elif not text:
        raise server.broken("gives an empty answer")
    else:
        raise server.broken(f"answers with {kind or 'something'} that is not a transcript: is {server.setting}.uri right?")
    said = cleaned(said)
    if confidence is not None and confidence < trust:
        said = ""
    return Transcription(said, confidence, language)


def cleaned(text: str) -> str:
    """The words alone: single spaces, without remarks; empty for what Whisper hears where nobody spoke."""
    text = " ".join(_ASIDE.sub(" ", text).split())
    return "" if not re.search(r"\w", text) or ends_a_video(text) else text


def _told(server: Remote, said: Any) -> tuple[str, float | None]:
    """The text of a JSON answer, and how sure its segments are."""
    if isinstance(said, str):
        return said, None
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        error = message_of(json.dumps(said).encode()) if isinstance(said, dict) else ""
        raise server.broken(f"could not transcribe: {error}" if error else "gives an answer without a text")
    segments = said.get("segments")
    judged = [segment for segment in segments if _is_judged(segment)] if isinstance(segments, list) else []
    if not judged or len(judged) < len(segments):
        return said["text"], None
    believed = [segment for segment in judged if not _is_phantom(segment)]
    if not believed:
        return "", 0.0
    weights = [max(1, len(segment["text"])) for segment in believed]
    logprob = sum(segment["avg_logprob"] * weight for segment, weight in zip(believed, weights, strict=True)) / sum(weights)
    confidence = min(1.0, math.exp(min(0.0, logprob)))
    if len(believed) == len(judged):
        return said["text"], confidence
    return " ".join(segment["text"].strip() for segment in believed), confidence


def _is_judged(segment: Any) -> bool:
    """True when the recogniser tells how sure it is; vLLM fills in -1 for what it does not know."""
    if not isinstance(segment, dict) or not isinstance(segment.get("text"), str):
        return False
    logprob, ratio = segment.get("avg_logprob"), segment.get("compression_ratio")
    return _is_number(logprob) and (ratio is None or (_is_number(ratio) and ratio >= 0))


def _is_phantom(segment: dict[str, Any]) -> bool:
    silent = segment.get("no_speech_prob")
    if _is_number(silent) and silent > _NO_SPEECH and segment["avg_logprob"] < _FAILED_LOGPROB:
        return True
    return (segment.get("compression_ratio") or 0.0) > _CIRCLES


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _streamed(server: Remote, text: str) -> str:
    """The whole text of server-sent events: OpenAI's deltas, vLLM's chunks, or one segment per event as Speaches sends them."""
    deltas: list[str] = []
    segments: list[str] = []
    for data in _events(text):
        if data == "[DONE]":
            break
        if data[:1] != "{":
            segments.append(data)
            continue
        event = _json(server, data)
        if "error" in event:
            raise server.broken(f"could not transcribe: {message_of(data.encode())}")
        if event.get("type") == "transcript.text.done" and isinstance(event.get("text"), str):
            return event["text"]
        if isinstance(event.get("delta"), str):
            deltas.append(event["delta"])
        elif isinstance(event.get("choices"), list):
            deltas += [_delta(choice) for choice in event["choices"]]
        elif isinstance(event.get("text"), str) and "type" not in event:
            segments.append(event["text"].strip())
    if not deltas and not segments:
        raise server.broken("ended its stream without a text")
    return "".join(deltas) + " ".join(segments)


def _events(text: str) -> Iterator[str]:
    """The data of each event."""
    for block in re.split(r"\r?\n\r?\n", text):
        lines = [line[5:].removeprefix(" ") for line in block.splitlines() if line.startswith("data:")]
        if lines:
            yield "\n".join(lines)


def _delta(choice: Any) -> str:
    delta = choice.get("delta") if isinstance(choice, dict) else None
    if not isinstance(delta, dict):
        return ""
    said = delta.get("content") or delta.get("text") or ""
    return said if isinstance(said, str) else ""


def _json(server: Remote, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise server.broken("gives an answer that is cut off or not JSON") from None
