"""NVIDIA Riva and Speech NIM servers: their address, keys and certificates, calls with deadlines, and failures as our errors."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .engines import EngineContext
from .errors import (
    AssistantError,
    BusyError,
    DeadlineError,
    EngineError,
    EngineUnavailableError,
    PeerError,
    PeerUnreachableError,
    SettingsError,
)
from .gate import Trip, host_of
from .protocol import printable
from .recall import ask_or_recall, recall
from .schema import option

T = TypeVar("T")
AUTHOR = "NVIDIA"
_MOST_BYTES = 64 * 1024 * 1024  # ten minutes of speech are 19 MB; gRPC's own limit of 4 MiB is two minutes
_CHANNEL = (
    ("grpc.max_send_message_length", _MOST_BYTES),
    ("grpc.max_receive_message_length", _MOST_BYTES),
    ("grpc.enable_http_proxy", 0),  # like every other connection of ours: a server in the house is not behind the proxy
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),  # gRPC's own is two minutes: a server that is back would be refused as long
)
_END = object()


@dataclass(frozen=True)
class RivaServer:
    """Settings that recogniser and voice have in common."""

    uri: str = option("", "HOST:PORT of the Riva or Speech NIM server; its usual port is 50051")
    key: str = option("", "API key, for servers that want one (NVIDIA's hosted ones do)", secret=True)
    key_file: str = option("", "file that holds the API key, so that it need not stand in the settings")
    function_id: str = option("", "which hosted model is meant; a server of your own needs none")
    metadata: dict[str, str] = option({}, "further gRPC metadata sent with every call", secret=True)
    tls: bool = option(False, "encrypt the connection; certificates below switch it on as well")
    ca_file: str = option("", "certificate (PEM) the server is known by; empty means those this machine trusts")
    client_certificate: str = option("", "certificate (PEM) that this machine shows, for servers that want one")
    client_key: str = option("", "private key (PEM) of that certificate")
    connect_s: float = option(2.0, "seconds to wait for the list of models", minimum=0.1, maximum=60)


class RivaLink:
    """The channel to one server. Its calls may be made on any thread; close it when none is under way."""

    def __init__(self, options: RivaServer, setting: str, context: EngineContext) -> None:
        """setting: where the options are, `asr.engines.riva`. context: has the gate. Connects only when it is first called.

        Raises: EngineUnavailableError when there is no address; SettingsError.
        """
        check_address(options, setting)
        from riva.client.auth import create_channel

        self.where = options.uri
        self._setting = setting
        self._metadata = _metadata(options, setting)
        self._gate = context.gate(setting)
        try:
            self.channel = create_channel(
                ssl_root_cert=options.ca_file or None,
                ssl_client_cert=options.client_certificate or None,
                ssl_client_key=options.client_key or None,
                use_ssl=options.tls,
                uri=options.uri,
                options=list(_CHANNEL),
            )
        except OSError as err:
            raise SettingsError(f"{setting}: {err.filename} cannot be read: {err.strerror}") from None

    def call(self, method: Any, request: Any, timeout_s: float) -> "Unary":
        """Begins a call with one answer.

        Raises: EngineUnavailableError, PeerUnreachableError when nothing may be sent.
        """
        trip = self._leave(max(1, request.ByteSize()))
        return Unary(self, method.future(request, timeout=timeout_s, metadata=self._metadata), trip)

    def stream(self, method: Any, requests: Iterable[Any], timeout_s: float) -> "Answers":
        """Begins a call with many answers; `requests` is consumed on a thread of gRPC's.

        Raises: as `call`.
        """
        voyage = _Voyage(self._leave(1))
        return Answers(self, method(voyage.counted(requests), timeout=timeout_s, metadata=self._metadata), voyage)

    def _leave(self, sent_bytes: int) -> Trip | None:
        return self._gate.let_out("GRPC", host_of(self.where), sent_bytes) if self._gate else None

    def close(self) -> None:
        """Ends every call."""
        self.channel.close()

    def failure(self, error: Any) -> AssistantError:
        """What a grpc.RpcError means for the owner."""
        import grpc

        code, details = error.code(), printable(" ".join((error.details() or "").split()), 240)
        status = grpc.StatusCode
        if code is status.UNAVAILABLE:
            step = f"is the server running, and is {self._setting}.uri right?"
            return PeerUnreachableError(f"{self.where} cannot be reached ({details}); {step}")
        if code is status.DEADLINE_EXCEEDED:
            return DeadlineError(f"{self.where} did not answer in time")
        if code is status.CANCELLED:
            return EngineError("the request was given up")
        if code is status.RESOURCE_EXHAUSTED:
            return BusyError(f"{self.where} is busy: {details}")
        if code in (status.UNAUTHENTICATED, status.PERMISSION_DENIED):
            return EngineError(f"{self.where} refuses access: {details}; check {self._setting}.key and {self._setting}.function_id")
        if code is status.UNIMPLEMENTED:
            return EngineError(f"{self.where} cannot do this: {details}")
        return EngineError(f"{self.where} failed ({code.name.lower().replace('_', ' ')}): {details}")


class _Voyage:
    """What a call comes to, for the ledger."""

    def __init__(self, trip: Trip | None) -> None:
        self._trip = trip
        self._sent_bytes = 0
        self.received_bytes = 0

    def counted(self, requests: Iterable[Any]) -> Iterator[Any]:
        """The requests, as they are sent."""
        for request in requests:
            self._sent_bytes += request.ByteSize()
            yield request

    def end(self, error: AssistantError | None = None) -> None:
        """Writes it down."""
        if self._trip:
            sent = not isinstance(error, PeerUnreachableError)
            self._trip.end(self.received_bytes, 0, str(error or ""), sent=sent, further_bytes=self._sent_bytes)
            self._trip = None


class Unary:
    """A call with one answer, under way."""

    def __init__(self, link: RivaLink, call: Any, trip: Trip | None) -> None:
        self._link = link
        self._call = call
        self._voyage = _Voyage(trip)

    def wait(self) -> Any:
        """The answer, at the latest when the call's deadline is over.

        Raises: PeerUnreachableError, DeadlineError, BusyError, EngineError.
        """
        import grpc

        failure: AssistantError | None = None
        try:
            answer = self._call.result()
            self._voyage.received_bytes = answer.ByteSize()
            return answer
        except grpc.FutureCancelledError:
            failure = EngineError("the request was given up")
        except grpc.RpcError as err:
            failure = self._link.failure(err)
        finally:
            self._voyage.end(failure)
        raise failure

    def cancel(self) -> None:
        """Gives it up; whoever waits is told at once."""
        self._call.cancel()


class Answers:
    """The answers of a call, read on a thread of its own, so that a slow listener never holds the server up."""

    def __init__(self, link: RivaLink, call: Any, voyage: _Voyage) -> None:
        self._link = link
        self._call = call
        self._voyage = voyage
        self._read: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._ended = False
        self._thread = threading.Thread(target=self._listen, name=f"answers of {link.where}", daemon=True)
        self._thread.start()

    def ready(self) -> list[Any]:
        """Those that have come since the last time. Never waits.

        Raises: as `next`.
        """
        found = []
        while not self._ended and not self._read.empty():
            if (answer := self._take(self._read.get())) is not None:
                found.append(answer)
        return found

    def next(self, timeout_s: float, what: str) -> Any | None:
        """The next one; None when there is no more. what: named when it takes too long.

        Raises: DeadlineError, PeerUnreachableError, BusyError, EngineError, after which the call is over.
        """
        if self._ended:
            return None
        try:
            return self._take(self._read.get(timeout=max(0.0, timeout_s)))
        except queue.Empty:
            self.cancel()
            raise DeadlineError(f"{self._link.where} gave no {what} in time") from None

    def cancel(self) -> None:
        """Gives the call up; whoever waits is told at once. On any thread."""
        self._call.cancel()

    def _take(self, item: Any) -> Any | None:
        if item is _END:
            self._ended = True
            return None
        if isinstance(item, AssistantError):
            self._ended = True
            raise item
        return item

    def _listen(self) -> None:
        import grpc

        try:
            for answer in self._call:
                self._voyage.received_bytes += answer.ByteSize()
                self._read.put(answer)
            self._voyage.end()
            self._read.put(_END)
        except grpc.RpcError as err:
            failure = self._link.failure(err)
            self._voyage.end(failure)
            self._read.put(failure)


def check_address(options: RivaServer, setting: str) -> None:
    """Raises: EngineUnavailableError when there is no address; SettingsError when it cannot be one."""
    if not options.uri:
        raise EngineUnavailableError(f"needs the address of a server: --set {setting}.uri=HOST:50051")
    host, colon, port = options.uri.rpartition(":")
    if not (host and colon and port.isdigit() and options.uri.isprintable()) or "/" in host or " " in host:
        raise SettingsError(f"{setting}.uri: {printable(options.uri)!r} is not HOST:PORT")


def ask_server(options: RivaServer, setting: str, context: EngineContext, ask: Callable[[RivaLink], "Unary"]) -> Any:
    """What a server says of itself, on a channel of its own.

    Raises: PeerError when it does not say: requests may work all the same; DeadlineError.
    """
    link = RivaLink(options, setting, context)
    try:
        return ask(link).wait()
    except (EngineError, BusyError) as err:
        raise PeerError(str(err)) from None
    finally:
        link.close()


def offered(options: RivaServer, setting: str, context: EngineContext, server: str, ask: Callable[[], T]) -> T | None:
    """What `server` has, see `ask_or_recall`. A hosted function is asked until it has told: it stays what it is, and calls may be counted.

    Raises: what `ask` raises for the owner to put right.
    """
    if options.function_id and (told := recall(context, server)) is not None:
        return told
    return ask_or_recall(context, server, ask, context.gate(setting))


def tags(parameters: Any) -> tuple[str, ...]:
    """The languages of a model: `language_code` is one, or several with commas between."""
    return tuple(dict.fromkeys(tag.strip() for tag in parameters.get("language_code", "").split(",") if tag.strip()))


def _metadata(options: RivaServer, setting: str) -> list[tuple[str, str]]:
    given = {name.lower(): value for name, value in options.metadata.items()}
    if options.function_id:
        given["function-id"] = options.function_id
    if key := _key(options, setting):
        given["authorization"] = f"Bearer {key}"
    for name, value in given.items():
        if not (name and name.isascii() and name.isprintable() and value.isascii() and value.isprintable()):
            raise SettingsError(f"{setting}: metadata {printable(name)!r} must be plain ASCII characters on one line")
    return list(given.items())


def _key(options: RivaServer, setting: str) -> str:
    if options.key or not options.key_file:
        return options.key.strip()
    try:
        return Path(options.key_file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise SettingsError(f"{setting}.key_file: {options.key_file} cannot be read: {getattr(err, 'strerror', None) or err}") from None
