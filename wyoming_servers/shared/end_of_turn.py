"""Models that hear from the melody of the voice whether somebody has finished: the contract, the list, and the choice of one.

A new one is a file with a subclass of EndOfTurnModel, and a line in MODELS.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .engines import EngineContext, EngineSpec, Model, find
from .errors import AssistantError, EngineUnavailableError
from .patience import Prosody

AUTO, NONE = "auto", "none"
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
    for spec, options in _candidates(wanted):
        if wanted == AUTO and not (spec.ready(options, context) and not _obstacle(spec, options, context)):
            continue  # what is not here needs no look into the catalogue
        try:
            return spec.load_class()(options, context)
        except AssistantError as err:
            problem = problem or err
    if problem:
        raise problem
    return None


def obstacle(wanted: str, context: EngineContext) -> str:
    """Why nobody would listen now, with the next step behind a colon; empty when a model is here for it. Loads none. Blocking.

    Raises: EngineUnavailableError when `wanted` names nothing.
    """
    found = [_obstacle(spec, options, context) for spec, options in _candidates(wanted)]
    return "" if "" in found else "; ".join(found)


def _candidates(wanted: str) -> list[tuple[EngineSpec, Any]]:
    """Each way to get what is wanted, the best first.

    Raises: EngineUnavailableError.
    """
    if wanted == NONE:
        return []
    path = Path(wanted).expanduser()
    if wanted == AUTO:
        return [(spec, spec.load_class().Options()) for spec in MODELS]
    if path.is_file():
        return [(spec, spec.load_class().Options(model=str(path))) for spec in MODELS]
    if path.is_absolute() or path.suffix == ".onnx":
        raise EngineUnavailableError(f"there is no file {wanted}")
    name, _, model = wanted.partition("/")
    spec = find(MODELS, name)
    return [(spec, spec.load_class().Options(model=model))]


def _obstacle(spec: EngineSpec, options: Any, context: EngineContext) -> str:
    if reason := spec.lacks(options, context):
        return f"{spec.name} {reason}"
    model = spec.load_class().models(options, context)[0]
    if not model.installed:
        return f"{spec.name} is not on this machine: earshot models get {spec.name}/{model.name}"
    if model.languages and _base(context.language) not in map(_base, model.languages):
        return f"{spec.name} was not taught the house's language, {context.language}"
    return ""


def _base(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
