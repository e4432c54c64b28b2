"""openWakeWord: features of a stream are made once and shared by all its words; one small classifier per word."""

import contextlib
import logging
import math
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..shared.audio import RATE_HZ
from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineError, SettingsError, UnknownNameError
from ..shared.schema import option
from .embedding import EmbeddingNetwork, WholeWindows
from .engine import Hit, WakeEngine, WakeStream
from .features import FRAME_SAMPLES, FeatureModels, FeatureStream, Silence
from .onnx import OnnxClassifier, OnnxFile
from .probe import classifier, model_file
from .tflite import Interpreter, ModelFile, Runtime
from .thresholds import HIGHEST, LOWEST, Thresholds
from .trigger import Trigger
from .words import Word, all_words, models_dir

_LOGGER = logging.getLogger(__name__)
_TAIL_FRAMES = 10  # a word's score peaks up to 0.8 s after its end: with less, half of the "okay nabu" cut there were missed


@dataclass(frozen=True)
class OpenWakeWordOptions:
    """Settings of the openwakeword engine."""

    words: tuple[str, ...] = option((), "words for clients that name none; empty means every bundled word and every one of your own")
    threshold: float = option(0.5, "score from which a frame counts; higher means fewer false alarms", minimum=0.01, maximum=1)
    thresholds: dict[str, float] = option({}, "thresholds of single words, for example `alexa: 0.7`")
    trigger_level: int = option(1, "frames of 80 ms in a row that must reach the threshold", minimum=1, maximum=25)
    refractory_s: float = option(
        2.0, "seconds of audio after a detection in which the same word is not reported again", minimum=0, maximum=60
    )
    folder: str = option("", "folder with .tflite and .onnx files of your own; empty means wake in Earshot's data folder")

    def __post_init__(self) -> None:
        for name, threshold in self.thresholds.items():
            if not LOWEST <= threshold <= HIGHEST:
                raise SettingsError(f"thresholds.{name}: {threshold} is out of range (allowed: {LOWEST:g} to {HIGHEST:g})")


class OpenWakeWordEngine(WakeEngine):
    """openWakeWord's models: five stock words in English, and every word that was trained for openWakeWord, as `.tflite` or (with
    onnxruntime, the extra `onnx`) as `.onnx` file in your folder. About 1.5 % of one core of a small machine per stream.

    The stock words' licence is not for commercial use.
    """

    Options = OpenWakeWordOptions

    @classmethod
    def models(cls, options: OpenWakeWordOptions, context: EngineContext) -> list[Model]:
        """Bundled words and the owner's, the default first.

        Raises: EngineError when the bundled models are not installed.
        """
        words = all_words(_folder(options, context))
        chosen = _defaults(options, words)
        return [_model(word, context) for word in (*chosen, *(word for word in words.values() if word not in chosen))]

    def __init__(self, options: OpenWakeWordOptions, context: EngineContext) -> None:
        # Streams borrow a set of interpreters for each batch of audio, so there are as many as threads at work.
        self._options = options
        self.thresholds = Thresholds(options.threshold, options.thresholds)
        self._folder = _folder(options, context)
        self._runtime = Runtime()
        self._mel = ModelFile(self._runtime, models_dir() / "melspectrogram.tflite")
        self._embedding_file = ModelFile(self._runtime, models_dir() / "embedding_model.tflite")
        self._network = self._embedding_network()
        self._files: weakref.WeakValueDictionary[Word, ModelFile | OnnxFile] = weakref.WeakValueDictionary()
        self._spare: deque[_Interpreters] = deque()
        words = all_words(self._folder)
        if missing := [name for name in (*options.words, *options.thresholds) if name not in words]:
            _LOGGER.warning("settings name wake words that are not here: %s; there are: %s", ", ".join(missing), ", ".join(words))
        _LOGGER.info("wake words of your own go into %s", self._folder)
        with self._borrow() as interpreters:
            self._silence = interpreters.features.silence()
            for word in _defaults(options, words):
                interpreters.of(word, self._file(word))

    def open(self, names: Sequence[str]) -> "OpenWakeWordStream":
        """Raises: UnknownNameError when none of the names exists here; EngineError when a file went bad just now."""
        words = all_words(self._folder)
        wanted = [words[name] for name in dict.fromkeys(names) if name in words] if names else _defaults(self._options, words)
        if not wanted:
            asked = ", ".join(map(repr, names or self._options.words))
            raise UnknownNameError(f"no wake word {asked}; there are: {', '.join(words)}")
        rest_frames = math.ceil(self._options.refractory_s * RATE_HZ / FRAME_SAMPLES)
        listeners = []
        with self._borrow() as interpreters:
            interpreters.keep(words.values())
            for word in wanted:
                file = self._file(word)
                frames = interpreters.of(word, file).input_shape[1]
                trigger = Trigger(self.thresholds.of(word.name), self._options.trigger_level, rest_frames)
                listeners.append(_Listener(word, file, frames, trigger))
        return OpenWakeWordStream(self._borrow, self._silence, listeners, self.thresholds)

    def close(self) -> None:
        """Frees the interpreters that are not at work."""
        self._spare.clear()

    def _file(self, word: Word) -> ModelFile | OnnxFile:
        file = self._files.get(word)
        if file is None:
            file = self._files[word] = model_file(self._runtime, word.path)
        return file

    def _embedding_network(self) -> EmbeddingNetwork | None:
        try:
            return EmbeddingNetwork(self._runtime, self._embedding_file)
        except EngineError as err:
            _LOGGER.info("openWakeWord needs about twice the time it could: %s", err)
            return None

    def _interpreters(self) -> "_Interpreters":
        embedding = self._network or WholeWindows(self._runtime, self._embedding_file)
        return _Interpreters(self._runtime, FeatureModels(self._runtime, self._mel, embedding))

    @contextlib.contextmanager
    def _borrow(self) -> Iterator["_Interpreters"]:
        try:
            interpreters = self._spare.pop()
        except IndexError:
            interpreters = self._interpreters()
        try:
            yield interpreters
        finally:
            self._spare.append(interpreters)


class OpenWakeWordStream(WakeStream):
    """One stream's state: a few kilobytes. The interpreters are borrowed."""

    def __init__(self, borrow, silence: Silence, listeners: list["_Listener"], thresholds: Thresholds) -> None:
        self._borrow = borrow
        self._thresholds = thresholds
        self._listeners = listeners
        self._features = FeatureStream(silence, max(listener.frames for listener in listeners))
        self._samples = 0
        self._frames = 0

    @property
    def wanted_samples(self) -> int:
        """At most 160 ms."""
        return self._features.wanted_samples

    def feed(self, samples: np.ndarray) -> list[Hit]:
        """Raises: EngineError."""
        self._samples += len(samples)
        hits: list[Hit] = []
        for listener in self._listeners:
            listener.trigger.threshold = self._thresholds.of(listener.word.name)
        with self._borrow() as interpreters:
            for past in self._features.feed(interpreters.features, samples):
                self._frames += 1
                hits += [hit for listener in self._listeners if (hit := self._listen(listener, past, interpreters))]
        return hits

    def finish(self) -> list[Hit]:
        """Raises: EngineError."""
        length = self._samples
        hits = self.feed(np.zeros(-length % FRAME_SAMPLES + _TAIL_FRAMES * FRAME_SAMPLES, np.int16))
        return [Hit(hit.name, min(hit.timestamp_ms, length * 1000 // RATE_HZ), hit.score) for hit in hits]

    def best_scores(self) -> dict[str, float]:
        return {listener.word.name: listener.trigger.best for listener in self._listeners}

    def _listen(self, listener: "_Listener", past: np.ndarray | None, interpreters: "_Interpreters") -> Hit | None:
        score = 0.0
        if past is not None:
            score = float(interpreters.of(listener.word, listener.file).run(past[-listener.frames :])[0])
        if not listener.trigger.take(score):
            return None
        return Hit(listener.word.name, self._frames * FRAME_SAMPLES * 1000 // RATE_HZ, score)


@dataclass
class _Listener:
    """One word on one stream."""

    word: Word
    file: ModelFile | OnnxFile
    frames: int
    """How far its classifier looks back."""
    trigger: Trigger


class _Interpreters:
    """What one thread needs at a time: the feature models, and the classifiers used so far."""

    def __init__(self, runtime: Runtime, features: FeatureModels) -> None:
        self._runtime = runtime
        self.features = features
        self._classifiers: dict[Word, Interpreter | OnnxClassifier] = {}

    def of(self, word: Word, file: ModelFile | OnnxFile) -> Interpreter | OnnxClassifier:
        """The classifier of one word."""
        found = self._classifiers.get(word)
        if found is None:
            found = self._classifiers[word] = classifier(self._runtime, file)
        return found

    def keep(self, words) -> None:
        """Frees the classifiers of all other words; a stream that still listens for one makes it again."""
        for word in self._classifiers.keys() - set(words):
            del self._classifiers[word]


def _folder(options: OpenWakeWordOptions, context: EngineContext) -> Path:
    return Path(options.folder).expanduser() if options.folder else context.data_dir / "wake"


def _defaults(options: OpenWakeWordOptions, words: Mapping[str, Word]) -> list[Word]:
    if not options.words:
        return list(words.values())
    return [words[name] for name in dict.fromkeys(options.words) if name in words]


def _model(word: Word, context: EngineContext) -> Model:
    if word.own:
        description = f"{word.phrase} ({word.path.name}, your own)"
        return Model(word.name, description, (context.language,), "the owner of this machine", "", word.version, word.phrase)
    description = f"{word.phrase} (openWakeWord; model CC BY-NC-SA 4.0)"
    url = "https://github.com/dscripka/openWakeWord"
    return Model(word.name, description, ("en",), "dscripka/openWakeWord", url, word.version, word.phrase)
