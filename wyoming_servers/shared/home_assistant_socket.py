"""One WebSocket to Home Assistant: sign-in, commands with their results, subscriptions. aiohttp is imported when it is first used."""

import asyncio
import contextlib
import ipaddress
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .errors import HouseError
from .inside import is_inside, is_local_name
from .protocol import printable
from .tasks import cancel

_LOGGER = logging.getLogger(__name__)
_HEARTBEAT_S = 20.0
_MOST_BYTES = 32 * 1024 * 1024
"""Of one message: the registries of a large house are some megabytes."""
_GOODBYE_S = 1.0


@dataclass(frozen=True)
class Access:
    """Where Home Assistant is, and what opens it."""

    url: str
    """`http://homeassistant.local:8123`."""
    path: str
    """Of its WebSocket, behind the address."""
    token: str = field(repr=False)
    ca_file: str = ""
    answer_s: float = 5.0
    trusted: bool = False
    """True for a host that the owner, or the Supervisor, vouches for: it is not looked at whether its address is in the house."""

    @property
    def host(self) -> str:
        """Its name or address."""
        return urlsplit(self.url).hostname or ""


class HomeAssistantSocket:
    """A connection that has signed in. Made by `connected`."""

    def __init__(self, messages: Any, access: Access) -> None:
        self._messages = messages
        self._access = access
        self._next = 1
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listening: dict[int, Callable[[Any], None]] = {}
        self.ended: asyncio.Future[HouseError] = asyncio.get_running_loop().create_future()
        """Why the connection has ended."""

    async def ask(self, kind: str, *, timeout_s: float = 0.0, **fields: Any) -> Any:
        """A command and its result. timeout_s: instead of the settings' deadline.

        Raises: HouseError.
        """
        return await self._ask(self._number(), kind, fields, timeout_s)

    async def subscribe(self, kind: str, told: Callable[[Any], None], **fields: Any) -> int:
        """A command whose events are given to `told`, on the loop, until the connection ends. Returns its number, for `unsubscribe`.

        Raises: HouseError.
        """
        number = self._number()
        self._listening[number] = told  # the first events may come with the result
        await self._ask(number, kind, fields, 0.0)
        return number

    async def unsubscribe(self, number: int) -> None:
        """Ends a subscription.

        Raises: HouseError.
        """
        self._listening.pop(number, None)
        await self.ask("unsubscribe_events", subscription=number)

    async def read(self) -> None:
        """Takes messages until the connection ends, and says why in `ended`."""
        try:
            while True:
                await self._take(await self._message())
        except HouseError as err:
            self._end(err)
        finally:
            self._end(HouseError(f"the connection to Home Assistant at {self._access.url} was closed"))

    async def sign_in(self) -> None:
        """Raises: HouseError."""
        async with self._in_time(self._access.answer_s, "to sign in"):
            first = await self._message()
            if first.get("type") != "auth_required":
                raise HouseError(f"{self._access.url} does not answer as Home Assistant does; check home_assistant.url", "address")
            await self._messages.send_json({"type": "auth", "access_token": self._access.token})
            answer = await self._message()
        if answer.get("type") == "auth_invalid":
            raise HouseError(
                f"Home Assistant at {self._access.url} does not accept the token: {printable(str(answer.get('message', '')))[:200]}; "
                "make a new one on your profile page there, under Security, and set home_assistant.token or token_file",
                "token",
            )
        if answer.get("type") != "auth_ok":
            raise HouseError(f"{self._access.url} does not answer as Home Assistant does; check home_assistant.url", "address")

    def _number(self) -> int:
        number, self._next = self._next, self._next + 1
        return number

    async def _ask(self, number: int, kind: str, fields: Mapping[str, Any], timeout_s: float) -> Any:
        if self.ended.done():
            raise self.ended.result()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with self._in_time(timeout_s or self._access.answer_s, f"to {kind}"):
                try:
                    await self._messages.send_json({"id": number, "type": kind, **fields})
                except (ConnectionError, RuntimeError) as err:
                    raise HouseError(f"Home Assistant at {self._access.url} hung up") from err
                return await answer
        finally:
            self._waiting.pop(number, None)

    async def _message(self) -> dict[str, Any]:
        """The next message that is an object.

        Raises: HouseError.
        """
        message = await self._messages.receive()
        if message.type.name != "TEXT":
            raise HouseError(f"Home Assistant at {self._access.url} hung up")
        try:
            content = json.loads(message.data)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise HouseError(f"{self._access.url} does not answer as Home Assistant does; check home_assistant.url", "address")
        return content

    async def _take(self, message: Mapping[str, Any]) -> None:
        number, kind = message.get("id"), message.get("type")
        if not isinstance(number, int):
            return
        if kind == "event" and (told := self._listening.get(number)):
            told(message.get("event"))
        elif kind == "result" and (answer := self._waiting.get(number)) and not answer.done():
            if message.get("success") is True:
                answer.set_result(message.get("result"))
            else:
                answer.set_exception(_refusal(message.get("error"), self._access))

    def _end(self, error: HouseError) -> None:
        if not self.ended.done():
            self.ended.set_result(error)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)

    @asynccontextmanager
    async def _in_time(self, timeout_s: float, purpose: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError:
            raise HouseError(f"Home Assistant at {self._access.url} took longer than {timeout_s:g} s {purpose}") from None


@asynccontextmanager
async def connected(access: Access) -> AsyncIterator[HomeAssistantSocket]:
    """A connection that has signed in; it is closed at the end.

    Raises: HouseError.
    """
    import aiohttp

    tls = await asyncio.to_thread(_tls, access)
    connector = aiohttp.TCPConnector(resolver=_resolver(access), ssl=tls, use_dns_cache=False)
    limits = aiohttp.ClientTimeout(total=None, sock_connect=access.answer_s)
    async with aiohttp.ClientSession(connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
        messages = await _open(aiohttp, session, access)
        link = HomeAssistantSocket(messages, access)
        reading: asyncio.Task | None = None
        try:
            await link.sign_in()
            reading = asyncio.create_task(link.read(), name="messages of Home Assistant")
            yield link
        finally:
            await cancel(reading)
            with contextlib.suppress(TimeoutError):  # a host that is gone answers no goodbye
                async with asyncio.timeout(_GOODBYE_S):
                    await messages.close()


async def _open(aiohttp: Any, session: Any, access: Access) -> Any:
    try:
        async with asyncio.timeout(access.answer_s):
            return await session.ws_connect(
                access.url + access.path, heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_BYTES, headers=_headers(access)
            )
    except TimeoutError:
        raise HouseError(f"no connection to Home Assistant at {access.url} within {access.answer_s:g} s") from None
    except aiohttp.WSServerHandshakeError as err:
        reason = "token" if err.status in (401, 403) else "offline" if err.status >= 500 else "address"
        helps = {"token": "it refuses this machine or the token", "address": "check home_assistant.url"}.get(reason, "it may be starting")
        raise HouseError(f"{access.url} answered {err.status} instead of opening Home Assistant's WebSocket; {helps}", reason) from None
    except aiohttp.ClientConnectorCertificateError as err:
        raise HouseError(
            f"{access.url}: its certificate is not trusted: {printable(str(err.certificate_error))}; set home_assistant.ca_file", "address"
        ) from None
    except (aiohttp.ClientError, OSError, ValueError) as err:
        cause = err.strerror if isinstance(err, OSError) and err.strerror else str(err)
        raise HouseError(f"Home Assistant at {access.url} cannot be reached: {printable(cause)[:200]}") from None


def _headers(access: Access) -> dict[str, str]:
    """The Supervisor's proxy wants the token here too."""
    return {"Authorization": f"Bearer {access.token}"} if access.path.startswith("/websocket") else {}


def _tls(access: Access) -> Any:
    if not access.url.startswith("https:"):
        return True
    try:
        return ssl.create_default_context(cafile=access.ca_file or None)
    except (OSError, ssl.SSLError) as err:
        raise HouseError(f"home_assistant.ca_file: {access.ca_file!r} is not a certificate that can be read: {err}", "address") from None


def _resolver(access: Access) -> Any:
    """Looks names up off the loop, and finds only addresses in the house.

    Raises: HouseError for an address of the internet.
    """
    from aiohttp.resolver import ThreadedResolver

    outside = (
        f"{access.host} is not in this house; set home_assistant.url to the address Home Assistant has here, or name the host in "
        "network.egress_hosts"
    )
    vouched = access.trusted or is_local_name(access.host)
    with contextlib.suppress(ValueError):
        if not vouched and not is_inside(ipaddress.ip_address(access.host)):
            raise HouseError(outside, "address")

    class InsideResolver(ThreadedResolver):
        async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Any]:
            found = await super().resolve(host, port, family)
            if not vouched and not all(is_inside(ipaddress.ip_address(row["host"].partition("%")[0])) for row in found):
                raise OSError(0, outside)
            return found

    return InsideResolver()


def _refusal(error: Any, access: Access) -> HouseError:
    error = error if isinstance(error, dict) else {}
    code, text = str(error.get("code", "")), printable(str(error.get("message", "")))[:200]
    if code == "unauthorized":
        return HouseError(
            f"the user of the token may not do this in Home Assistant at {access.url}: {text}; take the token of an administrator", "rights"
        )
    return HouseError(f"Home Assistant at {access.url} refuses: {text or code or 'no reason given'}", "refused")
