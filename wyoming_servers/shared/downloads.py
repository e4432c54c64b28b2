"""Fetches files over HTTP: resumes, retries, tries mirrors, and believes nothing about sizes and contents that it has not checked."""

import asyncio
import contextlib
import errno
import logging
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import aiohttp
from yarl import URL

from .catalogue import ModelFile
from .errors import EngineUnavailableError
from .partial import Fetched, Journal, Partial, Stated
from .protocol import printable

_LOGGER = logging.getLogger(__name__)
_CHUNK_BYTES = 256 * 1024
_LOOK_AT_DISK_BYTES = 32 << 20
_WORTH_BYTES = 1 << 20  # a try that brought so much does not count as failed
_TRIES_OF_MIRRORS = 2  # there is another place
_MAX_REDIRECTS = 8
_WAIT_AT_MOST_S = 300.0  # whatever a server asks for in Retry-After
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 509, 520, 522, 524})  # statuses that pass


class DownloadError(EngineUnavailableError):
    """A file could not be fetched; the text says why, for each place it was looked for."""

    retryable = True


class _PassingError(Exception):
    """This attempt failed in a way that may pass."""

    def __init__(self, why: str, pause_s: float | None = None) -> None:
        super().__init__(why)
        self.pause_s = pause_s


@dataclass(frozen=True)
class Limits:
    """How patient a download is."""

    connect_s: float = 20.0
    """Seconds until a connection stands."""
    stalled_s: float = 30.0
    """Seconds without a single byte until an attempt is given up."""
    tries: int = 6
    """Attempts in a row that bring next to nothing."""
    pause_s: float = 1.0
    """Seconds before the second attempt; doubled before each further one."""
    longest_pause_s: float = 60.0
    """Seconds between attempts at most."""
    reserve_bytes: int = 100_000_000
    """Room that is left on the disk."""


@dataclass(frozen=True)
class Origins:
    """Where files are fetched from."""

    mirrors: Mapping[str, str] = field(default_factory=dict)
    """Beginning of an address → what stands there instead; the longest that fits counts, the original place is tried after it."""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`https://host` → token that is sent to this host and to no other."""

    def of(self, url: str) -> list[str]:
        """The addresses to try, in order."""
        fitting = [beginning for beginning in self.mirrors if url.startswith(beginning)]
        if not fitting:
            return [url]
        beginning = max(fitting, key=len)
        return [self.mirrors[beginning] + url[len(beginning) :], url]

    def token(self, url: URL) -> str:
        """The token for this address, or an empty string."""
        return next((token for origin, token in self.tokens.items() if token and URL(origin).origin() == url.origin()), "")


class Downloader:
    """Fetches files one after the other. An asynchronous context manager; proxies are taken from the environment."""

    def __init__(self, folder: Path, journal: Journal, origins: Origins, limits: Limits, free: Callable[[Path], int]) -> None:
        """folder: where the files go. free: bytes free on the disk of a folder."""
        self._folder = folder
        self._journal = journal
        self._origins = origins
        self._limits = limits
        self._free = free
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Downloader":
        limits = self._limits
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_s, sock_read=limits.stalled_s),
            headers={"Accept-Encoding": "identity", "User-Agent": "earshot"},
            auto_decompress=False,
            requote_redirect_url=False,  # signed addresses are spoilt by it
            trust_env=True,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, file: ModelFile, tell: Callable[[int], None], note: Callable[[str], None]) -> Fetched:
        """One file, complete and checked. What an earlier attempt left is continued.

        tell: gets the bytes there are so far. note: gets what goes wrong on the way.
        Raises: DownloadError.
        """
        partial = Partial(self._folder / file.path, md5=bool(file.md5))
        try:
            with contextlib.closing(partial):
                for _ in partial.opening():
                    await asyncio.sleep(0)  # it may be gigabytes: Ctrl-C is heard meanwhile
                return await self._anywhere(file, partial, tell, note)
        except OSError as err:
            raise _disk_error(err, partial.path) from err

    async def _anywhere(self, file: ModelFile, partial: Partial, tell: Callable[[int], None], note: Callable[[str], None]) -> Fetched:
        """Tries one address after the other."""
        *others, last = self._origins.of(file.url)
        problems = []
        for url in others:
            try:
                return await self._insist(replace(file, url=url), partial, tell, note, _TRIES_OF_MIRRORS)
            except DownloadError as err:
                problems.append(str(err))
                note(str(err))
        try:
            return await self._insist(replace(file, url=last), partial, tell, note, self._limits.tries)
        except DownloadError as err:
            raise DownloadError("; ".join([*problems, str(err)])) from None

    async def _insist(
        self, file: ModelFile, partial: Partial, tell: Callable[[int], None], note: Callable[[str], None], tries: int
    ) -> Fetched:
        """Attempts at one address until it works or has failed too often."""
        failures, wrong = 0, 0
        while True:
            before = partial.size_bytes
            try:
                if not self._complete(file, partial):
                    await self._attempt(file, partial, tell)
                return self._check(file, partial)
            except _WrongContentError as err:
                wrong += 1
                self._begin_again(file, partial)
                tell(0)
                if wrong == 2:
                    raise DownloadError(f"{file.url}: {err}") from None
                note(f"{err}; fetching it once more")
            except _PassingError as err:
                failures = 1 if partial.size_bytes > before + _WORTH_BYTES else failures + 1
                if failures >= tries:
                    raise DownloadError(f"{file.url}: {err} ({failures} tries)") from None
                pause_s = self._pause_s(failures) if err.pause_s is None else err.pause_s
                note(f"{err}; trying again" + (f" in {pause_s:.0f} s" if pause_s >= 1 else ""))
                await asyncio.sleep(pause_s)

    def _pause_s(self, failures: int) -> float:
        pause_s = min(self._limits.longest_pause_s, self._limits.pause_s * 2 ** min(failures - 1, 16))
        return pause_s * random.uniform(0.75, 1.0)  # the nodes of a house need not come all at once

    async def _attempt(self, file: ModelFile, partial: Partial, tell: Callable[[int], None]) -> None:
        """One request, and its body as far as it comes.

        Raises: _PassingError, DownloadError, OSError of the disk.
        """
        assert self._session is not None
        url = URL(file.url)
        headers = self._range(file, partial)
        if token := self._origins.token(url):
            headers["Authorization"] = f"Bearer {token}"  # the library drops it when it is redirected to another host
        try:
            async with self._session.get(url, headers=headers, max_redirects=_MAX_REDIRECTS) as response:
                _check_answer(response, file)
                stated = _stated(response, file)
                self._place(response, stated, file, partial)
                tell(partial.size_bytes)
                await self._receive(response, stated.size_bytes, partial, tell)
        except (aiohttp.TooManyRedirects, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as err:
            raise DownloadError(f"{file.url}: redirects to nowhere useful ({_words(err)})") from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as err:
            raise _PassingError(_trouble(err, self._limits)) from None

    def _range(self, file: ModelFile, partial: Partial) -> dict[str, str]:
        """The headers that ask for the rest; none when there is nothing that could be continued safely."""
        validator = self._journal.of(file.path, file.url).validator
        if partial.size_bytes and not (validator or file.sha256 or file.md5):
            partial.restart()
        if not partial.size_bytes:
            return {}
        return {"Range": f"bytes={partial.size_bytes}-"} | ({"If-Range": validator} if validator else {})

    def _place(self, response: aiohttp.ClientResponse, stated: Stated, file: ModelFile, partial: Partial) -> None:
        """Makes what is on disk fit to what will come."""
        known = self._journal.of(file.path, file.url)
        if response.status == 206:
            stated = replace(stated, validator=stated.validator or known.validator, sha256=stated.sha256 or known.sha256)
            if _first_byte(response) != partial.size_bytes or (known.validator and known.validator != stated.validator):
                self._begin_again(file, partial)
                raise _PassingError("the server does not continue where the file ends", 0.0)
        elif partial.size_bytes:
            partial.restart()
        self._journal.state(file.path, stated)
        self._check_room((stated.size_bytes or 0) - partial.size_bytes, partial)

    async def _receive(
        self, response: aiohttp.ClientResponse, size_bytes: int | None, partial: Partial, tell: Callable[[int], None]
    ) -> None:
        looked = partial.size_bytes
        async for data in response.content.iter_chunked(_CHUNK_BYTES):
            if size_bytes is not None and partial.size_bytes + len(data) > size_bytes:
                raise _WrongContentError(f"more came than the {size_bytes} bytes it should have")
            partial.write(data)
            tell(partial.size_bytes)
            if partial.size_bytes - looked >= _LOOK_AT_DISK_BYTES:
                looked = partial.size_bytes
                self._check_room((size_bytes or 0) - looked, partial)
        if size_bytes is not None and partial.size_bytes < size_bytes:
            raise _PassingError(f"only {partial.size_bytes} of {size_bytes} bytes came")

    def _complete(self, file: ModelFile, partial: Partial) -> bool:
        """True when nothing but the check was missing as we were ended."""
        size_bytes = file.size_bytes or self._journal.of(file.path, file.url).size_bytes
        if size_bytes is not None and partial.size_bytes > size_bytes:
            self._begin_again(file, partial)
        return partial.size_bytes > 0 and partial.size_bytes == size_bytes

    def _check(self, file: ModelFile, partial: Partial) -> Fetched:
        """Compares what came with what should have come.

        Raises: _WrongContentError; OSError of the disk.
        """
        stated = self._journal.of(file.path, file.url)
        for kind, wanted, found in (
            ("sha256", file.sha256, partial.sha256),
            ("md5", file.md5, partial.md5),
            ("server", stated.sha256, partial.sha256),
        ):
            if wanted:
                if wanted != found:
                    raise _WrongContentError(f"wrong checksum: {found} instead of {wanted}")
                checked = kind
                break
        else:
            checked = "size"
        partial.settle()
        return Fetched(file.path, file.url, partial.size_bytes, partial.sha256, checked)

    def _begin_again(self, file: ModelFile, partial: Partial) -> None:
        partial.restart()
        self._journal.forget(file.path)

    def _check_room(self, missing_bytes: int, partial: Partial) -> None:
        free = self._free(partial.path.parent)
        if free - missing_bytes < self._limits.reserve_bytes:
            raise no_room(partial.path.parent, max(0, missing_bytes), free, self._limits.reserve_bytes)


class _WrongContentError(Exception):
    """What came is not what should have come; it is thrown away."""


def weakens(schemes: Sequence[str]) -> bool:
    """True when redirects through these leave https for http."""
    return "https" in schemes and "http" in schemes[schemes.index("https") :]


def no_room(folder: Path, missing_bytes: int, free_bytes: int, reserve_bytes: int) -> DownloadError:
    """Says that a disk is too small."""
    return DownloadError(
        f"{missing_bytes / 1e6:.1f} MB are missing, and the disk of {folder} has {free_bytes / 1e6:.1f} MB free"
        f" ({reserve_bytes / 1e6:.0f} MB stay free): `earshot models remove NAME`, or set models.folder to a larger disk"
    )


def _check_answer(response: aiohttp.ClientResponse, file: ModelFile) -> None:
    """Raises: _PassingError, DownloadError when this is not the file."""
    status, host = response.status, response.url.host
    if weakens([one.url.scheme for one in (*response.history, response)]):
        raise DownloadError(f"{file.url}: redirects from https to {response.url.scheme}://{host}")
    if status in (200, 206):
        return
    if status == 416:
        raise _WrongContentError(f"{host} does not have the rest")
    if status in _AGAIN:
        raise _PassingError(f"{host} answers {_status(response)}", _asked_pause_s(response))
    if status in (401, 403):
        raise DownloadError(
            f"{file.url}: {host} answers {_status(response)}; if it needs an account, accept its terms there"
            " and give a token as HF_TOKEN or in models.token_file"
        )
    raise DownloadError(f"{file.url}: {host} answers {_status(response)}")


def _stated(response: aiohttp.ClientResponse, file: ModelFile) -> Stated:
    """What the answer says of the whole file. Hugging Face says more in the redirect to the place where the bytes are.

    Raises: DownloadError when it cannot be the file.
    """
    headers = response.headers
    size_bytes = _total(response)
    sha256 = ""
    for one in (*response.history, response):
        etag = one.headers.get("X-Linked-Etag", "").strip('"').lower()
        if re.fullmatch("[0-9a-f]{64}", etag):
            sha256 = etag
        linked = one.headers.get("X-Linked-Size", "")
        if linked.isdecimal():
            size_bytes = int(linked) if size_bytes is None else size_bytes
            if size_bytes != int(linked):
                raise _PassingError(f"{response.url.host} sends {size_bytes} bytes and announced {linked}")
    if size_bytes is not None and file.size_bytes is not None and size_bytes != file.size_bytes:
        raise DownloadError(f"{file.url}: has {size_bytes} bytes, not the {file.size_bytes} of the catalogue")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadError(f"{file.url}: comes as {printable(headers['Content-Encoding'], 20)} though we did not ask for that")
    unchecked = not (file.sha256 or file.md5 or file.size_bytes or sha256)
    if unchecked and response.content_type == "text/html" and not file.path.endswith((".html", ".htm")):
        raise DownloadError(f"{file.url}: {response.url.host} sends a web page instead of the file")
    etag = headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
    return Stated(file.url, validator, file.size_bytes if size_bytes is None else size_bytes, sha256)


def _total(response: aiohttp.ClientResponse) -> int | None:
    """Size of the whole file, if the answer says it."""
    if response.status == 206:
        found = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return int(found[1]) if found else None
    return response.content_length


def _first_byte(response: aiohttp.ClientResponse) -> int:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else -1


def _asked_pause_s(response: aiohttp.ClientResponse) -> float | None:
    asked = response.headers.get("Retry-After", "")
    return min(_WAIT_AT_MOST_S, float(asked)) if asked.isdecimal() else None


def _status(response: aiohttp.ClientResponse) -> str:
    return f"{response.status} {printable(response.reason or '', 60)}".strip()


def _words(err: BaseException) -> str:
    return printable(str(err) or type(err).__name__, 200)


def _trouble(err: BaseException, limits: Limits) -> str:
    if isinstance(err, aiohttp.ConnectionTimeoutError):
        return f"no connection within {limits.connect_s:g} s"
    if isinstance(err, TimeoutError):
        return f"nothing came for {limits.stalled_s:g} s"
    if isinstance(err, aiohttp.ClientPayloadError):
        return "the connection ended in the middle"
    return _words(err)


def _disk_error(err: OSError, path: Path) -> DownloadError:
    if err.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(f"the disk of {path.parent} is full: `earshot models remove NAME`, or set models.folder to a larger disk")
    return DownloadError(f"{path} cannot be written: {err.strerror or err}")
