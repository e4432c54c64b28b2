"""Cameras and a vision model for tests: films, pictures and real HTTP servers, which misbehave on demand."""

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from fake_web import Handler, endless
from web_services import Asked, WebService

SIZE = (1280, 720)
BRIGHT, DARK = 150, 17
"""Luminance, of which films have 16 to 235."""
TOKEN = "a long-lived token"
ENTITY = "camera.front_door"


def frame(luma: int, size: tuple[int, int] = SIZE) -> av.VideoFrame:
    """A picture of one colour."""
    made = av.VideoFrame(*size, "yuv420p")
    for plane, value in zip(made.planes, (luma, 110, 140), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return made


def noise(size: tuple[int, int] = (512, 288)) -> av.VideoFrame:
    """A picture like no other."""
    made = av.VideoFrame(*size, "yuv420p")
    for plane in made.planes:
        plane.update(os.urandom(plane.buffer_size))
    return made


def film(path: Path, pictures: Sequence[int | av.VideoFrame], size: tuple[int, int] = SIZE) -> str:
    """A film of these pictures, or of one colour of this luminance each, in place of a webcam; its path."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for each in pictures:
            out.mux(stream.encode(frame(each, size) if isinstance(each, int) else each))
        out.mux(stream.encode())
    return str(path)


def picture(luma: int = BRIGHT, size: tuple[int, int] = SIZE, kind: str = "mjpeg") -> bytes:
    """A JPEG (or png) of one colour."""
    pixels = {"mjpeg": "yuvj420p", "png": "rgb24"}[kind]
    encoder = av.CodecContext.create(kind, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *size, pixels, Fraction(1, 1)
    made = frame(luma, size).reformat(format=pixels)
    made.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(made), *encoder.encode(None)])


def part(jpeg: bytes, boundary: str = "--frame", length: bool = True) -> bytes:
    """One picture of an MJPEG stream."""
    size = f"Content-Length: {len(jpeg)}\r\n" if length else ""
    return f"{boundary}\r\nContent-Type: image/jpeg\r\n{size}\r\n".encode() + jpeg + b"\r\n"


def stream(jpeg: bytes, length: bool = True) -> Handler:
    """An MJPEG stream without an end."""
    return endless(part(jpeg, length=length), "multipart/x-mixed-replace; boundary=frame")


class CameraServer(WebService):
    """A camera with a snapshot at /snapshot.jpg, and Home Assistant with the same one."""

    def __init__(self) -> None:
        super().__init__()
        self.reply("/snapshot.jpg", picture())
        self.reply(f"/api/camera_proxy/{ENTITY}", self._proxied)

    def well(self) -> None:
        """No fault is left."""
        self._faults.clear()

    @property
    def snapshot(self) -> str:
        """Its address."""
        return f"{self.uri}/snapshot.jpg"

    def _proxied(self, asked: Asked) -> bytes:
        return picture() if asked.headers.get("authorization") == f"Bearer {TOKEN}" else b"401: Unauthorized"


@dataclass(frozen=True)
class Shown:
    """What a vision model was shown, measured; the picture itself is not kept."""

    question: str
    width: int
    height: int
    luma: float
    size_bytes: int
    body: dict[str, Any]
    """The request without its content."""


class VisionServer(WebService):
    """A server with OpenAI's chat API whose model says `says` to every picture."""

    def __init__(self, says: str = "I see a cat.") -> None:
        super().__init__()
        self.says: Any = says
        self.finish = "stop"
        self.shown: list[Shown] = []
        self.reply("/v1/chat/completions", self._describe)

    @property
    def base_url(self) -> str:
        """For the settings."""
        return f"{self.uri}/v1"

    def _describe(self, asked: Asked) -> dict[str, Any]:
        self.asked.remove(asked)
        body = asked.json()
        (message,) = body.pop("messages")
        image, text = message["content"]
        assert (message["role"], image["type"], text["type"]) == ("user", "image_url", "text")
        kind, _, data = image["image_url"]["url"].partition(",")
        assert kind == "data:image/jpeg;base64"
        jpeg = base64.b64decode(data, validate=True)
        with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as container:
            decoded = next(container.decode(video=0))
        gray = decoded.reformat(2, 2, format="gray").planes[0]
        self.shown.append(Shown(text["text"], decoded.width, decoded.height, bytes(gray)[0], len(jpeg), body))
        return {"choices": [{"message": {"role": "assistant", "content": self.says}, "finish_reason": self.finish}]}


def looking(model: VisionServer, cameras: dict[str, str], **values: Any) -> dict[str, Any]:
    """The camera tool's options. cameras: where they are, by name."""
    return {"camera": {"cameras": cameras, "base_url": model.base_url, **values}}
