"""Runs TensorFlow Lite models through the C library that comes in the `pyopen-wakeword` wheel.

The wheel's own Python code runs it unaccelerated and with a thread per core; with its XNNPACK delegate and one thread the same
library needs less than half the time.
"""

import ctypes
import importlib.util
import itertools
import math
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..shared.errors import EngineError

_PACKAGE = "pyopen_wakeword"
_FLOAT32 = 1  # kTfLiteFloat32
_OK = 0
_MAX_DIMENSIONS = 8
_MAX_VALUES = 1 << 20  # a damaged file may ask for more than there is memory

_pointer, _int, _size = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t


class _DelegateOptions(ctypes.Structure):
    """TfLiteXNNPackDelegateOptions: the field used here, and more room than any version's further fields take."""

    _fields_ = (("num_threads", _int), ("further", ctypes.c_byte * 252))


_SIGNATURES = {
    "TfLiteModelCreate": (_pointer, _pointer, _size),
    "TfLiteModelDelete": (None, _pointer),
    "TfLiteInterpreterOptionsCreate": (_pointer,),
    "TfLiteInterpreterOptionsDelete": (None, _pointer),
    "TfLiteInterpreterOptionsSetNumThreads": (None, _pointer, _int),
    "TfLiteInterpreterOptionsAddDelegate": (None, _pointer, _pointer),
    "TfLiteInterpreterCreate": (_pointer, _pointer, _pointer),
    "TfLiteInterpreterDelete": (None, _pointer),
    "TfLiteInterpreterResizeInputTensor": (_int, _pointer, _int, ctypes.POINTER(_int), _int),
    "TfLiteInterpreterAllocateTensors": (_int, _pointer),
    "TfLiteInterpreterInvoke": (_int, _pointer),
    "TfLiteInterpreterGetInputTensorCount": (_int, _pointer),
    "TfLiteInterpreterGetOutputTensorCount": (_int, _pointer),
    "TfLiteInterpreterGetInputTensor": (_pointer, _pointer, _int),
    "TfLiteInterpreterGetOutputTensor": (_pointer, _pointer, _int),
    "TfLiteInterpreterGetTensor": (_pointer, _pointer, _int),
    "TfLiteTensorName": (ctypes.c_char_p, _pointer),
    "TfLiteTensorData": (_pointer, _pointer),
    "TfLiteTensorType": (_int, _pointer),
    "TfLiteTensorNumDims": (_int, _pointer),
    "TfLiteTensorDim": (_int, _pointer, _int),
    "TfLiteTensorByteSize": (_size, _pointer),
    "TfLiteTensorCopyFromBuffer": (_int, _pointer, _pointer, _size),
    "TfLiteTensorCopyToBuffer": (_int, _pointer, _pointer, _size),
}
_DELEGATE_SIGNATURES = {
    "TfLiteXNNPackDelegateOptionsDefault": (_DelegateOptions,),
    "TfLiteXNNPackDelegateCreate": (_pointer, ctypes.POINTER(_DelegateOptions)),
    "TfLiteXNNPackDelegateDelete": (None, _pointer),
}


def package_dir() -> Path:
    """Where `pyopen_wakeword` is installed; found, not imported.

    Raises: EngineError when it is not.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"{_PACKAGE} is not installed")
    return Path(spec.submodule_search_locations[0])


class Runtime:
    """The loaded C library. Cheap to make again: the system loads it once per process."""

    def __init__(self) -> None:
        path = next((package_dir() / "lib").glob("*tensorflowlite_c.*"), None)
        if path is None:
            raise EngineError(f"the installed {_PACKAGE} has no TensorFlow Lite library for this machine")
        try:
            self.library = ctypes.CDLL(str(path))
            _declare(self.library, _SIGNATURES)
        except (OSError, AttributeError) as err:
            raise EngineError(f"the TensorFlow Lite library of {_PACKAGE} cannot be used: {err}") from err
        try:
            _declare(self.library, _DELEGATE_SIGNATURES)
            self.accelerates = True
        except AttributeError:
            self.accelerates = False

    def delegate(self) -> int | None:
        """A new XNNPACK delegate with one thread, or None where there is none."""
        if not self.accelerates:
            return None
        options = self.library.TfLiteXNNPackDelegateOptionsDefault()
        options.num_threads = 1
        return self.library.TfLiteXNNPackDelegateCreate(ctypes.byref(options))


class ModelFile:
    """The contents of one .tflite file; any number of interpreters share it.

    It is a copy in memory: a file changed under a mapping would end the process.
    """

    def __init__(self, runtime: Runtime, path: Path) -> None:
        try:
            self._contents = path.read_bytes()
        except OSError as err:
            raise EngineError(f"{path} cannot be read: {err.strerror}") from err
        self.path = path
        self.handle = runtime.library.TfLiteModelCreate(self._contents, len(self._contents))
        if not self.handle:
            raise EngineError(f"{path} is not a whole TensorFlow Lite model")
        weakref.finalize(self, runtime.library.TfLiteModelDelete, self.handle).atexit = False


class Interpreter:
    """One model with one float32 input and one float32 output, ready to run. Used by one thread at a time."""

    def __init__(self, runtime: Runtime, model: ModelFile, *, input_shape: tuple[int, ...] = (), accelerated: bool = False) -> None:
        """Raises: EngineError when the model cannot be run or is of another kind."""
        self._library = runtime.library
        self._model = model
        delegate = runtime.delegate() if accelerated else None
        self._handle = self._create(delegate)
        finalizer = weakref.finalize(self, _free, self._library, self._handle, delegate)
        finalizer.atexit = False  # a thread may still be inside while the process ends
        if not self._handle or not self._allocate(input_shape):
            raise EngineError(f"{model.path} cannot be run by TensorFlow Lite here")
        self._input = self._only_tensor("Input")
        self.input_shape = self._shape(self._input)
        self._only_tensor("Output")
        self.output_size = len(self.run(np.zeros(self.input_shape, np.float32)))

    def run(self, values: np.ndarray) -> np.ndarray:
        """The output for this input, as flat float32; a new array each time."""
        values = np.ascontiguousarray(values, np.float32)
        library = self._library
        if (
            library.TfLiteTensorCopyFromBuffer(self._input, values.ctypes.data, values.nbytes) != _OK
            or library.TfLiteInterpreterInvoke(self._handle) != _OK
        ):
            raise EngineError(f"{self._model.path} failed on an input of shape {values.shape}")
        output = library.TfLiteInterpreterGetOutputTensor(self._handle, 0)  # control flow in a model moves it from run to run
        result = np.empty(library.TfLiteTensorByteSize(output) // 4, np.float32)
        library.TfLiteTensorCopyToBuffer(output, result.ctypes.data, result.nbytes)
        return result

    def constants(self) -> Iterator[tuple[str, np.ndarray]]:
        """The float32 values that came with the model, by name, and whatever else its memory holds; only without acceleration."""
        library = self._library
        for index in itertools.count():
            if not (tensor := library.TfLiteInterpreterGetTensor(self._handle, index)):
                return
            data, size_bytes = library.TfLiteTensorData(tensor), library.TfLiteTensorByteSize(tensor)
            if data and library.TfLiteTensorType(tensor) == _FLOAT32:
                values = np.frombuffer(ctypes.string_at(data, size_bytes), np.float32)
                yield (library.TfLiteTensorName(tensor) or b"").decode(errors="replace"), values.reshape(self._shape(tensor))

    def _create(self, delegate: int | None) -> int | None:
        library = self._library
        options = library.TfLiteInterpreterOptionsCreate()
        library.TfLiteInterpreterOptionsSetNumThreads(options, 1)
        if delegate:
            library.TfLiteInterpreterOptionsAddDelegate(options, delegate)
        handle = library.TfLiteInterpreterCreate(self._model.handle, options)
        library.TfLiteInterpreterOptionsDelete(options)
        return handle

    def _allocate(self, shape: tuple[int, ...]) -> bool:
        library = self._library
        if shape and library.TfLiteInterpreterResizeInputTensor(self._handle, 0, (_int * len(shape))(*shape), len(shape)) != _OK:
            return False
        return library.TfLiteInterpreterAllocateTensors(self._handle) == _OK

    def _only_tensor(self, side: str) -> int:
        count = getattr(self._library, f"TfLiteInterpreterGet{side}TensorCount")(self._handle)
        tensor = getattr(self._library, f"TfLiteInterpreterGet{side}Tensor")(self._handle, 0) if count == 1 else None
        if not tensor or self._library.TfLiteTensorType(tensor) != _FLOAT32:
            raise EngineError(f"{self._model.path} does not have one float32 {side.lower()}")
        return tensor

    def _shape(self, tensor: int) -> tuple[int, ...]:
        count = self._library.TfLiteTensorNumDims(tensor)
        if not 0 <= count <= _MAX_DIMENSIONS:
            raise EngineError(f"{self._model.path} has a tensor of {count} dimensions")
        shape = tuple(self._library.TfLiteTensorDim(tensor, axis) for axis in range(count))
        if min(shape, default=1) < 1 or math.prod(shape) > _MAX_VALUES:
            raise EngineError(f"{self._model.path} has a tensor of shape {shape}")
        return shape


def _declare(library: ctypes.CDLL, signatures: dict) -> None:
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def _free(library: ctypes.CDLL, handle: int | None, delegate: int | None) -> None:
    if handle:
        library.TfLiteInterpreterDelete(handle)
    if delegate:
        library.TfLiteXNNPackDelegateDelete(delegate)
