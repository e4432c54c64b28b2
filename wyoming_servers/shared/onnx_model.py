"""ONNX files and sessions, for engines that run a network through onnxruntime."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from .errors import AssistantError, EngineError
from .processors import usable_cores

_GRAPH_FIELD = 7  # ModelProto.graph (onnx.proto)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf wire types
_MAX_FIELDS = 10_000
_MAX_THREADS = 8  # one sentence has too little work to keep more busy


DEVICES = ("auto", "cpu", "cuda")
"""What `device` of an engine may be."""


def damage(path: Path) -> str:
    """Why this cannot be a whole ONNX file, found without reading the network; empty when it looks whole. Takes microseconds.

    It finds what happens to downloads: nothing, half of the file, a web page, a pointer of Git LFS.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if not head:
                return "the file is empty"
            if head.startswith(b"version https://git-lfs"):
                return "the file is a pointer of Git LFS, not the model: run git lfs pull where it was copied from"
            if head.lstrip().startswith((b"<", b"{")):
                return "the file is text, not a model"
            file.seek(0)
            return _walk(file, path.stat().st_size)
    except OSError as err:
        return f"the file cannot be read: {err.strerror}"


def session(path: Path, *, threads: int = 0, device: str = "auto") -> Any:
    """An onnxruntime.InferenceSession of this file. Its `run` may be called by several threads: they take turns where the processors
    of this machine are not enough for all.

    threads: for one run; 0 chooses for this machine. device: one of DEVICES; `auto` takes CUDA where onnxruntime has it.
    Raises: EngineError that names the file.
    """
    import onnxruntime

    cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "cuda" and not cuda:
        raise EngineError("the installed onnxruntime knows no CUDA; replace it: pip uninstall onnxruntime; pip install onnxruntime-gpu")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # warnings speak of the exporter's work, which the owner cannot change
    threads = threads or min(usable_cores(), _MAX_THREADS)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between two operations were no faster alone (0.11 s for a sentence with and without), and with four clients
    # on two cores they took up to twice as long, at the cost of every other process besides.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    on_cpu = "CPUExecutionProvider"
    # the search for the fastest convolution would begin anew for every length of a sentence
    on_cuda = ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"})
    with named(f"{path} cannot be loaded"):
        if cuda and device != "cpu":
            return onnxruntime.InferenceSession(str(path), options, providers=[on_cuda, on_cpu])
        return _InTurn(onnxruntime.InferenceSession(str(path), options, providers=[on_cpu]), _places(max(1, usable_cores() // threads)))


class _InTurn:
    """A session whose runs wait for a place: side by side on the same processors all of them end late, one after the other most end
    sooner and none later (four sentences on two cores: 470 ms, in turn 413 ms)."""

    def __init__(self, session: Any, places: threading.Semaphore) -> None:
        self._session = session
        self._places = places

    def run(self, *arguments: Any, **named_arguments: Any) -> Any:
        """As the session's own."""
        with self._places:
            return self._session.run(*arguments, **named_arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@functools.cache
def _places(count: int) -> threading.Semaphore:
    """Shared by all sessions of this process with as many threads."""
    return threading.Semaphore(count)


@contextmanager
def named(what: str) -> Iterator[None]:
    """Turns a library's failure into an EngineError that begins with `what`: onnxruntime's errors have no base but Exception."""
    try:
        yield
    except AssistantError:
        raise
    except Exception as err:
        raise EngineError(f"{what}: {' '.join(str(err).split())[:300] or type(err).__name__}") from err


def _walk(file: BinaryIO, size_bytes: int) -> str:
    """Steps over the outermost fields of the protobuf message."""
    has_graph = False
    for _ in range(_MAX_FIELDS):
        key = _varint(file)
        if key is None:
            return "" if has_graph and file.tell() == size_bytes else "the file is not an ONNX model"
        field, wire = key >> 3, key & 7
        if not field or wire not in (_VARINT, _FIXED64, _BYTES, _FIXED32):
            return "the file is not an ONNX model"
        length = _varint(file) if wire in (_VARINT, _BYTES) else 8 if wire == _FIXED64 else 4
        if length is None:
            return "the file is cut off"
        end = file.tell() + (0 if wire == _VARINT else length)
        if end > size_bytes:
            return f"the file is cut off: it has {size_bytes} bytes and should have at least {end}"
        file.seek(end)
        has_graph = has_graph or (field == _GRAPH_FIELD and wire == _BYTES)
    return "the file is not an ONNX model"


def _varint(file: BinaryIO) -> int | None:
    """The next number; None at the end of the file."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return 0  # longer than any number: field 0, which does not exist
