"""Language models behind OpenAI's chat API: llama.cpp's llama-server, Ollama, vLLM, NVIDIA NIM, LM Studio, or OpenAI itself."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..shared.errors import SettingsError
from ..shared.gate import Gate
from ..shared.openai_client import OpenAiConnection
from ..shared.protocol import printable
from ..shared.ranking import ranking
from ..shared.remote import RefusedError, Remote, RemoteOptions, remote, sendable, step
from ..shared.settings import LlmSection
from .chunks import Events, Reply
from .engine import Item, LlmEngine, Message, Offer, ToolSpec
from .thinking import Thoughts

_LOGGER = logging.getLogger(__name__)
_SETTING = "llm"
_ENDPOINTS = ("/chat/completions", "/completions", "/models")
_EXAMPLE = "http://HOST:8080/v1"
_NO_NAME = "default"
"""Sent when the server lists no models: those that serve one only do not look at it."""
_NOT_FOR_TALK = ("embed", "rerank", "whisper", "tts", "bge-", "clip")
_ANSWER_BYTES = 1024 * 1024
_MOST_MODELS = 1000
_NAME_CHARS = 400  # llama.cpp names a model by its path
_LATE = {"first_token_s": "first word", "idle_s": "further word", "total_s": "whole answer"}
_UNKNOWN_FIELD = (400, 422, 501)


class OpenAiLlm(LlmEngine):
    """Any server with OpenAI's `/v1/chat/completions`: llama.cpp's llama-server, Ollama, vLLM, NVIDIA NIM, LM Studio.

    The model runs on the machine of that server, which is told the text of questions that no sentence template fits, and the names and
    descriptions of the tools. It needs a model that can call tools; which licence holds is that of the model. Nothing is sent through a
    proxy, and a redirect is not followed.
    """

    Options = LlmSection

    def __init__(self, options: LlmSection, gate: Gate | None = None) -> None:
        """gate: is asked before anything is sent.

        Raises: EngineUnavailableError without an address, SettingsError.
        """
        self._options = options
        self._connection = OpenAiConnection(server_of(options), gate)
        self.model = options.model
        self._owners: dict[str, str] = {}
        self._refused: set[str] = set()  # fields this server does not know
        self._opens_thought = False

    @classmethod
    def check(cls, options: LlmSection) -> None:
        """Reads the key's file."""
        server_of(options).tls()
        try:
            json.dumps(options.extra)
        except (TypeError, ValueError) as err:
            raise SettingsError(f"{_SETTING}.extra cannot be sent: {err}") from None

    @property
    def server(self) -> Remote:
        """Where it is."""
        return self._connection.server

    async def probe(self) -> Offer:
        """What is served there now."""
        try:
            rows = _rows(await self._connection.listing())
        except RefusedError as err:
            if err.status not in (404, 405, 501):
                raise
            rows = []
        names = tuple(row["id"] for row in rows)
        self._owners = {row["id"]: str(row.get("owned_by", "")) for row in rows}
        wanted = self._options.model
        if wanted and names and wanted not in names:
            _LOGGER.warning("model %s is not served at %s; it has: %s", wanted, self.server, printable(", ".join(names)))
        chosen = wanted or await self._best(names)
        self.model = chosen
        row = next((row for row in rows if row["id"] == chosen), {})
        return Offer(chosen, names, await self._context_tokens(row))

    async def chat(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int = 0, first_s: float = 0.0, total_s: float = 0.0
    ) -> AsyncGenerator[Item, None]:
        """One answer. A field that the server refuses is left out from then on."""
        if not self.model:
            await self.probe()
        begun = asyncio.get_running_loop().time()
        limits = _Limits(begun, begun + (first_s or self._options.first_token_s), begun + (total_s or self._options.total_s))
        while True:
            fields = self._fields(max_tokens)
            try:
                async with aclosing(self._stream(fields, messages, tools, limits)) as items:
                    async for item in items:
                        yield item
                return
            except RefusedError as err:
                if err.status not in _UNKNOWN_FIELD or not self._give_up_fields(str(err), fields["extra_body"]):
                    raise

    async def close(self) -> None:
        """Hangs up."""
        await self._connection.hang_up()

    async def _stream(
        self, fields: Mapping[str, Any], messages: Sequence[Message], tools: Sequence[ToolSpec], limits: "_Limits"
    ) -> AsyncGenerator[Item, None]:
        told = [_as_json(message) for message in messages]
        offered = {"tools": [_tool_as_json(tool) for tool in tools]} if tools else {}

        def asking(client: Any) -> Any:
            return client.chat.completions.with_streaming_response.create(model=self.model, messages=told, stream=True, **offered, **fields)

        loop = asyncio.get_running_loop()
        reply = Reply(self.server, Thoughts(self._opens_thought))
        async with self._connection.open(asking, max(0.1, round(limits.first - loop.time(), 2)), "first_token_s") as answer:
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            if kind == "application/json":  # it does not stream
                body = await self._connection.body(answer, _ANSWER_BYTES, max(0.1, round(limits.last - loop.time(), 2)), "total_s")
                for item in reply.take(body.decode("utf-8", "replace")):
                    yield item
            elif kind == "text/event-stream":
                async with aclosing(self._events(answer, reply, limits)) as events:
                    async for data in events:
                        for item in reply.take(data):
                            yield item
            else:
                raise self.server.broken(f"answers with {printable(kind) or 'nothing'} instead of a chat: is {_SETTING}.base_url right?")
        if not reply.reason:
            raise self.server.broken("hung up in the middle of its answer")
        if reply.thoughts.stray_end and not self._opens_thought:
            self._opens_thought = True
            _LOGGER.warning("%s sends thoughts that it does not mark: they are left out from the next answer on", self.server)
        for item in reply.finish():
            yield item

    async def _events(self, answer: Any, reply: Reply, limits: "_Limits") -> AsyncGenerator[str, None]:
        """The data of the stream up to its end, each piece within its time. Thoughts are no first word."""
        options, loop = self._options, asyncio.get_running_loop()
        events, heard = Events(self.server), False
        until, key = limits.first, "first_token_s"
        async with aclosing(answer.iter_bytes()) as pieces:
            while True:
                if reply.answering or (heard and options.thinking):
                    until, key = loop.time() + options.idle_s, "idle_s"
                if limits.last < until:
                    until, key = limits.last, "total_s"
                late = partial(self.server.late, round(getattr(options, key), 1), _LATE[key], key)
                try:
                    piece = await step(anext(pieces), max(0.0, until - loop.time()), late)
                except StopAsyncIteration:
                    return
                for data in events.feed(piece):
                    if data == "[DONE]":
                        return
                    heard = True
                    yield data

    def _fields(self, max_tokens: int) -> dict[str, Any]:
        options = self._options
        further: dict[str, Any] = {"stream_options": {"include_usage": True}}
        if not options.thinking:
            further["chat_template_kwargs"] = {"enable_thinking": False}
        if effort := self._effort():
            further["reasoning_effort"] = effort
        further = {key: value for key, value in further.items() if key not in self._refused}
        return {
            "max_tokens": max_tokens or options.max_tokens,
            "temperature": options.temperature,
            "extra_body": further | options.extra,
        }

    def _effort(self) -> str:
        """What keeps the model from thinking for long, where a name says that it would."""
        if self._options.reasoning_effort != "auto":
            return self._options.reasoning_effort
        if self._options.thinking:
            return ""
        if "gpt-oss" in self.model.lower():
            return "low"  # it cannot be switched off there
        return "none" if self._owners.get(self.model) == "library" else ""  # Ollama, which knows no chat_template_kwargs

    def _give_up_fields(self, refusal: str, sent: Mapping[str, Any]) -> bool:
        """Remembers which of the fields that were sent the server does not know; False when there are none left to blame."""
        ours = [
            key for key in ("reasoning_effort", "chat_template_kwargs", "stream_options") if key in sent and key not in self._options.extra
        ]
        named = [key for key in ours if key in refusal]
        self._refused.update(named or ours)
        if ours:
            _LOGGER.info("%s does not take %s: %s", self.server, ", ".join(named or ours), refusal)
        return bool(ours)

    async def _best(self, names: Sequence[str]) -> str:
        """The one that a bake-off found best, else the first that talks."""
        place = {name: number for number, name in enumerate(await asyncio.to_thread(ranking, "llm"))}
        talking = [name for name in names if talks(name)]
        return min(talking, key=lambda name: place.get(ranked_name(self.server.base, name), len(place)), default=_NO_NAME)

    async def _context_tokens(self, row: Mapping[str, Any]) -> int:
        """vLLM tells it in its list, llama.cpp under /props; 0 where nobody tells."""
        meta = row.get("meta")
        told = row.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else 0)
        if not told and row.get("owned_by") == "llamacpp":
            props = await self._connection.beside("/props")
            settings = props.get("default_generation_settings") if isinstance(props, dict) else None
            told = settings.get("n_ctx") if isinstance(settings, dict) else 0
        return told if isinstance(told, int) else 0


@dataclass(frozen=True)
class _Limits:
    """Loop times."""

    begun: float
    first: float
    """When the first word must be there."""
    last: float
    """When all must be there."""


def server_of(options: LlmSection) -> Remote:
    """The endpoint of these settings. Reads the key's file.

    Raises: EngineUnavailableError when there is none, SettingsError.
    """
    given = RemoteOptions(options.base_url, options.key, options.key_file, options.ca_file, options.connect_s)
    return replace(remote(given, _SETTING, path="/v1", endpoints=_ENDPOINTS, example=_EXAMPLE, address="base_url"))


def ranked_name(base: str, model: str) -> str:
    """What a bake-off calls a model in its ranking. base: of its server's address."""
    return f"{base}#{model}"


def _rows(listing: Any) -> list[dict[str, Any]]:
    """The models of a `/v1/models` answer, with what the server tells of each."""
    rows = listing.get("data") if isinstance(listing, dict) else listing
    rows = rows[:_MOST_MODELS] if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str) and 0 < len(row["id"]) <= _NAME_CHARS]


def talks(name: str) -> bool:
    """Whether a model's name does not say that it is for something else."""
    return not any(part in name.lower() for part in _NOT_FOR_TALK)


def _as_json(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "content": sendable(message.text)}
    if message.calls:
        told["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in message.calls
        ]
    return told | ({"tool_call_id": message.call_id} if message.call_id else {})


def _tool_as_json(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}}
