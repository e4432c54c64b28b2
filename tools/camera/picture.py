"""Pictures, by PyAV: from a camera of this machine or from bytes, made small, as JPEG. PyAV is imported when it is first used."""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .trouble import SightError

_DECODERS = {b"\xff\xd8": "mjpeg", b"\x89PNG": "png", b"RIFF": "webp"}
"""By the first bytes. Nothing else is tried: FFmpeg also knows formats that refer to other files."""
_MOST_PIXELS = 64_000_000
_OPEN_S, _READ_S = 5.0, 5.0
_QUALITY = 4 * 118  # of FFmpeg's 2 (best) to 31, in its units: 512 pixels are about 25 kB
_SAMPLED_PX = 32
_ERRNO_KEYS = {
    errno.EBUSY: "busy",
    errno.EACCES: "not_allowed",
    errno.EPERM: "not_allowed",
    errno.ENOENT: "not_there",
    errno.ENODEV: "not_there",
    errno.ENXIO: "not_there",
}


@dataclass(frozen=True)
class Picture:
    """What is shown to the model. Nobody keeps it."""

    jpeg: bytes = field(repr=False)
    width: int
    """Pixels."""
    height: int
    brightness: float
    """Mean luminance, 0 to 255."""


def from_device(device: str, longest_px: int, skip: int) -> Picture:
    """One picture of a V4L2 device, or of a file with a film or a picture; it is closed before the picture is worked on. Blocking.

    skip: pictures before it that nobody looks at, because a webcam finds its exposure only with the first ones.
    Raises: SightError.
    """
    av = _av()
    where = {"file": device, "format": "v4l2"} if device.startswith("/dev/") else {"file": f"file:{device}"}
    frame = None
    with _explained(device), av.open(**where, timeout=(_OPEN_S, _READ_S)) as container:
        for number, frame in enumerate(container.decode(video=0)):  # noqa: B007 the last one is meant
            if number >= skip:
                break
    if frame is None:
        raise SightError("no_picture", f"{device} gives no picture")
    with _explained(device):
        return _picture(av, frame, longest_px)


def from_bytes(body: bytes, where: str, longest_px: int) -> Picture:
    """A JPEG, PNG or WebP picture. Blocking. where: it came from, for the log.

    Raises: SightError.
    """
    av = _av()
    name = next((name for begin, name in _DECODERS.items() if body.startswith(begin)), "")
    if not name:
        raise SightError("no_picture", f"{where} sent {len(body)} bytes that are not a JPEG, PNG or WebP picture")
    with _explained(where):
        decoder = av.CodecContext.create(name, "r")
        decoder.options = {"max_pixels": str(_MOST_PIXELS)}
        frames = [*decoder.decode(av.Packet(body)), *decoder.decode(None)]
        if not frames:
            raise SightError("no_picture", f"{where} sent a picture that cannot be decoded")
        return _picture(av, frames[0], longest_px)


def _av() -> Any:
    try:
        import av
    except ImportError as err:
        raise SightError("no_library", "PyAV is missing: pip install 'earshot-voice[camera]'") from err
    return av


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    """FFmpeg's errors as ours."""
    av = _av()
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as err:
        key = _ERRNO_KEYS.get(getattr(err, "errno", None) or 0, "no_picture")
        hint = "; the server's user must be in the group video" if key == "not_allowed" else ""
        raise SightError(key, f"{where}: {getattr(err, 'strerror', None) or err or type(err).__name__}{hint}") from None


def _picture(av: Any, frame: Any, longest_px: int) -> Picture:
    scale = min(1.0, longest_px / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
    small = frame.reformat(width, height, format="yuvj420p", interpolation="AREA")
    small.pts = 0
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 1)
    encoder.options = {"flags": "+qscale", "global_quality": str(_QUALITY)}
    jpeg = b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])
    return Picture(jpeg, width, height, _brightness(frame))


def _brightness(frame: Any) -> float:
    plane = frame.reformat(_SAMPLED_PX, _SAMPLED_PX, format="gray", interpolation="AREA").planes[0]
    rows, step = bytes(plane), plane.line_size
    return sum(sum(rows[row * step : row * step + _SAMPLED_PX]) for row in range(_SAMPLED_PX)) / _SAMPLED_PX**2
