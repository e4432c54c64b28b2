"""Models that hear from the melody of the voice whether somebody has finished: the contract, the list, and the choice of one.

A new one is a file with a subclass of EndOfTurnModel, and a line in MODELS.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .engines import EngineContext, EngineSpec, Model, find
from .errors import AssistantError, EngineUnavailableError
from .patience import Prosody

_LOGGER = logging.getLogger(__name__)
NONE = "none"
"""`satellite.end_of_turn` for nobody who listens."""
MODELS = (
    EngineSpec(
        "smart-turn",
        "wyoming_servers.shared.smart_turn:SmartTurn",
        "Smart Turn v3: melody and pace of the voice, 23 languages, 9 MB",
        needs=("onnxruntime",),
        extra="onnx",
        licence="Smart Turn: BSD-2-Clause; onnxruntime: MIT",
    ),
)


class EndOfTurnModel(ABC):
    """One loaded model, made from (options, context) as an engine is; its `Options` have a field `model`, the name or the file of one.

    Used by one thread at a time; loading and listening block.
    """

    Options: ClassVar[type]
    window_s: ClassVar[float]
    """How much it hears at most, in seconds up to now."""
    final_from: ClassVar[float]
    """From this probability on it is taken to be sure that this was the end."""
    continuing_below: ClassVar[float]
    """Below this it is taken to be sure that more is to come."""

    @classmethod
    @abstractmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        """Those it could use, the one that it takes first. Reads no model.

        Raises: EngineUnavailableError that says why there is none, and the next step.
        """

    @abstractmethod
    def probability(self, samples: np.ndarray) -> float:
        """How likely the speaker has finished, 0 to 1. Takes (n,) int16 mono 16 kHz: the words so far and about 0.2 s of silence.

        Raises: EngineError.
        """

    def prosody(self, samples: np.ndarray) -> Prosody | None:
        """What the melody says of samples as `probability` takes them; None when it is not sure.

        Raises: EngineError.
        """
        probability = self.probability(samples)
        if probability >= self.final_from:
            return Prosody.FINAL
        return Prosody.CONTINUING if probability < self.continuing_below else None


def load(wanted: str, context: EngineContext) -> EndOfTurnModel | None:
    """The model that `satellite.end_of_turn` names, loaded; None when nobody is to listen, or, with `auto`, nobody can. Blocking.

    wanted: `auto` for one that is on this machine and knows the house's language, `none`, a name (`smart-turn`, `smart-turn/v3.2`; it is
    fetched if need be), or a file.
    Raises: EngineUnavailableError, EngineError.
    """
    problem: AssistantError | None = None
    for spec, options in _candidates(wanted, context):
        try:
            return spec.load_class()(options, context)
        except AssistantError as err:
            problem = problem or err
    if problem:
        raise problem
    return None


def lacks(wanted: str, context: EngineContext) -> str:
    """Why a named model cannot be used here, and the next step; empty when it can, and where none is named. Blocking, loads nothing."""
    try:
        reasons = [spec.lacks(options, context) for spec, options in _candidates(wanted, context)]
    except AssistantError as err:
        return str(err)
    return "" if "" in reasons else "; ".join(reasons)


def found(wanted: str, context: EngineContext) -> tuple[EngineSpec, Model] | None:
    """What `load` would take, and is on this machine. Blocking, loads nothing."""
    for spec, options in _candidates(wanted, context):
        if spec.ready(options, context):
            return spec, spec.load_class().models(options, context)[0]
    return None


def _candidates(wanted: str, context: EngineContext) -> Iterator[tuple[EngineSpec, Any]]:
    """Each way to get what is wanted, the best first.

    Raises: EngineUnavailableError for what names nothing.
    """
    if wanted == NONE:
        return
    if wanted == "auto":
        for spec in MODELS:
            engine = spec.load_class()
            if spec.ready(engine.Options(), context) and _knows(engine.models(engine.Options(), context)[0], context.language):
                yield spec, engine.Options()
        return
    name, _, model = wanted.partition("/")
    path = Path(wanted).expanduser()
    if path.is_file():
        for spec in MODELS:
            yield spec, spec.load_class().Options(model=str(path))
    elif path.is_absolute() or path.suffix == ".onnx":
        raise EngineUnavailableError(f"there is no file {wanted}")
    else:
        spec = find(MODELS, name)
        yield spec, spec.load_class().Options(model=model)


def _knows(model: Model, language: str) -> bool:
    return not model.languages or _base(language) in map(_base, model.languages)


def _base(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
