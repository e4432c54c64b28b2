"""What an ONNX file says of itself: what goes in and out, and its metadata. The network is not read: a gigabyte takes milliseconds."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .protobuf import Field, fields, text

_IR_VERSION, _GRAPH, _METADATA = 1, 7, 14  # ModelProto (onnx.proto)
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12  # GraphProto
_VALUE_NAME, _TENSOR_NAME = 1, 8
_KEY, _VALUE = 1, 2
_WEIGHTS_ARE_NO_INPUTS = 4  # since this IR version, weights are not listed among the inputs


@dataclass(frozen=True)
class OnnxHeader:
    """The outside of one network."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()

    def get(self, key: str) -> str:
        """One entry of the metadata; empty when it is not there."""
        return dict(self.metadata).get(key, "")


def read_header(path: Path) -> OnnxHeader:
    """The header of a `.onnx` file.

    Raises: ValueError when the file is not ONNX, or cut off; OSError.
    """
    version, inputs, outputs, metadata = 0, [], [], []
    weights: set[str] = set()
    with path.open("rb") as file:
        for field in fields(file, 0, path.stat().st_size):
            if field.number == _IR_VERSION:
                version = field.value
            elif field.number == _METADATA:
                metadata.append((_named(file, field, _KEY), _named(file, field, _VALUE)))
            elif field.number == _GRAPH:
                for part in fields(file, field.start, field.end):
                    if part.number == _INPUT:
                        inputs.append(_named(file, part, _VALUE_NAME))
                    elif part.number == _OUTPUT:
                        outputs.append(_named(file, part, _VALUE_NAME))
                    elif part.number == _INITIALIZER and version < _WEIGHTS_ARE_NO_INPUTS:
                        weights.add(_named(file, part, _TENSOR_NAME))
    if not outputs:
        raise ValueError("not an ONNX model")
    return OnnxHeader(tuple(name for name in inputs if name not in weights), tuple(outputs), tuple(metadata))


def _named(file: BinaryIO, message: Field, number: int) -> str:
    return next((text(file, field) for field in fields(file, message.start, message.end) if field.number == number), "")
