"""Tries an owner's wake word model in a process of its own: a damaged file can crash its library, and the server must live on."""

import subprocess
import sys
from pathlib import Path

from ..shared.errors import EngineError
from .embedding import FEATURES
from .micro import MicroModel
from .onnx import OnnxClassifier, OnnxFile
from .tflite import Interpreter, ModelFile, Runtime

_TIMEOUT_S = 10.0  # 0.2 s on a laptop
_MODULE = "wyoming_servers.wake.probe"
_REFUSED = 3
_MAX_WINDOWS = 250  # 20 s of audio; openWakeWord's look at 16 to 40 frames


def fault_of(path: Path) -> str:
    """What is wrong with this model file; empty when it can be used. Blocking."""
    try:
        tried = subprocess.run([sys.executable, "-m", _MODULE, str(path)], capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"{path} could not be loaded within {_TIMEOUT_S:g} s"
    except OSError as err:
        return f"{path} could not be tried: {err.strerror}"
    if tried.returncode == 0:
        return ""
    if tried.returncode == _REFUSED:
        return tried.stdout.decode(errors="replace").strip()
    return f"{path} is damaged: its library fails on it (status {tried.returncode})"


def model_file(runtime: Runtime, path: Path) -> ModelFile | OnnxFile:
    """The contents of an openWakeWord model of either format.

    Raises: EngineError.
    """
    return OnnxFile(path) if path.suffix.lower() == ".onnx" else ModelFile(runtime, path)


def classifier(runtime: Runtime, model: ModelFile | OnnxFile) -> Interpreter | OnnxClassifier:
    """A ready interpreter for one wake word.

    Raises: EngineError when the file is not an openWakeWord model.
    """
    interpreter = OnnxClassifier(model) if isinstance(model, OnnxFile) else Interpreter(runtime, model)
    shape = interpreter.input_shape
    if len(shape) != 3 or shape[0] != 1 or shape[1] > _MAX_WINDOWS or shape[2] != FEATURES:
        raise EngineError(f"{model.path} takes an input of shape {shape}; an openWakeWord model takes (1, frames, {FEATURES})")
    if interpreter.output_size != 1:
        raise EngineError(f"{model.path} has {interpreter.output_size} results; a wake word model has one")
    return interpreter


def _main(path: str) -> int:
    try:
        if path.lower().endswith(".json"):
            MicroModel.read(Path(path)).detector()
        else:
            runtime = Runtime()
            classifier(runtime, model_file(runtime, Path(path)))
    except EngineError as err:
        sys.stdout.write(str(err))
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
