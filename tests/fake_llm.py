"""A server with OpenAI's chat API whose model is a script: its prefix cache is a true one, its time is counted and not waited for."""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from fake_web import TIMEOUT_S, FakeWeb, serving

_TOKEN = re.compile(r"<\|\w+\|>|</?tool_call>|</?think>| ?[A-Za-z]{1,6}|\d| ?[^\sA-Za-z\d<]{1,3}|<|\s")
"""Cuts as small models' tokenizers do: parts of words, single digits, a few signs together. A call is about 25 tokens, as Qwen's are."""
_THOUGHTLESS = "<think>\n\n</think>\n\n"
"""Qwen3's template puts it before an answer, and leaves it out when the answer has become history: the cache ends there."""


def tokens(text: str) -> list[str]:
    """The text as the fake's tokens."""
    return _TOKEN.findall(text)


@dataclass(frozen=True)
class Call:
    """The model calls a tool. arguments: text is sent as it is, however wrong."""

    name: str
    arguments: dict[str, Any] | str = field(default_factory=dict)
    id: str = "call_fake_1"

    @property
    def raw(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Thought:
    """The model thinks."""

    text: str


Part = str | Call | Thought
Reply = tuple[Part, ...]
Fault = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    """One request, and what it cost."""

    body: dict[str, Any]
    prompt: int
    cached: int
    generated: int = 0
    seconds: float = 0.0
    """In the fake's own time."""
    called_s: float = 0.0
    """Until the arguments of the first call were whole; in the same time."""

    @property
    def read_ahead(self) -> bool:
        """True for a request whose answer nobody hears."""
        return self.body.get("max_tokens") == 1

    @property
    def last(self) -> str:
        """What the user said."""
        return next(message["content"] for message in reversed(self.body["messages"]) if message["role"] == "user")


class FakeLlm(FakeWeb):
    """One slot, as llama-server with -np 1. `prefill` and `generation` are its tokens per second."""

    def __init__(self, prefill: float = 1000.0, generation: float = 100.0) -> None:
        super().__init__()
        self.prefill, self.generation = prefill, generation
        self.models: Any = [{"id": "small-model", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx_train": 32768}}]
        """None: there is no such list."""
        self.requests: list[Asked] = []
        self.unknown_fields: set[str] = set()
        """Refused as strict servers do."""
        self.streams = True
        self.waits_s: dict[str, float] = {}
        """By model: real seconds before its first word."""
        self.faults: deque[Fault] = deque()
        """The next answers, one each; requests that read ahead get none of them."""
        self.default: Reply = ("I have no idea.",)
        self._rules: list[tuple[re.Pattern[str], deque[Reply]]] = []
        self._after_tool: list[tuple[re.Pattern[str], Reply]] = []
        self._slot: list[str] = []
        self._asked = asyncio.Event()
        self.app.router.add_get("/v1/models", self._models)
        self.app.router.add_get("/props", self._props)
        self.app.router.add_post("/v1/chat/completions", self._chat)

    @property
    def uri(self) -> str:
        return f"{super().uri}/v1"

    def on(self, pattern: str, *replies: Part | Reply) -> None:
        """What is answered when the user's last words fit; several replies are given in turn, the last for ever."""
        given = [reply if isinstance(reply, tuple) else (reply,) for reply in replies]
        self._rules.insert(0, (re.compile(pattern, re.IGNORECASE), deque(given)))

    def after_tool(self, pattern: str, *reply: Part) -> None:
        """What is answered to a tool's result."""
        self._after_tool.insert(0, (re.compile(pattern, re.IGNORECASE), reply))

    @property
    def answers(self) -> list[Asked]:
        """The requests whose answers are heard."""
        return [asked for asked in self.requests if not asked.read_ahead]

    async def read_aheads(self, count: int) -> None:
        """Waits until so many requests were read ahead."""
        await self._until(lambda: sum(asked.read_ahead and asked.generated > 0 for asked in self.requests) >= count)

    async def _until(self, true: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not true():
                self._asked.clear()
                await self._asked.wait()

        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(wait(), self._loop))

    async def _models(self, _: web.Request) -> web.StreamResponse:
        if self.models is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response({"object": "list", "data": self.models})

    async def _props(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"default_generation_settings": {"n_ctx": 4096}, "total_slots": 1})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if wrong := self.unknown_fields & body.keys():
            return web.json_response({"error": {"message": f"Unrecognized request argument: {min(wrong)}"}}, status=400)
        names = [row["id"] for row in self.models or ()]
        if names and body["model"] not in names:
            return web.json_response({"error": {"message": f"The model `{body['model']}` does not exist."}}, status=404)
        prompt = tokens(rendered(body))
        asked = Asked(body, len(prompt), _common(prompt, self._slot))
        self._slot = prompt
        self.requests.append(asked)
        asked.seconds = (asked.prompt - asked.cached) / self.prefill
        if self.faults and not asked.read_ahead:
            return await self.faults.popleft()(request, body)
        return await self._answer(request, asked, self._reply(body))

    def _reply(self, body: dict[str, Any]) -> Reply:
        last = body["messages"][-1]
        if last["role"] == "tool":
            for pattern, reply in self._after_tool:
                if pattern.search(last["content"]):
                    return reply
        said = next(message["content"] for message in reversed(body["messages"]) if message["role"] == "user")
        for pattern, replies in self._rules:
            if pattern.search(said) and body.get("max_tokens") != 1:
                return replies.popleft() if len(replies) > 1 else replies[0]
        return self.default

    async def _answer(self, request: web.Request, asked: Asked, reply: Reply) -> web.StreamResponse:
        most = asked.body.get("max_tokens", 1000)
        deltas, reason = _deltas(reply, most)
        for delta, cost in deltas:
            asked.generated += len(cost)
            self._slot += cost
            asked.seconds += len(cost) / self.generation
            if _ends_call(delta) and not asked.called_s:
                asked.called_s = asked.seconds - len(cost) / self.generation
        self._asked.set()
        await asyncio.sleep(self.waits_s.get(asked.body["model"], 0.0))
        usage = {
            "prompt_tokens": asked.prompt,
            "completion_tokens": asked.generated,
            "total_tokens": asked.prompt + asked.generated,
            "prompt_tokens_details": {"cached_tokens": asked.cached},
        }
        if not self.streams:
            text = "".join(delta.get("content", "") for delta, _ in deltas)
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
            return web.json_response({"object": "chat.completion", "choices": [choice], "usage": usage})
        async with stream(request) as send:
            await send({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]})
            for delta, _ in deltas:
                await send({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            await send({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
            if asked.body.get("stream_options", {}).get("include_usage"):
                await send({"choices": [], "usage": usage})
            await send("[DONE]")
            return send.response

    async def answering(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        """No fault: a request before the one that fails."""
        return await self._answer(request, self.requests[-1], self._reply(body))

    def dies_after(self, *texts: str) -> Fault:
        """Sends these and hangs up."""

        async def fault(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
            async with stream(request) as send:
                for text in texts:
                    await send(_content(text))
                assert request.transport is not None
                request.transport.close()
                return send.response

        return fault

    def stops_in_a_call(self, call: Call, arguments: str) -> Fault:
        """Calls a tool with these arguments, however whole, and sends nothing ever again."""

        async def fault(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
            async with stream(request) as send:
                for part in (_call(0, call.name, "", call.id), _call(0, None, arguments, None)):
                    await send({"choices": [{"index": 0, "delta": {"tool_calls": [part]}, "finish_reason": None}]})
                return await self.wait_for_good()

        return fault

    def stops_after(self, *texts: str) -> Fault:
        """Sends these, and nothing ever again."""

        async def fault(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
            async with stream(request) as send:
                for text in texts:
                    await send(_content(text))
                return await self.wait_for_good()

        return fault

    def says(self, *lines: str) -> Fault:
        """Sends these lines as they are, as a stream of events."""

        async def fault(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
            async with stream(request) as send:
                for line in lines:
                    await send.response.write(line.encode())
                return send.response

        return fault

    def answers_with(self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Fault:
        """Another handler of fake_web."""

        async def fault(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
            return await answer(request)

        return fault


class _Sender:
    """Sends events."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def __call__(self, data: Any) -> None:
        text = data if isinstance(data, str) else json.dumps({"object": "chat.completion.chunk", **data})
        await self.response.write(f"data: {text}\n\n".encode())


@asynccontextmanager
async def stream(request: web.Request) -> AsyncIterator[_Sender]:
    """An answer of server-sent events."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    yield _Sender(response)


@asynccontextmanager
async def fake_llm(**options: Any) -> AsyncIterator[FakeLlm]:
    """A running one."""
    with serving(FakeLlm(**options)) as fake:
        yield fake


def rendered(body: dict[str, Any]) -> str:
    """The prompt, as Qwen's template writes it: tools in the system's message, before all else."""
    parts = []
    for number, message in enumerate(body["messages"]):
        text = message["content"] or ""
        if number == 0 and body.get("tools"):
            text += "\n# Tools\n" + "\n".join(json.dumps(tool) for tool in body["tools"])
        for call in message.get("tool_calls", ()):
            text += _written(call["function"]["name"], call["function"]["arguments"])
        parts.append(f"<|im_start|>{message['role']}\n{text}<|im_end|>\n")
    thinks = body.get("chat_template_kwargs", {}).get("enable_thinking", True)
    return "".join(parts) + "<|im_start|>assistant\n" + ("" if thinks else _THOUGHTLESS)


def _written(name: str, arguments: str) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


def _common(first: list[str], second: list[str]) -> int:
    return next((number for number, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))


def _deltas(reply: Reply, most: int) -> tuple[list[tuple[dict[str, Any], list[str]]], str]:
    """What is streamed, each with the tokens it costs, and why it ends."""
    deltas: list[tuple[dict[str, Any], list[str]]] = []
    calls = 0
    for part in reply:
        if isinstance(part, Call):
            index, calls = calls, calls + 1
            head, _, tail = _written(part.name, "\n\n").partition("\n\n")
            deltas.append(({"tool_calls": [_call(index, part.name, "", part.id)]}, tokens(head)))
            deltas += [({"tool_calls": [_call(index, None, piece, None)]}, [piece]) for piece in tokens(part.raw)]
            deltas.append(({}, tokens(tail)))
        elif isinstance(part, Thought):
            deltas += [({"reasoning_content": piece}, [piece]) for piece in tokens(part.text)]
        else:
            deltas += [({"content": piece}, [piece]) for piece in tokens(part)]
    length = sum(len(cost) for _, cost in deltas)
    if length > most:
        return deltas[:most], "length"
    return deltas, "tool_calls" if calls else "stop"


def _call(index: int, name: str | None, arguments: str, id: str | None) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"index": index, "function": function} | ({"id": id, "type": "function"} if id else {})


def _ends_call(delta: dict[str, Any]) -> bool:
    """What is behind a call's arguments is written, but not sent."""
    return not delta


def _content(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
