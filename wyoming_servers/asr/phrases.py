"""The embedded recogniser: hears the sentences Earshot understands, and gives the empty text for everything else.

It stands in until the owner has a large recogniser.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from ..shared.audio import Framer
from ..shared.engines import EngineContext, Model
from ..shared.errors import UnknownNameError, UnsupportedLanguageError
from ..shared.grammar import Grammar, PrefixClass, compile_grammar
from ..shared.house import House
from ..shared.schema import option
from ..shared.templates import load
from .engine import AsrEngine, AsrRequest, AsrStream, Transcription
from .phrase_decoder import DecoderPool, PhraseDecoder
from .phrase_terms import terms_of
from .speech_gate import SpeechGate
from .trust import confidence
from .wording import written

_NAME = "phrases-en"
_TAGS = ("en", "en-US", "en_US", "en-GB", "en_GB")
_LEAD_IN_FRAMES = 8  # of 32 ms, kept from before the first word
_LEAD_OUT_FRAMES = 12  # of silence that still belongs to the speech before it
_OPENING_FRAMES = 47  # 1.5 s: as good a measure of voice and room as the whole utterance, 0.6 s is not
_QUICK_END_FRAMES = 9  # or this much silence, when less is said
_TERM_FRAMES = 38  # 1.2 s of speech: what is longer is no word or two
_PARTIAL_FRAMES = 8  # a hypothesis is looked up this often


@dataclass(frozen=True)
class PhrasesOptions:
    """Settings of the phrases engine."""

    decoders: int = option(
        2, "sentences decoded at the same time; each after the first costs about 30 MB once it is needed", minimum=1, maximum=16
    )
    speech: float = option(0.5, "probability above which a frame of 32 ms counts as speech", minimum=0.05, maximum=0.95)
    trust: float = option(0.6, "confidence a transcript needs; below it the text is empty", minimum=0, maximum=1)


class PhrasesEngine(AsrEngine):
    """pocketsphinx over the grammar of the sentence templates."""

    Options = PhrasesOptions
    streams_partials = True

    hears: tuple[Grammar, DecoderPool]
    """What new utterances are decoded with."""

    @classmethod
    def models(cls, options: PhrasesOptions, context: EngineContext) -> list[Model]:
        """The one English model."""
        about = "the sentences Earshot understands"
        return [Model(_NAME, about, _TAGS, "CMU Sphinx", "https://github.com/cmusphinx/pocketsphinx", "5.1")]

    def __init__(self, options: PhrasesOptions, context: EngineContext) -> None:
        """Raises: UnsupportedLanguageError, SettingsError, EngineError."""
        _check_language(context.language)
        self.options = options
        self._intents_dirs = context.intents_dirs
        self.renew(context.house)

    def renew(self, house: House) -> None:
        """Takes over the names and sentences as they are now.

        Raises: SettingsError, EngineError; then what was heard before stays.
        """
        grammar: Grammar = compile_grammar(load("en", house, self._intents_dirs, scope="speech"))
        self.hears = grammar, DecoderPool(grammar, self.options.decoders)

    def open(self, request: AsrRequest) -> "PhrasesStream":
        """Begins an utterance.

        Raises: UnsupportedLanguageError, UnknownNameError.
        """
        _check_language(request.language or "en")
        if request.model not in (None, _NAME):
            raise UnknownNameError(f"no model {request.model!r}; there is: {_NAME}")
        return PhrasesStream(self, request.terms)


class PhrasesStream(AsrStream):
    """One utterance. Silence costs nearly nothing; decoding begins once voice and room are known, and goes on while the user speaks.

    A decoder is taken for decoding only, so that many streams can be open on few decoders.
    """

    def __init__(self, engine: PhrasesEngine, terms: tuple[str, ...] = ()) -> None:
        """terms: a word or two that may be all there is."""
        self._terms = terms
        self._short: list[np.ndarray] = []
        self._trust = engine.options.trust
        self._grammar, self._pool = engine.hears
        self._voice = SpeechGate(engine.options.speech)
        self._decoder: PhraseDecoder | None = None
        self._framer = Framer()
        self._lead_in: deque[np.ndarray] = deque(maxlen=_LEAD_IN_FRAMES)
        self._waiting: list[np.ndarray] = []
        self._speech_frames = 0
        self._silent_frames = 0
        self._since_partial = 0
        self._partial = ""

    def feed(self, samples: np.ndarray) -> str | None:
        """Takes (n,) int16 mono 16 kHz. Returns the hypothesis so far when it has changed."""
        for frame in self._framer.feed(samples):
            self._take(frame)
        self._decode(wait=False)
        return self._look()

    def finish(self) -> Transcription:
        """The transcript of all that was fed: empty when nobody spoke or no sentence fits well enough."""
        for frame in self._framer.pad():
            self._take(frame)
        if not self._speech_frames:
            return Transcription("", None, "en")
        self._decode(wait=True)
        assert self._decoder is not None
        partial, hypothesis = self._decoder.partial(), self._decoder.end()
        self.close()
        trusted = confidence(hypothesis, self._speech_frames) if hypothesis and hypothesis.words else 0.0
        if hypothesis is None or not hypothesis.words or trusted < self._trust:
            return Transcription(self._heard_term(), trusted, "en", begun=self._begun(partial))
        return Transcription(written(self._grammar, hypothesis.words), trusted, "en", begun=self._begun(partial, hypothesis.words))

    def _begun(self, words: tuple[str, ...], whole: tuple[str, ...] = ()) -> str:
        """What fits best as long as nobody asks for a whole sentence; empty when that is one.

        whole: the sentence that fits, if one does. It counts where the other has a little word behind it ("… at seven a"), which its last
        sound made, and where they part in the middle ("the date today", "the date the day"): those are two ways to hear the same.
        """
        alike = next((at for at, (one, other) in enumerate(zip(words, whole, strict=False)) if one != other), min(len(words), len(whole)))
        if not words or (whole and (alike == len(whole) or 0 < alike < len(words) - 1)):
            return ""
        return written(self._grammar, words) if self._grammar.prefix_class(words) is PrefixClass.PREFIX else ""

    def _heard_term(self) -> str:
        """One of the terms, where no sentence fits and not much was said."""
        if not self._terms or self._speech_frames > _TERM_FRAMES:
            return ""
        return terms_of(self._terms).hear(np.concatenate(self._short))

    def close(self) -> None:
        """Gives the decoder back."""
        if self._decoder is not None:
            self._pool.give_back(self._decoder)
            self._decoder = None

    def _take(self, frame: np.ndarray) -> None:
        """Keeps a frame if it is speech or near it."""
        if self._terms and self._speech_frames <= _TERM_FRAMES:
            self._short.append(frame)
        speaking = self._voice.speaks(frame)
        if speaking:
            self._waiting += self._lead_in
            self._lead_in.clear()
            self._waiting.append(frame)
            self._speech_frames += 1
            self._silent_frames = 0
            return
        self._silent_frames += 1
        if self._speech_frames and self._silent_frames <= _LEAD_OUT_FRAMES:
            self._waiting.append(frame)
        else:
            self._lead_in.append(frame)

    def _decode(self, *, wait: bool) -> None:
        """Hands what waits to a decoder; when `wait`, also too little for a good beginning, and by waiting for a free decoder."""
        if not self._waiting and (not wait or self._decoder is not None):
            return
        if self._decoder is None:
            enough = len(self._waiting) >= _OPENING_FRAMES or self._silent_frames >= _QUICK_END_FRAMES
            if not (enough or wait) or (decoder := self._pool.take(wait=wait)) is None:
                return
            self._decoder = decoder
            decoder.start(np.concatenate(self._waiting))
        else:
            self._decoder.feed(np.concatenate(self._waiting))
        self._since_partial += len(self._waiting)
        self._waiting.clear()

    def _look(self) -> str | None:
        if self._decoder is None or self._since_partial < _PARTIAL_FRAMES:
            return None
        self._since_partial = 0
        text = written(self._grammar, self._decoder.partial())
        if text == self._partial:
            return None
        self._partial = text
        return text


def _check_language(tag: str) -> None:
    if tag.replace("_", "-").split("-")[0].lower() != "en":
        raise UnsupportedLanguageError(f"the phrases engine hears English only, not {tag!r}; it takes: {', '.join(_TAGS)}")
