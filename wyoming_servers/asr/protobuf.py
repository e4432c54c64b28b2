"""Just enough of the protobuf wire format to look into files of hundreds of megabytes without reading them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    number: int
    start: int
    """Where its content begins in the file."""
    size_bytes: int
    """Length of its content; 0 for a number."""
    value: int = 0
    """A number's value."""

    @property
    def end(self) -> int:
        """Where the next field begins."""
        return self.start + self.size_bytes


def fields(file: BinaryIO, start: int, end: int) -> Iterator[Field]:
    """The fields of the message between two places of a file. The file may be read anywhere between two fields.

    Raises: ValueError when this is no protobuf message, or one that is cut off.
    """
    place = start
    while place < end:
        file.seek(place)
        key = _varint(file)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value = _varint(file)
            field = Field(number, file.tell(), 0, value)
        elif wire in (_FIXED64, _FIXED32, _BYTES):
            size_bytes = _varint(file) if wire == _BYTES else 8 if wire == _FIXED64 else 4
            field = Field(number, file.tell(), size_bytes)
        else:
            raise ValueError("not a protobuf message")
        if not number or field.end > end:
            raise ValueError("cut off, or not a protobuf message")
        yield field
        place = field.end


def content(file: BinaryIO, field: Field) -> bytes:
    """What a field holds."""
    file.seek(field.start)
    return file.read(field.size_bytes)


def text(file: BinaryIO, field: Field) -> str:
    """A field that holds text; bytes that are none become U+FFFD."""
    return content(file, field).decode("utf-8", "replace")


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("cut off")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("not a protobuf message")
