"""One Whisper model in memory, made as quick as this machine allows, and its texts with what speaks for them."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..shared.allocator import keep_freed_memory
from ..shared.audio import RATE_HZ
from ..shared.errors import EngineError, EngineUnavailableError
from ..shared.processors import usable_cores
from .whisper_evidence import repeats, repetition

_LOGGER = logging.getLogger(__name__)
WINDOW_S = 30.0
"""What Whisper was trained with."""
_MARGIN_S = 2.0  # behind the speech in a shorter window
_MOST_THREADS = 8  # more make one utterance no quicker
_CORES_OF_ONE_WORKER = 4  # a second one costs 100 MB and, on two cores, a third of the speed of one client; four gain a tenth
_KEPT_BYTES = 256 << 20
_FRAMES_PER_S = 100
_MOST_TOKENS = 448  # of prompt and text
_MOST_PROMPT_TOKENS = 200  # Whisper was trained with at most 223
_MOST_OWN_TOKENS = 100
_TOKENS_PER_S = 12  # English has 3 to 7
_TOKENS_MORE = 24
_SURE_LANGUAGE = 0.5
_DOUBTFUL_LOGPROB = -0.6
_DOUBTFUL_NO_SPEECH = 0.3


@dataclass(frozen=True)
class Setup:
    """How a model is run."""

    device: str
    """auto, cpu or cuda."""
    gpu: int
    compute_type: str
    threads: int
    """0 is chosen."""
    workers: int
    """0 is chosen."""
    beams: int
    window_s: float
    repetition: float
    """How many times smaller a text may become when it is compressed."""
    keep_memory: bool


@dataclass(frozen=True)
class Told:
    """What a model is told before it listens."""

    text: str = ""
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is wanted of one utterance."""

    language: str
    """As Whisper writes it; what is assumed when it is detected, and none is likely."""
    detect: bool = False
    translate: bool = False
    told: Told = Told()


@dataclass(frozen=True)
class Passage:
    """The text of one window."""

    text: str
    tokens: int
    logprob: float
    """Average over the tokens."""
    no_speech: float
    language: str
    ended: bool
    """False when the model did not come to an end by itself."""


class WhisperDecoder:
    """A loaded model; used on several threads at once."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        """Loads the model and makes every worker ready for the first request.

        Raises: EngineUnavailableError when it cannot run here, EngineError when its files are broken.
        """
        from faster_whisper.tokenizer import Tokenizer

        self._setup = setup
        self._new_tokenizer = Tokenizer
        self._tokenizers: dict[tuple[str, bool], Any] = {}
        self._lock = threading.Lock()
        self._running = 0
        self.pass_s = 0.0
        """Seconds that one window takes now."""
        self._load(folder)

    @property
    def idle(self) -> bool:
        """Whether a worker is free."""
        return self._running < self.workers

    def told(self, first: str, names: Callable[[int], str], most_chars: int) -> Told:
        """`first`, and what `names` makes of at most `most_chars` characters, or of fewer to leave room for what will be said."""
        encode = self._tokenizer("en", False).encode
        own = encode(f" {first}")[:_MOST_OWN_TOKENS] if first else []
        while text := names(most_chars):
            tokens = encode(f" {text}")
            if len(own) + len(tokens) <= _MOST_PROMPT_TOKENS:
                return Told(f"{first} {text}".strip(), (*own, *tokens))
            most_chars = len(text) * (_MOST_PROMPT_TOKENS - len(own)) // len(tokens) - 1
        return Told(first, tuple(own))

    def passage(self, samples: np.ndarray, question: Question, check: Callable[[], None]) -> Passage:
        """The text of (n,) int16 mono 16 kHz, at most 30 s. `check` is called between the steps and may raise.

        Raises: EngineError.
        """
        with self._lock:
            self._running += 1
        begun = time.perf_counter()
        try:
            return self._passage(samples, question, check)
        except RuntimeError as err:
            raise EngineError(f"Whisper failed: {err}") from err
        finally:
            with self._lock:
                self._running -= 1
                self.pass_s += 0.2 * (time.perf_counter() - begun - self.pass_s)

    def _passage(self, samples: np.ndarray, question: Question, check: Callable[[], None]) -> Passage:
        seconds = len(samples) / RATE_HZ
        features = self._model.feature_extractor(samples.astype(np.float32) / 32768)
        window_s = min(WINDOW_S, max(self._setup.window_s, seconds + _MARGIN_S))
        passage = self._decode(features, window_s, seconds, question, check)
        if window_s < WINDOW_S and self._doubtful(passage):
            check()
            passage = self._decode(features, WINDOW_S, seconds, question, check)
        return passage

    def _decode(self, features: np.ndarray, window_s: float, seconds: float, question: Question, check: Callable[[], None]) -> Passage:
        from faster_whisper.audio import pad_or_trim

        encoded = self._model.encode(pad_or_trim(features, round(window_s * _FRAMES_PER_S)))
        check()
        language = self._detected(encoded, question.language) if question.detect else question.language
        tokenizer = self._tokenizer(language, question.translate)
        prompt = self._model.get_prompt(tokenizer, list(question.told.tokens), without_timestamps=True)
        english = language == "en" or question.translate
        most = round(_TOKENS_PER_S * seconds) + _TOKENS_MORE if english else _MOST_TOKENS
        result, ended = self._generate(encoded, prompt, most)
        text = tokenizer.decode(result.sequences_ids[0])
        if repetition(text) > self._setup.repetition:
            check()
            result, ended = self._generate(encoded, prompt, most, no_repeat_ngram_size=3)
            text = tokenizer.decode(result.sequences_ids[0])
        tokens = len(result.sequences_ids[0])
        return Passage(
            " ".join(text.split()),
            tokens,
            result.scores[0] * tokens / (tokens + 1),  # the end is a token too
            result.no_speech_prob,
            "en" if question.translate else language,
            ended,
        )

    def _generate(self, encoded: Any, prompt: list[int], most: int, **more: Any) -> tuple[Any, bool]:
        """CTranslate2's result, and whether it came to an end by itself."""
        longest = min(_MOST_TOKENS, max(2 * most, len(prompt) + most))  # CTranslate2 gives at most half of it to the text
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=self._setup.beams,
            max_length=longest,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            **more,
        )[0]
        return result, len(result.sequences_ids[0]) < min(longest // 2, longest - len(prompt))

    def _doubtful(self, passage: Passage) -> bool:
        """Whether the shorter window may have misled the model: it then repeats itself, does not end, or guesses."""
        return (
            not passage.ended
            or repeats(passage.text)
            or repetition(passage.text) > self._setup.repetition
            or passage.logprob < _DOUBTFUL_LOGPROB
            or passage.no_speech > _DOUBTFUL_NO_SPEECH
        )

    def _detected(self, encoded: Any, otherwise: str) -> str:
        token, probability = self._model.model.detect_language(encoded)[0][0]
        return token.strip("<|>") if probability >= _SURE_LANGUAGE else otherwise

    def _tokenizer(self, language: str, translate: bool) -> Any:
        key = language, translate
        if key not in self._tokenizers:
            task = "translate" if translate else "transcribe"
            self._tokenizers[key] = self._new_tokenizer(
                self._model.hf_tokenizer, self._model.model.is_multilingual, task=task, language=language
            )
        return self._tokenizers[key]

    def _load(self, folder: Path) -> None:
        device = self._setup.device
        if device == "auto" and _cuda_devices() > self._setup.gpu:
            try:
                self._start(folder, "cuda")
                return
            except (RuntimeError, ValueError, EngineUnavailableError) as err:
                _LOGGER.warning("Whisper runs on the CPU, CUDA failed: %s", err)
        try:
            self._start(folder, "cpu" if device == "auto" else device)
        except (RuntimeError, ValueError) as err:
            if device == "cuda":
                raise EngineUnavailableError(f"cannot use CUDA: {err}; set asr.engines.faster-whisper.device to cpu") from err
            raise EngineError(f"the model in {folder} cannot be used: {err}") from err

    def _start(self, folder: Path, device: str) -> None:
        """Loads the model on one device, and runs it once on every worker."""
        from faster_whisper import WhisperModel
        from faster_whisper.transcribe import get_suppressed_tokens

        cores = usable_cores()
        threads = self._setup.threads or min(cores, _MOST_THREADS)
        self.workers = self._setup.workers or (2 if cores > _CORES_OF_ONE_WORKER else 1)
        compute_type = _compute_type(device, self._setup)
        begun = time.perf_counter()
        self._model = WhisperModel(
            str(folder),
            device=device,
            device_index=self._setup.gpu,
            compute_type=compute_type,
            cpu_threads=threads,
            num_workers=self.workers,
            local_files_only=True,
        )
        self._suppressed = list(get_suppressed_tokens(self._tokenizer("en", False), [-1]))
        if device == "cpu" and self._setup.keep_memory:
            keep_freed_memory(_KEPT_BYTES)
        self._warm_up()
        _LOGGER.info(
            "Whisper %s on %s in %s, %d threads for each of %d workers: loaded in %.1f s, a window takes %.0f ms",
            folder.name,
            device,
            compute_type,
            threads,
            self.workers,
            time.perf_counter() - begun,
            self.pass_s * 1000,
        )

    def _warm_up(self) -> None:
        """The first pass on a worker allocates, and takes up to twice as long."""
        silence = np.zeros(RATE_HZ, np.int16)
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(lambda _: self._passage(silence, Question("en"), _go_on), range(self.workers)))
        begun = time.perf_counter()
        self._passage(silence, Question("en"), _go_on)
        self.pass_s = time.perf_counter() - begun


def _compute_type(device: str, setup: Setup) -> str:
    """The quickest arithmetic of the device; weights of 8 bits on a CPU, floats of 16 on a GPU.

    Raises: EngineUnavailableError when the device does not have the one that is set.
    """
    import ctranslate2

    if device == "cuda" and _cuda_devices() <= setup.gpu:
        raise EngineUnavailableError(
            f"CTranslate2 {ctranslate2.__version__} sees {_cuda_devices()} CUDA devices; for 64-bit ARM its wheel is built without CUDA:"
            " build it, or set asr.engines.faster-whisper.device to cpu"
        )
    there = ctranslate2.get_supported_compute_types(device, setup.gpu)
    wanted: Sequence[str] = ("int8", "float32") if device == "cpu" else ("float16", "int8_float16", "int8", "float32")
    if setup.compute_type != "auto":
        wanted = (setup.compute_type,)
    for name in wanted:
        if name in there:
            return name
    raise EngineUnavailableError(f"{wanted[0]} cannot be computed on this {device}; it has: {', '.join(sorted(there))}")


def _cuda_devices() -> int:
    import ctranslate2

    return ctranslate2.get_cuda_device_count()


def _go_on() -> None:
    """Nobody gives up."""
