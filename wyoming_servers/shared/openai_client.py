"""A server that speaks OpenAI's HTTP API: answers are streamed and bounded, failures are ours. For engines that block, behind a portal."""

import asyncio
import contextlib
import importlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from .errors import AssistantError
from .gate import Gate
from .gated_transport import gated
from .portal import Portal
from .protocol import printable
from .remote import LISTING_BYTES, REFUSAL_BYTES, RefusedError, Remote, fetch, parsed

_LOGGER = logging.getLogger(__name__)
_NO_KEY = "none"  # the library refuses to work without one; servers that want none ignore it
_KEEP_ALIVE_S = 60.0
_CLOSE_S = 2.0
_MOST_MODELS = 1000
_NAME_CHARS = 200

Opening = Callable[[Any], AbstractAsyncContextManager[Any]]
"""Takes an AsyncOpenAI, gives a request that is sent when entered: `lambda client: client.….with_streaming_response.create(…)`."""


@dataclass(frozen=True)
class ServedModel:
    """One line of `/v1/models`. Only its name is certain; Speaches tells the rest."""

    name: str
    task: str = ""
    """In Hugging Face's words: "automatic-speech-recognition", "text-to-speech"; empty when the server does not say."""
    languages: tuple[str, ...] = ()
    voices: tuple[Any, ...] = ()
    """As the server lists them."""


def served(listing: Any) -> list[ServedModel]:
    """The models of a `/v1/models` answer; what does not look like one is left out."""
    rows = listing.get("data") if isinstance(listing, dict) else listing
    found = []
    for row in rows[:_MOST_MODELS] if isinstance(rows, list) else ():
        name = row.get("id") if isinstance(row, dict) else None
        if isinstance(name, str) and 0 < len(name) <= _NAME_CHARS and name.isprintable():
            languages = row.get("language")
            voices = row.get("voices")
            found.append(
                ServedModel(
                    name,
                    row["task"] if isinstance(row.get("task"), str) else "",
                    tuple(tag for tag in languages if isinstance(tag, str)) if isinstance(languages, list) else (),
                    tuple(voices) if isinstance(voices, list) else (),
                )
            )
    return found


def of_task(models: list[ServedModel], task: str) -> list[ServedModel]:
    """Those for `task`; when no model says its task, all of them."""
    return [model for model in models if model.task == task] if any(model.task for model in models) else models


def fetch_models(server: Remote) -> list[ServedModel]:
    """What the server offers now; empty when it has no such list. Blocking, without the library: for `models`, which has to be cheap.

    Raises: as `fetch`.
    """
    try:
        return served(fetch(server, "/models"))
    except RefusedError as err:
        return _unlisted(err)


def _unlisted(refusal: RefusedError) -> list[ServedModel]:
    if refusal.status in (404, 405, 501):
        return []
    raise refusal


class OpenAiConnection:
    """For one event loop. Made anywhere; importing the library takes a second."""

    def __init__(self, server: Remote, gate: Gate | None = None) -> None:
        """gate: is asked before each request, and told what came of it.

        Raises: SettingsError when the certificate cannot be read.
        """
        import openai

        self.server = server
        self._openai = openai
        # the HTTP library is httpx2 from openai 3 on, httpx before; both have the same classes
        self._http = importlib.import_module(openai.DefaultAsyncHttpxClient.__bases__[0].__module__.partition(".")[0])
        wait = self._http.Timeout(None, connect=server.connect_s)
        # a proxy from the environment would carry sound out of the house
        limits: dict[str, Any] = {"trust_env": False, "limits": self._http.Limits(keepalive_expiry=_KEEP_ALIVE_S)}
        way = self._http.AsyncHTTPTransport(verify=server.tls(), **limits)
        self._transport = openai.DefaultAsyncHttpxClient(
            transport=gated(self._http, way, gate) if gate else way,
            trust_env=False,
            follow_redirects=False,
            timeout=wait,
            event_hooks={"response": [self._check]},
        )
        self._client = openai.AsyncOpenAI(
            base_url=server.base, api_key=server.key or _NO_KEY, max_retries=0, timeout=wait, http_client=self._transport
        )
        self.omitted: Any = getattr(openai, "omit", openai.NOT_GIVEN)
        """Stands for a field that is not sent."""
        self._client.organization = self._client.project = None  # the environment's are for another server

    async def hang_up(self) -> None:
        """Closes all connections."""
        await self._client.close()

    async def models(self) -> list[ServedModel]:
        """What the server offers now; leaves an open connection for the first request.

        Raises: PeerUnreachableError, DeadlineError, RefusedError, BusyError, EngineError.
        """
        try:
            return served(await self.listing())
        except RefusedError as err:
            return _unlisted(err)

    async def listing(self) -> Any:
        """The answer to `/models` as it is.

        Raises: as `models`.
        """

        def asking(client: Any) -> Any:
            return client.models.with_streaming_response.list()

        async with self.open(asking, self.server.connect_s, "connect_s") as answer:
            body = await self.body(answer, LISTING_BYTES, self.server.connect_s, "connect_s")
        return parsed(self.server, body, "/models")

    async def beside(self, path: str) -> Any:
        """JSON that the server has outside of the API, at `path` of its host; None when there is none that can be read in time."""
        said = bytearray()
        try:
            async with (
                asyncio.timeout(self.server.connect_s),
                self._transport.stream("GET", urljoin(self.server.base, path), headers=self.server.headers()) as answer,
            ):
                async for piece in answer.aiter_bytes():
                    said += piece
                    if len(said) > LISTING_BYTES:
                        return None
            return json.loads(said)
        except (self._http.HTTPError, AssistantError, TimeoutError, ValueError, RecursionError):
            return None

    @asynccontextmanager
    async def open(self, opening: Opening, timeout_s: float, key: str) -> AsyncIterator[Any]:
        """Sends a request; entered once the answer's head is there. A server that hung up before it is asked a second time, at once:
        most likely it had closed a connection that was kept open.

        timeout_s: until the head is there; key: the setting it comes from.
        Raises: PeerUnreachableError, DeadlineError, RefusedError, BusyError, EngineError.
        """
        request = opening(self._client)
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    answer = await request.__aenter__()
                except self._openai.APIConnectionError as err:
                    if isinstance(err, self._openai.APITimeoutError) or isinstance(err.__cause__, AssistantError):
                        raise
                    _LOGGER.debug("%s: sending again after %r", self.server, err.__cause__)
                    request = opening(self._client)
                    answer = await request.__aenter__()
        except TimeoutError:
            raise self.server.late(timeout_s, "answer", key) from None
        except self._openai.APITimeoutError:
            raise self.server.unreachable(f"no connection within {self.server.connect_s:g} s") from None
        except self._openai.APIConnectionError as err:
            raise (err.__cause__ if isinstance(err.__cause__, AssistantError) else self.server.unreachable(err)) from None
        try:
            yield answer
        except self._http.HTTPError as err:
            raise self.server.broken(f"hung up in the middle of its answer: {printable(str(err) or type(err).__name__)}") from None
        finally:
            await request.__aexit__(None, None, None)

    async def body(self, answer: Any, most_bytes: int, timeout_s: float, key: str) -> bytes:
        """The whole answer.

        Raises: EngineError when it is longer than `most_bytes`; DeadlineError.
        """
        read = bytearray()
        try:
            async with asyncio.timeout(timeout_s), aclosing(answer.iter_bytes()) as pieces:
                async for piece in pieces:
                    read += piece
                    if len(read) > most_bytes:
                        raise self.server.broken(f"sends more than {most_bytes} bytes for one answer")
        except TimeoutError:
            raise self.server.late(timeout_s, "whole answer", key) from None
        return bytes(read)

    async def _check(self, answer: Any) -> None:
        """Takes a refusal out of the library's hands, which would read all of it, however long."""
        if answer.is_success:
            return
        said = bytearray()
        with contextlib.suppress(self._http.HTTPError):
            async for piece in answer.aiter_bytes():
                said += piece
                if len(said) >= REFUSAL_BYTES:
                    break
        raise self.server.refused(answer.status_code, bytes(said), answer.headers.get("location", ""))


class OpenAiClient(OpenAiConnection):
    """For engines that block: one per engine. `portal` runs what the asynchronous methods return."""

    def __init__(self, server: Remote, name: str) -> None:
        """Raises: SettingsError when the certificate cannot be read."""
        super().__init__(server, server.gate)
        self.portal = Portal(name)

    def close(self) -> None:
        """Hangs up and ends the portal."""
        with contextlib.suppress(AssistantError):
            self.portal.call(self.hang_up(), _CLOSE_S)
        self.portal.close()

    def look(self) -> list[ServedModel]:
        """What the server offers now, as `fetch_models`. Blocking.

        Raises: PeerUnreachableError, DeadlineError, RefusedError, BusyError, EngineError.
        """
        return self.portal.call(self.models(), self.server.connect_s * 2 + 1)
