"""pocketsphinx over one grammar: decoders that are costly and few, one utterance at a time each."""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx

from ..shared.errors import EngineError
from ..shared.grammar import Grammar
from .pronunciation import pronunciations

FRAMES_PER_S = 100
_NATS = 1024.0  # acoustic scores are kept divided by 2^10 (SENSCR_SHIFT)
_FILLERS = ("<", "[", "+", "(")  # silence, noise, null transitions
_PIECE_SAMPLES = 1600  # 100 ms at most in one call: it holds the interpreter's lock
_USUAL_MEAN = (51.0, -1.8, -7.2, -5.9, -5.4, -10.1, -1.7, -9.0, 1.8, 4.9, -2.4, -2.1, 1.1)
_USUAL_MEAN_FRAMES = 30
"""Cepstral mean of clear speech at usual loudness, and how many frames of an utterance outweigh it."""
_HANDICAP = {"on": ("off", 20.0), "that": ("the", 40.0), "an": ("a", 10.0), "it": ("", 60.0), "please": ("", 8.0)}
"""Where both words fit, the model prefers the first, or people do not, by about so many nats (natural logarithm); "" is the end
of the sentence. "on" and "off" were measured on 60 commands in six voices."""
_NOISE_FLOOR = 0.02
"""Faint noise, as a fraction of the speech: digital silence between words, which no microphone gives, misleads the model."""
_SEARCH = {
    # All senones in every frame: with only the active ones, scores are normalised to the best of those, and "on"
    # beat "off" in 7 of 8 recordings. It also makes the wide beams needless.
    "compallsen": True,
    "ds": 2,
    "beam": 1e-50,
    "pbeam": 1e-50,
    "wbeam": 1e-40,
    "lw": 1.0,
    "wip": 0.5,
    "silprob": 0.1,
    "bestpath": False,
}


@dataclass(frozen=True)
class Segment:
    """One word of a hypothesis."""

    word: str
    phones: float
    """How many sounds it has, pronunciations averaged."""
    frames: int
    score: float
    """Log-likelihood (natural) relative to the best sound in each frame: 0 is perfect, more negative is worse."""


@dataclass(frozen=True)
class Hypothesis:
    """What fits the audio best, sentence or not."""

    segments: tuple[Segment, ...]
    filler_frames: int
    """Frames of silence and noise between the words."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words said."""
        return tuple(segment.word for segment in self.segments)


class PhraseDecoder:
    """One pocketsphinx decoder. Not for several threads at once."""

    def __init__(self, grammar: Grammar) -> None:
        """Raises: EngineError when the model does not load."""
        model = Path(pocketsphinx.get_model_path("en-us"))
        try:
            self._decoder = pocketsphinx.Decoder(
                pocketsphinx.Config(hmm=str(model / "en-us"), dict=None, lm=None, loglevel="FATAL", **_SEARCH)
            )
            spoken = pronunciations(grammar.words(), model / "cmudict-en-us.dict")
            self._load(grammar, spoken)
        except (RuntimeError, ValueError, OSError) as err:
            raise EngineError(f"pocketsphinx did not take the grammar: {err}") from err
        self._phones = {word: sum(len(phones.split()) for phones in ways) / len(ways) for word, ways in spoken.items()}
        self._level = _Level(model)
        self._started = False

    def start(self, opening: np.ndarray) -> None:
        """Begins an utterance with its first samples, (n,) int16 at 16 kHz; loudness and microphone are judged by them."""
        self.end()
        self._floor = _NOISE_FLOOR * float(np.sqrt(np.mean(np.square(opening.astype(np.float64)))))
        self._noise = np.random.default_rng(0)
        opening = self._with_floor(opening)
        heard = self._level.mean(opening)
        frames = len(opening) * FRAMES_PER_S / 16_000
        mean = (heard * frames + np.array(_USUAL_MEAN) * _USUAL_MEAN_FRAMES) / (frames + _USUAL_MEAN_FRAMES)
        self._decoder.reinit_feat()  # else the noise tracker remembers the utterance before
        self._decoder.set_cmn(",".join(f"{value:.3f}" for value in mean))
        self._decoder.start_utt()
        self._started = True
        self._process(opening)

    def feed(self, samples: np.ndarray) -> None:
        """More samples of the utterance."""
        self._process(self._with_floor(samples))

    def partial(self) -> tuple[str, ...]:
        """The words so far."""
        hypothesis = self._decoder.hyp() if self._started else None
        return tuple(word for text in hypothesis.hypstr.split() if (word := _plain(text))) if hypothesis else ()

    def end(self) -> Hypothesis | None:
        """Ends the utterance; None when no sentence fits at all, or none was begun."""
        if not self._started:
            return None
        self._started = False
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return None
        words, filler_frames = [], 0
        for segment in self._decoder.seg():
            frames = segment.end_frame - segment.start_frame + 1
            if word := _plain(segment.word):
                score = math.log(max(segment.ascore, 1e-300)) * _NATS
                words.append(Segment(word, self._phones.get(word, 1.0), frames, score))
            elif frames > 0 and not segment.word.startswith("("):
                filler_frames += frames
        return Hypothesis(tuple(words), filler_frames)

    def _process(self, samples: np.ndarray) -> None:
        for first in range(0, len(samples), _PIECE_SAMPLES):
            self._decoder.process_raw(samples[first : first + _PIECE_SAMPLES].tobytes(), False, False)

    def _with_floor(self, samples: np.ndarray) -> np.ndarray:
        noise = self._noise.standard_normal(len(samples), dtype=np.float32) * self._floor
        return np.clip(samples + noise, -32768, 32767).astype(np.int16)

    def _load(self, grammar: Grammar, spoken: dict[str, list[str]]) -> None:
        for word, variants in spoken.items():
            for number, phones in enumerate(variants, 1):
                self._decoder.add_word(word if number == 1 else f"{word}({number})", phones, False)
        end = len(grammar.arcs)
        arcs: list[tuple] = [(state, end, 1.0) for state in grammar.finals]
        for state, following in enumerate(grammar.arcs):
            ends = state in grammar.finals
            arcs += [(state, target, _weight(word, following, ends), word) for word, target in following.items() if word in spoken]
        self._decoder.add_fsg("phrases", self._decoder.create_fsg("phrases", grammar.start, end, arcs))
        self._decoder.activate_search("phrases")


class _Level:
    """Cepstral means, by a decoder with next to nothing to search for: 0.3 % of real time instead of 7 %."""

    def __init__(self, model: Path) -> None:
        self._decoder = pocketsphinx.Decoder(pocketsphinx.Config(hmm=str(model / "en-us"), dict=None, lm=None, loglevel="FATAL", topn=1))
        self._decoder.add_word("a", "AH", False)
        self._decoder.add_fsg("a", self._decoder.create_fsg("a", 0, 1, [(0, 1, 1.0, "a")]))
        self._decoder.activate_search("a")

    def mean(self, samples: np.ndarray) -> np.ndarray:
        """(13,) cepstral mean of (n,) int16 at 16 kHz."""
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), True, True)
        self._decoder.end_utt()
        return np.array([float(value) for value in self._decoder.get_cmn(False).split(",")])


class DecoderPool:
    """The decoders of one engine, made when first needed."""

    def __init__(self, grammar: Grammar, most: int) -> None:
        self._grammar = grammar
        self._idle = [PhraseDecoder(grammar)]
        self._more = most - 1
        self._changed = threading.Condition()

    def take(self, *, wait: bool) -> PhraseDecoder | None:
        """A decoder for one utterance; None when all are busy and `wait` is false."""
        with self._changed:
            while not self._idle and self._more <= 0 and wait:
                self._changed.wait()
            if self._idle:
                return self._idle.pop()
            if self._more <= 0:
                return None
            self._more -= 1
        return PhraseDecoder(self._grammar)

    def give_back(self, decoder: PhraseDecoder) -> None:
        """Ends what the decoder was doing and lends it to the next."""
        decoder.end()
        with self._changed:
            self._idle.append(decoder)
            self._changed.notify()


def _weight(word: str, rivals: Mapping[str, int], ends: bool) -> float:
    """How likely a word is next to the others that may stand in its place; `ends`: the sentence may end there as well."""
    rival, nats = _HANDICAP.get(word, ("", 0.0))
    return math.exp(-nats) if (rival in rivals if rival else ends) else 1.0


def _plain(text: str) -> str:
    """A decoder's word without the number of its pronunciation; empty for silence and noise."""
    return "" if text.startswith(_FILLERS) else text.partition("(")[0]
