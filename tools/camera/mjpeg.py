"""The first picture of what a camera sends over HTTP: a still picture, or a stream of them (multipart/x-mixed-replace)."""

import re

_STILLS = (b"\xff\xd8", b"\x89PNG", b"RIFF")
_PART = re.compile(rb"\s*(\S[^\r\n]*)\r?\n((?:[^\r\n]+\r?\n)+)\r?\n")
"""A boundary, as it is written, and the headers of a part."""
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_MOST_HEAD_BYTES = 4096


class FirstPicture:
    """Reads along. One per request; told by its content what it is, for cameras are careless with Content-Type."""

    def __init__(self) -> None:
        self._boundary = b""
        self._start = 0
        self._end = 0
        self._looked = 0
        self._seen = 0

    def complete(self, body: bytes | bytearray) -> bool:
        """Whether the picture is there although more may come. A still picture is there when the answer ends."""
        if len(body) < self._seen:
            FirstPicture.__init__(self)  # it was asked again
        self._seen = len(body)
        if self._end:
            return True
        if not self._boundary and not self._find_part(body):
            return False
        end = body.find(self._boundary, self._looked)
        self._looked = max(self._start, len(body) - len(self._boundary))
        self._end = max(end, 0)
        return self._end > 0

    def of(self, body: bytes) -> bytes:
        """The picture in the whole of what came; empty when there is none."""
        if self.complete(body):
            return body[self._start : self._end].rstrip(b"\r\n") if self._boundary else body[self._start : self._end]
        return body[self._start :] if self._boundary or body.startswith(_STILLS) else b""

    def _find_part(self, body: bytes | bytearray) -> bool:
        """Finds where the first part begins, and where it ends if its headers say so."""
        if body.startswith(_STILLS):
            return False
        part = _PART.match(bytes(body[:_MOST_HEAD_BYTES]))
        if part is None:
            return False
        self._start = self._looked = part.end()
        length = _LENGTH.search(part[2])
        if length is None:
            self._boundary = part[1]
            return True
        if len(body) >= self._start + int(length[1]):
            self._end = self._start + int(length[1])
        return False
