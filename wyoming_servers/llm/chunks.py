"""Reads the stream of an OpenAI-compatible chat endpoint: server-sent events into text, calls and the end."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..shared.remote import Remote, message_of
from .engine import Done, TextDelta, ToolCall, Usage
from .thinking import Thoughts

_LINE_BYTES = 1024 * 1024
_MOST_CALLS = 8
_ARGUMENT_CHARS = 16_384
_NAME_CHARS = 100


class Events:
    """Server-sent events from bytes, each as the text behind `data:`."""

    def __init__(self, server: Remote) -> None:
        self._server = server
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[str]:
        """The events that are complete.

        Raises: EngineError for a line without end.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _LINE_BYTES:
            raise self._server.broken("sends a line without end")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip().decode("utf-8", "replace")


class Reply:
    """One answer, put together from its chunks."""

    def __init__(self, server: Remote, thoughts: Thoughts) -> None:
        self._server = server
        self.thoughts = thoughts
        self._thought = False
        self._spoke = False
        self._calls: list[dict[str, str]] = []
        self._told = 0
        """So many of the calls have been passed on."""
        self._at: dict[int, dict[str, str]] = {}
        self._usage = Usage()
        self.reason = ""
        """Why the model ended; empty while it has not."""

    @property
    def answering(self) -> bool:
        """True once there was more than thoughts."""
        return self._spoke or bool(self._calls)

    def take(self, data: str) -> list[TextDelta | ToolCall]:
        """One event. The first call is passed on as soon as its arguments are whole: a slow model takes seconds for what is behind them.

        Raises: EngineError for one that is not of this API, or that tells of a failure.
        """
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise self._server.broken("sends a stream that is not JSON") from None
        if not isinstance(chunk, dict):
            raise self._server.broken("sends a stream of something else than answers")
        if chunk.get("error"):
            raise self._server.broken(f"failed in the middle of its answer: {message_of(data.encode())}")
        self._count(chunk)
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        said = choice.get("delta") or choice.get("message")
        text = self._said(said) if isinstance(said, dict) else ""
        self.reason = _text(choice.get("finish_reason")) or self.reason
        items: list[TextDelta | ToolCall] = [TextDelta(text)] if text else []
        if not self._told and self._calls and _is_whole(self._calls[0]):
            items.append(_call(self._calls[0]))
            self._told = 1
        return items

    def finish(self) -> list[TextDelta | ToolCall | Done]:
        """What is left when the stream has ended."""
        rest = self.thoughts.finish()
        text = [TextDelta(rest)] if rest else []
        calls = [_call(call) for call in self._calls[self._told :] if call["name"]]
        return [*text, *calls, Done(self.reason, self._usage, self._thought or self.thoughts.seen)]

    def _said(self, said: Mapping[str, Any]) -> str:
        if _text(said.get("reasoning_content")) or _text(said.get("reasoning")):
            self._thought = True
        calls = said.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._call(call)
        text = self.thoughts.feed(_text(said.get("content")))
        self._spoke |= bool(text.strip())
        return text

    def _call(self, part: Mapping[str, Any]) -> None:
        index = part["index"] if isinstance(part.get("index"), int) else 0
        function = part.get("function")
        function = function if isinstance(function, dict) else {}
        id, name = _text(part.get("id")), _text(function.get("name"))[:_NAME_CHARS]
        call = self._at.get(index)
        if call is None or (name and call["name"] and id != call["id"]):  # some servers give all calls the same index
            if len(self._calls) >= _MOST_CALLS:
                return
            call = self._at[index] = {"id": "", "name": "", "arguments": ""}
            self._calls.append(call)
        call["id"] = call["id"] or id
        call["name"] = call["name"] or name
        arguments = function.get("arguments")
        call["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments is not None else ""
        if len(call["arguments"]) > _ARGUMENT_CHARS:
            raise self._server.broken("writes arguments without end")

    def _count(self, chunk: Mapping[str, Any]) -> None:
        usage, timings = chunk.get("usage"), chunk.get("timings")
        if isinstance(usage, dict):
            details = usage.get("prompt_tokens_details")
            cached = _number(details.get("cached_tokens")) if isinstance(details, dict) else self._usage.cached
            self._usage = Usage(_number(usage.get("prompt_tokens")), cached, _number(usage.get("completion_tokens")))
        if isinstance(timings, dict):  # llama.cpp
            cached = _number(timings.get("cache_n"))
            known = self._usage
            self._usage = Usage(
                known.prompt or cached + _number(timings.get("prompt_n")),
                known.cached or cached,
                known.generated or _number(timings.get("predicted_n")),
            )


def _call(call: Mapping[str, str]) -> ToolCall:
    return ToolCall(call["id"], call["name"], call["arguments"])


def _is_whole(call: Mapping[str, str]) -> bool:
    """Whether nothing can follow: an object that is closed."""
    if not call["name"] or not call["arguments"].rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(call["arguments"]), dict)
    except (ValueError, RecursionError):
        return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
