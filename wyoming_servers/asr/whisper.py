"""Whisper by faster-whisper: speech is cut out, heard once it ends, and dropped when the evidence is against it."""

import logging
import threading
from dataclasses import dataclass

import numpy as np

from ..shared.audio import FRAME_SAMPLES, RATE_HZ
from ..shared.engines import EngineContext, Model
from ..shared.errors import EngineError, UnknownNameError
from ..shared.schema import option
from .engine import AsrEngine, AsrRequest, AsrStream, Transcription
from .glossary import glossary
from .languages import matching
from .speech_runs import LEAD_OUT_FRAMES, SpeechRuns, windows
from .whisper_decoder import WINDOW_S, Question, Setup, WhisperDecoder
from .whisper_evidence import Evidence, Limits, confidence, doubt
from .whisper_models import ENGINE, Found, chosen, code, found

_LOGGER = logging.getLogger(__name__)
_BEAMS = {"fast": 1, "robust": 5}
_FRAME_S = FRAME_SAMPLES / RATE_HZ
_MOST_AHEAD = 3  # texts of one utterance that are prepared and thrown away because the user goes on
_QUICK_PASS_S = 1.0  # a slower machine would be busy with a text nobody wants when the user has really ended
_WINDOW_SAMPLES = round((WINDOW_S - 0.5) * RATE_HZ)


@dataclass(frozen=True)
class FasterWhisperOptions:
    """Settings of the faster-whisper engine."""

    preset: str = option("fast", "fast: tiny, straight on; robust: base, the best of several ways", choices=("fast", "robust"))
    model: str = option(
        "",
        "name of the model (tiny.en to large-v3-turbo, or a folder in models/faster-whisper), or a folder elsewhere with its full path;"
        " empty takes the preset's, or one like it that is on this machine",
    )
    task: str = option("transcribe", "translate writes in English what was said in another language", choices=("transcribe", "translate"))
    detect_language: bool = option(False, "find out the language of every utterance, whatever the client names; for multilingual models")
    prompt_chars: int = option(
        300, "how much of the names of this house the model is told with each request; 0 is none", minimum=0, maximum=800
    )
    prompt: str = option("", "what the model is told before these names, a sentence or two in the language of the house")
    beams: int = option(0, "ways of writing that are weighed at the same time; 0 is the preset's: 1 or 5", minimum=0, maximum=10)
    device: str = option("auto", "where the model runs; auto is CUDA where it works", choices=("auto", "cpu", "cuda"))
    gpu: int = option(0, "number of the CUDA device", minimum=0, maximum=15)
    compute_type: str = option(
        "auto",
        "arithmetic; auto is int8 on a CPU and float16 on a GPU",
        choices=("auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"),
    )
    threads: int = option(0, "processor threads for one utterance; 0 is one for each core, 8 at most", minimum=0, maximum=64)
    workers: int = option(
        0, "utterances worked on at the same time, each costs about 100 MB; 0 is 1, or 2 on more than four cores", minimum=0, maximum=16
    )
    ahead_s: float = option(
        0.3,
        "seconds of silence after which the text is prepared while the client still waits for the user to go on; only where that takes"
        " less than a second; 0 is never",
        minimum=0,
        maximum=5,
    )
    window_s: float = option(
        WINDOW_S,
        "least seconds of sound the model looks at. It was trained with 30 and pads with silence; 10 to 15 takes a third of the time, and"
        " may cost accuracy: compare with `earshot bakeoff asr`. What looks wrong is heard again with 30",
        minimum=5,
        maximum=WINDOW_S,
    )
    keep_memory: bool = option(
        True,
        "keep freed memory between requests, about 100 MB for each worker with tiny and at most 256 MB, in the whole process; takes half of"
        " the time of tiny models on Linux",
    )
    speech: float = option(
        0.5, "probability above which a frame of 32 ms counts as speech; without speech the model is not asked", minimum=0.05, maximum=0.95
    )
    no_speech: float = option(
        0.6, "the model's own probability that nobody spoke, above which an unsure text is dropped", minimum=0, maximum=1
    )
    unsure: float = option(
        -1.0,
        "average log probability below which a text is unsure: dropped when nobody seems to speak, and below one and a half times that",
        minimum=-10,
        maximum=-0.05,
    )
    repetition: float = option(
        2.4, "how many times smaller a text may become by compression before it counts as repeating itself", minimum=1, maximum=100
    )
    loaded: int = option(
        1, "models kept in memory at a time, for clients that name them; the one unused the longest goes", minimum=1, maximum=16
    )


class FasterWhisperEngine(AsrEngine):
    """OpenAI's Whisper on this machine, by CTranslate2: every size from tiny (75 MB) to large-v3, English or 100 languages.

    A Raspberry Pi 4 runs tiny.en, a PC base.en or small, a GPU large-v3-turbo. The names of your house are told to the model so that
    it writes them right. Silence, noise and what Whisper is known to make up ("Thank you for watching") give no text.
    faster-whisper and the models of OpenAI: MIT. On a GPU, CUDA 12 with cuBLAS and cuDNN 9 is needed.
    """

    Options = FasterWhisperOptions

    @classmethod
    def models(cls, options: FasterWhisperOptions, context: EngineContext) -> list[Model]:
        """The configured model, then every other one on this machine.

        Raises: EngineUnavailableError.
        """
        return [one.shown() for one in _offered(options, context)]

    def __init__(self, options: FasterWhisperOptions, context: EngineContext) -> None:
        """Fetches the model if it has to.

        Raises: EngineUnavailableError, EngineError.
        """
        self.options = options
        self.limits = Limits(options.no_speech, options.unsure, options.repetition)
        self._context = context
        self._setup = Setup(
            options.device,
            options.gpu,
            options.compute_type,
            options.threads,
            options.workers,
            options.beams or _BEAMS[options.preset],
            options.window_s,
            options.repetition,
            options.keep_memory,
        )
        self._lock = threading.Lock()
        self._decoders: dict[str, WhisperDecoder] = {}
        default, *_ = _offered(options, context)
        if default.folder is None:
            context.store.ensure(ENGINE, default.name)
            default, *_ = _offered(options, context)
        self._default = default
        self._decoder(default)
        SpeechRuns(options.speech).feed(np.full(FRAME_SAMPLES, 1000, np.int16))  # its model is loaded at the first use

    def open(self, request: AsrRequest) -> "FasterWhisperStream":
        """Begins an utterance. A model that is not in memory is loaded first.

        Raises: UnsupportedLanguageError, UnknownNameError, EngineError.
        """
        one = self._default if request.model in (None, self._default.name) else self._wanted(str(request.model))
        tag = matching(request.language or self._context.language, one.tags)
        decoder = self._decoder(one)
        options, house = self.options, self._context.house
        told = decoder.told(options.prompt.strip(), lambda most_chars: glossary(house, request, most_chars), options.prompt_chars)
        detect = options.detect_language and len(one.languages) > 1
        return FasterWhisperStream(self, decoder, Question(code(tag), detect, options.task == "translate", told))

    def close(self) -> None:
        """Frees the models."""
        self._decoders.clear()

    def _wanted(self, name: str) -> Found:
        others = {one.name: one for one in found(self._context)}
        if name not in others:
            known = dict.fromkeys([self._default.name, *others])
            raise UnknownNameError(f"no model {name!r}; there are: {', '.join(known)}")
        return others[name]

    def _decoder(self, one: Found) -> WhisperDecoder:
        assert one.folder is not None
        with self._lock:
            decoder = self._decoders.pop(one.name, None)
            if decoder is None:
                while len(self._decoders) >= self.options.loaded:
                    del self._decoders[next(iter(self._decoders))]
                decoder = WhisperDecoder(one.folder, self._setup)
            self._decoders[one.name] = decoder  # the one used last is the last
            return decoder


class FasterWhisperStream(AsrStream):
    """One utterance."""

    def __init__(self, engine: FasterWhisperEngine, decoder: WhisperDecoder, question: Question) -> None:
        self._engine = engine
        self._decoder = decoder
        self._question = question
        self._runs = SpeechRuns(engine.options.speech)
        self._prepared: tuple[int, Transcription] | None = None
        self._tries = 0
        self._given_up = False

    def feed(self, samples: np.ndarray) -> None:
        """Takes (n,) int16 mono 16 kHz. In a pause the text of what was said so far is prepared."""
        self._runs.feed(samples)
        if self._may_prepare():
            self._tries += 1
            self._hear()

    def finish(self) -> Transcription:
        """The transcript; empty without speech, and when the evidence is against it.

        Raises: EngineError.
        """
        self._runs.flush()
        if not self._runs.speaks:
            return Transcription("", None, self._question.language)
        return self._hear()

    def cancel(self) -> None:
        """Ends after the step it is at."""
        self._given_up = True

    def close(self) -> None:
        """Ends what is under way."""
        self.cancel()

    def _may_prepare(self) -> bool:
        ahead_s, runs = self._engine.options.ahead_s, self._runs
        return (
            ahead_s > 0
            and runs.speaks
            and runs.silent_frames >= max(LEAD_OUT_FRAMES, ahead_s / _FRAME_S)
            and (self._prepared is None or self._prepared[0] != runs.speech_frames)
            and self._tries < _MOST_AHEAD
            and self._decoder.pass_s < _QUICK_PASS_S
            and self._decoder.idle
        )

    def _hear(self) -> Transcription:
        """The transcript of the speech so far; nothing is done twice."""
        spoken = self._runs.speech_frames
        if self._prepared is None or self._prepared[0] != spoken:
            self._prepared = spoken, self._transcribe()
        return self._prepared[1]

    def _transcribe(self) -> Transcription:
        texts, language = [], self._question.language
        tokens = logprobs = 0.0
        parts = windows(self._runs.runs(), _WINDOW_SAMPLES)
        share = self._runs.speech_frames * _FRAME_S / sum(map(len, parts))
        for part in parts:
            self._check()
            passage = self._decoder.passage(part, self._question, self._check)
            evidence = Evidence(passage.text, passage.logprob, passage.no_speech, len(part) * share, self._question.told.text)
            if not passage.text:
                continue
            tokens += passage.tokens
            logprobs += passage.logprob * passage.tokens
            language = passage.language
            if reason := doubt(evidence, self._engine.limits):
                _LOGGER.info("a text is dropped: %s (log probability %.2f, no speech %.2f)", reason, passage.logprob, passage.no_speech)
            else:
                texts.append(passage.text)
        sure = confidence(logprobs / tokens) if tokens else None
        return Transcription(" ".join(texts), sure, language)

    def _check(self) -> None:
        if self._given_up:
            raise EngineError("the request was given up")


def _offered(options: FasterWhisperOptions, context: EngineContext) -> list[Found]:
    multilingual = options.detect_language or options.task == "translate"
    first = chosen(options.model, options.preset, code(context.language), multilingual=multilingual, context=context)
    return [first, *(one for one in found(context) if one.name != first.name)]
