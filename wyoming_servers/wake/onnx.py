"""openWakeWord models as `.onnx` files, through onnxruntime."""

from pathlib import Path

import numpy as np

from ..shared.engines import install_command
from ..shared.errors import EngineError


class OnnxFile:
    """The contents of one .onnx file; any number of classifiers are made from it."""

    def __init__(self, path: Path) -> None:
        try:
            self.contents = path.read_bytes()
        except OSError as err:
            raise EngineError(f"{path} cannot be read: {err.strerror}") from err
        self.path = path


class OnnxClassifier:
    """One word's classifier, run as the TensorFlow Lite ones are. Used by one thread at a time."""

    def __init__(self, file: OnnxFile) -> None:
        """Raises: EngineError when onnxruntime is not installed, or cannot run the file."""
        try:
            import onnxruntime
        except ImportError:
            raise EngineError(f"{file.path} needs onnxruntime: {install_command('onnx')}") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(file.contents, options, providers=["CPUExecutionProvider"])
        except Exception as err:  # its errors share no class of their own
            raise EngineError(f"{file.path} is not an ONNX model that can be run: {err}") from err
        self._path = file.path
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not outputs:
            raise EngineError(f"{file.path} does not have one float32 input")
        self._input = inputs[0].name
        # A batch, or whatever has a name for a size, is one here.
        self.input_shape = tuple(size if isinstance(size, int) and size > 0 else 1 for size in inputs[0].shape)
        self.output_size = len(self.run(np.zeros(self.input_shape, np.float32)))

    def run(self, values: np.ndarray) -> np.ndarray:
        """The output for this input, as flat float32."""
        try:
            found = self._session.run(None, {self._input: np.asarray(values, np.float32).reshape(self.input_shape)})
        except Exception as err:  # its errors share no class of their own
            raise EngineError(f"{self._path} failed on an input of shape {values.shape}: {err}") from err
        return np.asarray(found[0], np.float32).ravel()
