"""The owner's cameras: which there are, which one is meant, and a picture from it."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_servers.shared.errors import HttpError, ToolError
from wyoming_servers.shared.tool import Http, on_own_thread

from .mjpeg import FirstPicture
from .picture import Picture, from_bytes, from_device
from .trouble import SightError

_ENTITY = re.compile(r"camera\.[a-z0-9_]+")
_MOST_BYTES = 16 * 1024 * 1024
_WHY = "a camera's picture"


@dataclass(frozen=True)
class Camera:
    """One camera."""

    name: str
    """As it is said aloud."""
    address: str
    """A device or a file, an http address, or an entity of Home Assistant."""

    @property
    def on_the_network(self) -> bool:
        """True when it is a machine of its own."""
        return not self.address.startswith("/")


def cameras(named: Mapping[str, str], home_assistant: str) -> list[Camera]:
    """The cameras in the settings.

    Raises: ToolError for an address of no kind.
    """
    found = []
    for name, address in named.items():
        if not name.strip():
            raise ToolError("cameras: a camera needs a name")
        if _ENTITY.fullmatch(address):
            if not home_assistant:
                raise ToolError(f"cameras: {name}: {address} is Home Assistant's, and home_assistant does not say where that is")
        elif not address.startswith(("/", "http://", "https://")):
            kinds = "/dev/video0, an http or https address, or camera.NAME of Home Assistant"
            raise ToolError(f"cameras: {name}: its address must be {kinds}")
        found.append(Camera(" ".join(name.split()), address))
    return found


def meant(cameras: Sequence[Camera], wanted: str, area: str) -> list[Camera]:
    """Which one is meant: by name, or a part of a name; without one that of the room, else the first. Several when it could be any of them,
    none when it is none of them."""
    key = _key(wanted)
    if not key:
        here = [camera for camera in cameras if area and _key(area) in _key(camera.name)]
        return (here or list(cameras))[:1]
    exact = [camera for camera in cameras if _key(camera.name) == key]
    return exact or [camera for camera in cameras if key in _key(camera.name) or _key(camera.name) in key]


class Sources:
    """Opens cameras. Each of this machine by one at a time, on a thread of its own: a driver that hangs holds up nobody else."""

    def __init__(self, http: Http, options: Any) -> None:
        """options: the tool's."""
        self._http = http
        self._options = options
        self._locks: dict[str, asyncio.Lock] = {}

    async def picture(self, camera: Camera) -> Picture:
        """One picture.

        Raises: SightError.
        """
        limit_s = self._options.camera_s
        try:
            async with asyncio.timeout(limit_s):
                if not camera.on_the_network:
                    return await self._from_device(camera.address)
                body = await self._fetch(camera)
                where = f"the camera {camera.name!r}"
                return await asyncio.to_thread(from_bytes, body, where, self._options.longest_px)
        except TimeoutError:
            raise SightError("camera_late", f"the camera {camera.name!r} gave no picture within {limit_s:g} s") from None

    async def _from_device(self, device: str) -> Picture:
        lock = self._locks.setdefault(device, asyncio.Lock())
        await lock.acquire()
        options = self._options
        return await on_own_thread(lambda: from_device(device, options.longest_px, options.skip_pictures), f"camera {device}", lock.release)

    async def _fetch(self, camera: Camera) -> bytes:
        address, headers = camera.address, {}
        if _ENTITY.fullmatch(address):
            address = f"{self._options.home_assistant.rstrip('/')}/api/camera_proxy/{address}"
            headers = {"Authorization": f"Bearer {await asyncio.to_thread(secret, self._options.token_file)}"}
        first = FirstPicture()
        limit_s = self._options.camera_s + 1  # the one who asks is told sooner, and which camera it was
        try:
            answer = await self._http.get(
                address, why=_WHY, headers=headers, timeout_s=limit_s, most_bytes=_MOST_BYTES, enough=first.complete
            )
        except HttpError as err:
            raise SightError(_problem(err), f"the camera {camera.name!r}: {err}") from None
        return first.of(answer.body)


def secret(file: str) -> str:
    """What is in a file that holds a key; empty without one. Blocking.

    Raises: SightError when it cannot be read.
    """
    try:
        return Path(file).expanduser().read_text("utf-8").strip() if file else ""
    except (OSError, UnicodeDecodeError) as err:
        raise SightError("no_key", f"the key file {file} cannot be read: {getattr(err, 'strerror', None) or err}") from None


def _problem(err: HttpError) -> str:
    if err.offline:
        return "camera_unreachable"
    return {401: "camera_refuses", 403: "camera_refuses", 404: "camera_missing"}.get(err.status, "no_picture")


def _key(name: str) -> str:
    return " ".join(name.casefold().replace("-", " ").replace("_", " ").split())
