"""microWakeWord: streaming models made for microcontrollers, through `pymicro-wakeword`."""

import importlib.util
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..shared.audio import RATE_HZ
from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineError, SettingsError, UnknownNameError
from ..shared.schema import option
from .engine import Hit, WakeEngine, WakeStream
from .micro import MicroModel
from .thresholds import HIGHEST, LOWEST, Thresholds
from .trigger import Trigger
from .words import own_files, own_word

if TYPE_CHECKING:
    from pymicro_wakeword import MicroWakeWord

_LOGGER = logging.getLogger(__name__)
_ENGINE = "microwakeword"
_PACKAGE = "pymicro_wakeword"
_PREFERRED = ("hey_jarvis", "okay_nabu", "alexa", "hey_mycroft")
_SLICE_SAMPLES = RATE_HZ // 100  # one row of features
_BATCH_SAMPLES = RATE_HZ // 10
_WARM_UP_SLICES = 100  # ESPHome trusts no score of the first second (micro_wake_word, MIN_SLICES_BEFORE_DETECTION)
_LEAD_SAMPLES = RATE_HZ  # so a stream begins with this much silence, and a word at its very beginning is heard
_TAIL_SAMPLES = RATE_HZ * 6 // 10


@dataclass(frozen=True)
class MicroWakeWordOptions:
    """Settings of the microwakeword engine."""

    words: tuple[str, ...] = option((), "words for clients that name none; empty means every bundled word and every one of your own")
    threshold: float = option(0.0, "score from which a word counts; 0 means what each model's maker recommends", minimum=0, maximum=1)
    thresholds: dict[str, float] = option({}, "thresholds of single words, for example `alexa: 0.95`")
    refractory_s: float = option(
        2.0, "seconds of audio after a detection in which the same word is not reported again", minimum=0, maximum=60
    )
    folder: str = option("", "folder with .json + .tflite files of your own; empty means wake in Earshot's data folder")

    def __post_init__(self) -> None:
        for name, threshold in self.thresholds.items():
            if not LOWEST <= threshold <= HIGHEST:
                raise SettingsError(f"thresholds.{name}: {threshold} is out of range (allowed: {LOWEST:g} to {HIGHEST:g})")


class MicroWakeWordEngine(WakeEngine):
    """The small streaming models that ESPHome devices and the Voice PE run: four stock words in English, those of the model catalogue,
    and your own as a `.json` file with its `.tflite` file beside it. They need less memory and processor than openWakeWord's.
    """

    Options = MicroWakeWordOptions

    @classmethod
    def models(cls, options: MicroWakeWordOptions, context: EngineContext) -> list[Model]:
        """Bundled words, those of the models folder and the owner's, the default first.

        Raises: EngineError when the bundled models are not installed.
        """
        words = _words(options, context)
        chosen = [name for name in dict.fromkeys(options.words) if name in words]
        return [_model(name, words[name], context) for name in (*chosen, *(name for name in words if name not in chosen))]

    def __init__(self, options: MicroWakeWordOptions, context: EngineContext) -> None:
        self._options = options
        self._context = context
        self.thresholds = Thresholds(options.threshold, options.thresholds)
        words = self._words()
        if missing := [name for name in (*options.words, *options.thresholds) if name not in words]:
            _LOGGER.warning("settings name wake words that are not here: %s; there are: %s", ", ".join(missing), ", ".join(words))
        self.open(())

    def open(self, names: Sequence[str]) -> "MicroWakeWordStream":
        """Raises: UnknownNameError when none of the names exists here; EngineError when a file went bad just now."""
        words = self._words()
        wanted = [name for name in dict.fromkeys(names or self._options.words or words) if name in words]
        if not wanted:
            asked = ", ".join(map(repr, names or self._options.words))
            raise UnknownNameError(f"no wake word {asked}; there are: {', '.join(words)}")
        rest_slices = math.ceil(self._options.refractory_s * RATE_HZ / _SLICE_SAMPLES)
        return MicroWakeWordStream({name: words[name] for name in wanted}, self.thresholds, rest_slices)

    def _words(self) -> dict[str, MicroModel]:
        words = _words(self._options, self._context)
        for name, model in words.items():
            self.thresholds.recommend(name, model.cutoff)
        return words


class MicroWakeWordStream(WakeStream):
    """One stream: the models keep what they have heard, so each stream has its own."""

    def __init__(self, words: dict[str, MicroModel], thresholds: Thresholds, rest_slices: int) -> None:
        from pymicro_wakeword import MicroWakeWordFeatures

        self._thresholds = thresholds
        self._features = MicroWakeWordFeatures()
        self._listeners = [_Listener(name, model, model.detector(), Trigger(1.0, 1, rest_slices)) for name, model in words.items()]
        self._samples = 0
        self._slices = 0
        self._hear(np.zeros(_LEAD_SAMPLES, np.int16))
        self._slices = 0

    @property
    def wanted_samples(self) -> int:
        """A tenth of a second."""
        return _BATCH_SAMPLES - self._samples % _BATCH_SAMPLES

    def feed(self, samples: np.ndarray) -> list[Hit]:
        """Raises: EngineError."""
        self._samples += len(samples)
        return self._hear(samples)

    def finish(self) -> list[Hit]:
        """Raises: EngineError."""
        length_ms = self._samples * 1000 // RATE_HZ
        return [Hit(hit.name, min(hit.timestamp_ms, length_ms), hit.score) for hit in self._hear(np.zeros(_TAIL_SAMPLES, np.int16))]

    def best_scores(self) -> dict[str, float]:
        return {listener.name: min(1.0, float(listener.trigger.best)) for listener in self._listeners}

    def close(self) -> None:
        """Frees the models."""
        for listener in self._listeners:
            listener.detector.close()

    def _hear(self, samples: np.ndarray) -> list[Hit]:
        for listener in self._listeners:
            listener.trigger.threshold = self._thresholds.of(listener.name)
        hits = []
        for features in self._features.process_streaming(samples.tobytes()):
            self._slices += 1
            for listener in self._listeners:
                score = listener.detector.process_streaming_prob(features)
                if score is None:
                    raise EngineError(f"{listener.model.path} is closed")
                if listener.trigger.take(score):
                    hits.append(Hit(listener.name, self._slices * _SLICE_SAMPLES * 1000 // RATE_HZ, min(1.0, float(score))))
        return hits


@dataclass
class _Listener:
    """One word on one stream."""

    name: str
    model: MicroModel
    detector: "MicroWakeWord"
    trigger: Trigger


def _words(options: MicroWakeWordOptions, context: EngineContext) -> dict[str, MicroModel]:
    """Every usable word by name; a later one of the same name replaces the one before."""
    found = {path.stem: MicroModel.read(path) for path in _bundled()}
    for folder in context.store.installed(_ENGINE).values():
        found |= _own(folder)
    return found | _own(Path(options.folder).expanduser() if options.folder else context.data_dir / "wake")


def _own(folder: Path) -> dict[str, MicroModel]:
    words = [word for path in own_files(folder, (".json",)) if (word := own_word(path))]
    return {word.name: MicroModel.read(word.path) for word in words}


def _bundled() -> list[Path]:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"{_PACKAGE} is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    found = {path.stem: path for path in folder.glob("*.json")}
    return [found[name] for name in (*(name for name in _PREFERRED if name in found), *sorted(found.keys() - set(_PREFERRED)))]


def _model(name: str, model: MicroModel, context: EngineContext) -> Model:
    languages = model.languages or (context.language,)
    return Model(name, f"{model.phrase} (microWakeWord)", languages, model.author, model.url, model.version or None, model.phrase)
