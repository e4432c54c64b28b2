"""Smart Turn v3 (Pipecat): the encoder of Whisper tiny, taught to tell from the voice whether somebody has finished."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .audio import RATE_HZ
from .end_of_turn import EndOfTurnModel
from .engines import EngineContext, Model, install_command
from .errors import EngineError, EngineUnavailableError
from .log_mel import BANDS, HOP_SAMPLES, log_mel
from .onnx_model import damage, named, session
from .schema import option

_ENGINE = "smart-turn"
_MODEL = "v3.2"
"""What is fetched when the owner names no model."""
_WINDOW_SAMPLES = 8 * RATE_HZ
_SHAPE = (BANDS, _WINDOW_SAMPLES // HOP_SAMPLES)
_QUIET = 1e-7  # added to the variance, as in its training: digital silence is divided by it, too
LANGUAGES = (
    *("ar", "bn", "da", "de", "en", "es", "fi", "fr", "hi", "id", "it", "ja"),
    *("ko", "mr", "nb", "nl", "no", "pl", "pt", "ru", "tr", "uk", "vi", "zh"),
)
"""What it was trained on."""


@dataclass(frozen=True)
class SmartTurnOptions:
    """Which file."""

    model: str = option("", f"folder of the model in `smart-turn` in the models folder, or a file; empty means the first, or {_MODEL}")


class SmartTurn(EndOfTurnModel):
    """An .onnx file of https://huggingface.co/pipecat-ai/smart-turn-v3, in the models folder or elsewhere. One thread.

    v3.0 to v3.2 take the same input; v3.2 errs least. Its makers call 0.5 the end; below 0.09 it is held on to where no more than 5 in
    100 hesitations are to be cut off (LiveKit's eot-bench, real English talk).
    """

    Options = SmartTurnOptions
    window_s = _WINDOW_SAMPLES / RATE_HZ
    final_from = 0.5
    continuing_below = 0.09

    @classmethod
    def models(cls, options: SmartTurnOptions, context: EngineContext) -> list[Model]:
        """See EndOfTurnModel."""
        if Path(options.model).suffix == ".onnx":
            return [_model(options.model, "a file of yours", languages=())]
        here = context.store.installed(_ENGINE)
        if not options.model and here:
            return [_model(name, f"Smart Turn {name}") for name in sorted(here, reverse=True)]  # the newest version first
        wanted = options.model or _MODEL
        return [_model(wanted, f"Smart Turn {wanted}", installed=context.store.locate(_ENGINE, wanted) is not None)]

    def __init__(self, options: SmartTurnOptions, context: EngineContext) -> None:
        """Fetches the model if need be and loads it.

        Raises: EngineUnavailableError, EngineError.
        """
        path = _file(self.models(options, context)[0].name, context)
        if reason := damage(path):
            raise EngineUnavailableError(f"{path}: {reason}")
        try:
            self._session = session(path, threads=1, device="cpu")
        except ImportError:
            raise EngineUnavailableError(f"{_ENGINE} needs onnxruntime: {install_command('onnx')}") from None
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or tuple(inputs[0].shape[1:]) != _SHAPE:
            raise EngineError(f"{path} is no Smart Turn v3 model: those have one float32 input of (batch, {_SHAPE[0]}, {_SHAPE[1]})")
        self._path, self._input = path, inputs[0].name
        self.probability(np.zeros(RATE_HZ, np.int16))  # the first run takes longer

    def probability(self, samples: np.ndarray) -> float:
        """See EndOfTurnModel. What is shorter than 8 s is heard as if it had been silent before."""
        heard = samples[-_WINDOW_SAMPLES:].astype(np.float32) / 32768
        window = np.concatenate((np.zeros(_WINDOW_SAMPLES - len(heard), np.float32), heard))
        window = (window - window.mean()) / np.sqrt(window.var() + _QUIET)
        with named(f"{self._path} failed"):
            outputs = self._session.run(None, {self._input: log_mel(window)[None]})
            probability = float(np.asarray(outputs[0]).reshape(-1)[0])
        if not 0.0 <= probability <= 1.0:
            raise EngineError(f"{self._path} gives {probability}, which is no probability")
        return probability


def _model(name: str, description: str, *, installed: bool = True, languages: tuple[str, ...] = LANGUAGES) -> Model:
    return Model(
        name=name,
        description=description,
        languages=languages,
        author="Pipecat",
        url="https://huggingface.co/pipecat-ai/smart-turn-v3",
        installed=installed,
    )


def _file(name: str, context: EngineContext) -> Path:
    if Path(name).suffix == ".onnx":
        return Path(name).expanduser()
    folder = context.store.ensure(_ENGINE, name)
    files = sorted(folder.glob("*.onnx"))
    if not files:
        raise EngineUnavailableError(f"{folder} holds no .onnx file: earshot models remove {_ENGINE}/{name}, then get it again")
    return files[0]
