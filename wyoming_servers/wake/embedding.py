"""openWakeWord's embedding network, computed step by step along a stream.

Each embedding looks at 76 mel rows, and 68 of them were looked at for the one before. The network has no padding in time, so only the
new rows need to go through its layers: a third of the time of the whole window in TensorFlow Lite (measured in docs/wake-words.md).
"""

import re
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..shared.errors import EngineError
from .tflite import Interpreter, ModelFile, Runtime

WINDOW_ROWS = 76
"""Mel rows one embedding looks at: 775 ms."""
STEP_ROWS = 8
"""Mel rows from one embedding to the next: 80 ms."""
MEL_BANDS = 32
FEATURES = 96
"""Numbers per embedding."""
WINDOW_SHAPE = (1, WINDOW_ROWS, MEL_BANDS, 1)
"""How TensorFlow Lite takes a window."""
_CONVOLUTIONS = 20
_POOL_TIME = (2, 10, 18)  # after which convolutions time is halved
_POOL_BANDS = (2, 6, 10, 14, 18)  # and the bands
_SLOPE, _LOWEST = np.float32(0.2), np.float32(-0.4)  # of the activation
_TOLERANCE = 1e-3  # embeddings are of the order of 10
_NAME = re.compile(r"(model/conv2d(?:_\d+)?/Conv2D)1?$")

Past = dict[int, np.ndarray]
"""Per convolution along time, the two last rows it was given."""


@dataclass(frozen=True)
class _Convolution:
    """3 or 1 rows by 3 or 1 bands."""

    rows: int
    bands: int
    weights: np.ndarray
    """(rows * bands * channels in, channels out)."""
    bias: np.ndarray

    @classmethod
    def of(cls, kernel: np.ndarray, bias: np.ndarray) -> Self:
        """From TensorFlow Lite's (channels out, rows, bands, channels in)."""
        _, rows, bands, _ = kernel.shape
        return cls(rows, bands, np.ascontiguousarray(kernel.transpose(1, 2, 3, 0)).reshape(-1, len(kernel)), bias)

    def run(self, values: np.ndarray) -> np.ndarray:
        """(rows, bands, channels) → the same bands, `self.rows - 1` fewer rows, other channels."""
        width = values.shape[1]
        if self.bands > 1:
            padded = np.zeros((len(values), width + 2, values.shape[2]), np.float32)
            padded[:, 1:-1] = values
            values = padded
        height = len(values) - self.rows + 1
        patches = [values[row : row + height, band : band + width] for row in range(self.rows) for band in range(self.bands)]
        flat = np.concatenate(patches, axis=2).reshape(height * width, -1) @ self.weights
        flat += self.bias
        return flat.reshape(height, width, -1)


class EmbeddingNetwork:
    """The weights, shared by all streams and threads; what a stream has seen is in its `Past`."""

    def __init__(self, runtime: Runtime, model: ModelFile) -> None:
        """Takes the weights out of TensorFlow Lite's hands, and compares results with it.

        Raises: EngineError when this is not the network this module knows.
        """
        interpreter = Interpreter(runtime, model, input_shape=WINDOW_SHAPE)
        constants: dict[str, list[np.ndarray]] = {}
        for name, values in interpreter.constants():
            if (found := _NAME.search(name)) and len(values) > 1:  # results of layers bear their names too, with a batch of one
                constants.setdefault(found[1], []).append(values)
        names = [f"model/conv2d{f'_{number}' if number else ''}/Conv2D" for number in range(_CONVOLUTIONS)]
        try:
            pairs = [sorted(constants[name], key=np.ndim) for name in names]
            self._convolutions = [_Convolution.of(kernel, bias) for bias, kernel in pairs]
            rows = np.random.default_rng(0).normal(2, 1, (WINDOW_ROWS + STEP_ROWS, MEL_BANDS)).astype(np.float32)
            past: Past = {}
            mine = np.concatenate((self.run(rows[:WINDOW_ROWS], past), self.run(rows[WINDOW_ROWS:], past)))
        except (KeyError, ValueError, IndexError) as err:
            raise EngineError(f"the embedding model is of an unknown shape: {err!r}") from err
        theirs = np.stack((interpreter.run(rows[:WINDOW_ROWS]), interpreter.run(rows[STEP_ROWS:])))
        if mine.shape != theirs.shape or not np.allclose(mine, theirs, atol=_TOLERANCE):
            raise EngineError("the embedding model computes something else than expected")

    def run(self, rows: np.ndarray, past: Past) -> np.ndarray:
        """(8 n, 32) new mel rows → (n, 96). With an empty `past` the first 68 rows only lead up to the first embedding."""
        values = rows.reshape(len(rows), MEL_BANDS, 1)
        last = len(self._convolutions) - 1
        for number, convolution in enumerate(self._convolutions):
            if convolution.rows > 1:
                if number in past:
                    values = np.concatenate((past[number], values))
                past[number] = values[-2:].copy()
            values = convolution.run(values)
            if number < last:
                values = np.maximum(values, np.maximum(values * _SLOPE, _LOWEST))
            if number in _POOL_TIME:
                values = np.maximum(values[0::2], values[1::2])
            if number in _POOL_BANDS:
                values = np.maximum(values[:, 0::2], values[:, 1::2])
        return values.reshape(-1, FEATURES)


class WholeWindows:
    """The same with TensorFlow Lite, each time on the whole window; used by one thread at a time."""

    def __init__(self, runtime: Runtime, model: ModelFile) -> None:
        self._interpreter = Interpreter(runtime, model, input_shape=WINDOW_SHAPE, accelerated=True)

    def run(self, rows: np.ndarray, past: Past) -> np.ndarray:
        """As EmbeddingNetwork.run."""
        if past:
            rows = np.concatenate((past[0], rows))
        past[0] = rows[STEP_ROWS - WINDOW_ROWS :].copy()
        starts = range(0, len(rows) - WINDOW_ROWS + 1, STEP_ROWS)
        return np.stack([self._interpreter.run(rows[start : start + WINDOW_ROWS]) for start in starts])
