"""sherpa-onnx: recognisers of many makers as ONNX files, streaming ones among them."""

import logging
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineError, EngineUnavailableError, UnknownNameError, UnsupportedLanguageError
from ..shared.onnx_model import DEVICES
from ..shared.processors import usable_cores
from ..shared.protocol import printable
from ..shared.schema import option
from .engine import AsrEngine, AsrRequest, AsrStream
from .languages import matching
from .sherpa_bias import Vocabulary, hotwords, phrases, write_scores
from .sherpa_families import FAMILIES, SherpaFiles, recognise
from .sherpa_languages import languages, listed, prompted, told
from .sherpa_recogniser import Recipe, load
from .sherpa_streams import Hearing, LiveStream, WholeStream

_LOGGER = logging.getLogger(__name__)
_ENGINE = "sherpa-onnx"
_MOST_THREADS = 4  # more made no published model faster: one utterance has too little work
_AUTHOR, _URL = "k2-fsa", "https://github.com/k2-fsa/sherpa-onnx"


@dataclass(frozen=True)
class SherpaOnnxOptions:
    """Settings of the sherpa-onnx engine."""

    model: str = option("", "name of the model, a folder in models/sherpa-onnx; empty takes an installed one of the house's language")
    family: str = option(
        "auto", "what kind of model that one is, where its files do not tell", choices=("auto", *(family.name for family in FAMILIES))
    )
    languages: tuple[str, ...] = option((), "languages of that model, where its name does not tell; for example de,de-AT")
    precision: str = option(
        "auto", "which files to take where a model has several: int8 is quicker on a CPU, float on CUDA", choices=("auto", "int8", "float")
    )
    device: str = option(
        "auto",
        "where models run; auto takes CUDA when the installed sherpa-onnx was built for it (its version ends with +cuda)",
        choices=DEVICES,
    )
    threads: int = option(0, "processor threads for one utterance; 0 chooses for this machine", minimum=0, maximum=64)
    bias: str = option(
        "auto",
        "whether names of the house are preferred to what sounds like them. Only transducers can; auto is on for those of icefall"
        " (Zipformer) and off for NeMo's (Parakeet, Nemotron), which may lose whole sentences by it",
        choices=("auto", "on", "off"),
    )
    bias_score: float = option(1.5, "how much they are preferred, for each piece of a word", minimum=0.1, maximum=10)
    speech: float = option(
        0.5, "probability above which a frame of 32 ms counts as speech; nothing else is recognised", minimum=0.05, maximum=0.95
    )
    trust: float = option(0.0, "confidence a transcript needs where the model tells one; below it the text is empty", minimum=0, maximum=1)
    casing: str = option("auto", "auto writes small letters when a model knows capitals only", choices=("auto", "keep", "lower"))
    loaded: int = option(
        1, "models kept in memory at a time, for houses of several languages; the one unused the longest goes", minimum=1, maximum=16
    )
    load_timeout_s: float = option(300.0, "seconds a model may take to load", minimum=1, maximum=3600)


class SherpaOnnxEngine(AsrEngine):
    """sherpa-onnx runs Zipformer, Nemotron, Parakeet TDT, Moonshine, Whisper, SenseVoice and Paraformer models on a CPU, from a
    Raspberry Pi up; streaming ones show the words while they are spoken. Put a model's files into `models/sherpa-onnx/NAME/`: what
    it is, is seen from the files. Each is tried out once in a process of its own. The library is under Apache 2.0; models have
    licences of their own: Parakeet CC BY 4.0, Nemotron NVIDIA's, Moonshine MIT in English and for non-commercial use otherwise.
    """

    Options = SherpaOnnxOptions
    streams_partials = True
    settles_after = 2

    @classmethod
    def models(cls, options: SherpaOnnxOptions, context: EngineContext) -> list[Model]:
        """Every model in the folder that can be used, the default first.

        Raises: EngineUnavailableError when the one in the settings is missing or damaged.
        """
        installed = _installed(options, context)
        found = [_model(name, files, options, context) for name, files in installed.items()]
        if options.model and options.model not in installed:
            context.store.locate(_ENGINE, options.model)
            found.append(_awaited(options))
        return sorted(found, key=lambda model: (model.name != options.model, not _speaks(model, context.language)))

    def __init__(self, options: SherpaOnnxOptions, context: EngineContext) -> None:
        """Fetches and loads the default model.

        Raises: EngineUnavailableError, EngineError.
        """
        self._options = options
        self._context = context
        if options.model:
            context.store.ensure(_ENGINE, options.model)
        self._models = {model.name: model for model in self.models(options, context)}
        if not self._models:
            raise EngineUnavailableError(f"{_ENGINE} has no model on this machine: earshot models list --engine {_ENGINE}")
        self._default = next(iter(self._models))
        self._loading = threading.Lock()
        self._choosing = threading.Lock()
        self._loaded: OrderedDict[str, Hearing] = OrderedDict()
        self._hearing(self._default)

    def open(self, request: AsrRequest) -> AsrStream:
        """Begins an utterance. A model that is not in memory is loaded first.

        Raises: UnsupportedLanguageError, UnknownNameError, EngineError.
        """
        name = self._choose(request)
        tags = self._models[name].languages
        try:
            language = matching(request.language or self._context.language, tags)
        except UnsupportedLanguageError:
            if request.language:
                raise
            language = tags[0]  # the owner has chosen a model that does not speak the house's language
        hearing = self._hearing(name)
        bias = ""
        if hearing.vocabulary is not None:
            names = (*request.names, *phrases(self._context.house))
            bias = hotwords(hearing.vocabulary, names, request.terms, self._options.bias_score / 2)
        return (LiveStream if hearing.chunk_samples else WholeStream)(hearing, language, bias)

    def close(self) -> None:
        """Forgets the models; streams that are still open keep theirs."""
        with self._choosing:
            self._loaded.clear()

    def _choose(self, request: AsrRequest) -> str:
        """The model asked for; else the default, unless another one knows the language and it does not.

        Raises: UnknownNameError.
        """
        if request.model is None and not request.language:
            return self._default
        for again in (False, True):
            if again:  # the owner may have added models since
                self._models = self._models | {model.name: model for model in self.models(self._options, self._context)}
            for name, model in self._models.items():
                if name == request.model or request.model is None and _speaks(model, request.language or ""):
                    return name
        if request.model is None:
            return self._default
        raise UnknownNameError(f"no model {printable(request.model)!r}; there are: {', '.join(self._models)}")

    def _hearing(self, name: str) -> Hearing:
        """The loaded model; loads it when it is not in memory. One at a time, while others are in use.

        Raises: EngineError.
        """
        if hearing := self._in_memory(name):
            return hearing
        with self._loading:
            if hearing := self._in_memory(name):
                return hearing
            folder = self._context.store.ensure(_ENGINE, name)
            hearing = _load(self._models[name], _recognise(name, folder, self._options), self._options)
            with self._choosing:
                self._loaded[name] = hearing
                while len(self._loaded) > self._options.loaded:
                    self._loaded.popitem(last=False)
            return hearing

    def _in_memory(self, name: str) -> Hearing | None:
        with self._choosing:
            if name in self._loaded:
                self._loaded.move_to_end(name)
            return self._loaded.get(name)


def _installed(options: SherpaOnnxOptions, context: EngineContext) -> dict[str, SherpaFiles]:
    """Models on this machine, without those that cannot be used.

    Raises: EngineUnavailableError when the one in the settings cannot be used, or none can.
    """
    found, problems = {}, []
    for name, folder in context.store.installed(_ENGINE).items():
        try:
            found[name] = _recognise(name, folder, options)
        except EngineUnavailableError as err:
            if name == options.model:
                raise
            _LOGGER.debug("%s is left out: %s", name, err)
            problems.append(err)
    if problems and not found and not options.model:
        raise problems[0]
    return found


def _recognise(name: str, folder: Path, options: SherpaOnnxOptions) -> SherpaFiles:
    small = options.precision == "int8" or (options.precision == "auto" and _device(options) == "cpu")
    return recognise(folder, options.family if name == options.model else "auto", small=small)


def _model(name: str, files: SherpaFiles, options: SherpaOnnxOptions, context: EngineContext) -> Model:
    tags = (options.languages if name == options.model else ()) or languages(name, files, context.language)
    return Model(name, f"{name} ({files.family.name})", tuple(tags), _AUTHOR, files.header.get("url") or _URL)


def _awaited(options: SherpaOnnxOptions) -> Model:
    """The model in the settings, before it has been fetched."""
    return Model(options.model, options.model, options.languages or listed(options.model) or ("en",), _AUTHOR, _URL, installed=False)


def _speaks(model: Model, language: str) -> bool:
    try:
        return bool(matching(language, model.languages))
    except UnsupportedLanguageError:
        return False


def _load(model: Model, files: SherpaFiles, options: SherpaOnnxOptions) -> Hearing:
    """Raises: EngineError."""
    keywords: dict[str, Any] = {keyword: str(path) for keyword, path in files.files.items()}
    keywords |= {**files.family.more, **told(model.languages, files), "num_threads": options.threads or min(usable_cores(), _MOST_THREADS)}
    keywords["provider"] = _device(options)
    try:
        vocabulary = Vocabulary(files.files["tokens"])
        biased = files.family.biased and bool(vocabulary.unit) and (options.bias == "on" or options.bias == "auto" and not _nemo(files))
        with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
            if biased:
                scores = Path(folder) / "bpe.vocab"
                write_scores(files.folder, vocabulary, scores)
                keywords |= {"decoding_method": "modified_beam_search", "modeling_unit": vocabulary.unit, "bpe_vocab": str(scores)}
                keywords["hotwords_score"] = options.bias_score
            recipe = Recipe(files.family.factory, keywords)
            recogniser, chunk_samples = load(recipe, f"the model in {files.folder}", options.load_timeout_s)
    except (OSError, ValueError) as err:
        raise EngineError(f"the model in {files.folder} cannot be used: {err}") from err
    lower = options.casing == "lower" or (options.casing == "auto" and vocabulary.capitals)
    _LOGGER.info("%s is loaded (%s%s)", model.name, files.family.name, ", with hotwords" if biased else "")
    return Hearing(
        recogniser,
        files.family,
        vocabulary if biased else None,
        chunk_samples,
        speech=options.speech,
        trust=options.trust,
        lower=lower,
        prompted=prompted(files),
    )


def _device(options: SherpaOnnxOptions) -> str:
    if options.device != "auto":
        return options.device
    try:
        return "cuda" if "+cuda" in metadata.version("sherpa-onnx") else "cpu"
    except metadata.PackageNotFoundError:
        return "cpu"


def _nemo(files: SherpaFiles) -> bool:
    return files.family.name.startswith("nemo")
