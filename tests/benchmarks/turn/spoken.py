"""What the user says, as sound whose every sample is known: where each word ends, and where speech really ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from speech import silence, speak

from wyoming_servers.shared.audio import RATE_HZ

from .coding import marked

_AUDIBLE = 300  # of 32768: the voice's last sounds fade below this
_NOISE = 8.0  # a quiet room


@dataclass(frozen=True)
class Word:
    """One word, in samples since the sound's beginning."""

    text: str
    end: int


@dataclass(frozen=True)
class Saying:
    """One utterance: words with pauses between them."""

    number: int
    """As marked in its samples."""
    samples: np.ndarray
    """(n,) int16 at 16 kHz; it begins with speech, and ends with silence when the last part is a pause."""
    words: tuple[Word, ...]
    speech_end: int
    """Position behind the last sample of speech."""

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(word.text for word in self.words)

    def softer(self, by_db: float) -> np.ndarray:
        """Its samples as they are heard from further away."""
        return marked((self.samples * 10 ** (-by_db / 20)).astype(np.int16), self.number)

    def heard(self, begin: int, end: int) -> str:
        """The words of which all was heard, between two positions."""
        starts = [0, *(word.end for word in self.words)]
        return " ".join(
            word.text for start, word in zip(starts, self.words, strict=False) if begin <= start + _SLACK and word.end <= end + _SLACK
        )


_SLACK = round(0.12 * RATE_HZ)  # a word is still understood without its softest edge


def say(number: int, parts: Sequence[str | float], seed: int = 0) -> Saying:
    """Text is spoken, a number is so many seconds of silence. Each sound has a number of its own, 0 to 255."""
    pieces: list[np.ndarray] = []
    words: list[Word] = []
    position = speech_end = 0
    for part in parts:
        if isinstance(part, str):
            samples = _trimmed(speak(part))
            words += _words(part, position, len(samples))
            speech_end = position + len(samples)
        else:
            samples = silence(part)
        pieces.append(samples)
        position += len(samples)
    noise = np.random.default_rng([seed, number]).normal(0, _NOISE, position)
    whole = np.clip(np.concatenate(pieces) + noise, -32768, 32767).astype(np.int16)
    return Saying(number, marked(whole, number), tuple(words), speech_end)


def _trimmed(samples: np.ndarray) -> np.ndarray:
    """Without what the voice leaves silent before and after."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _AUDIBLE)
    return samples[loud[0] : loud[-1] + 1]


def _words(text: str, begin: int, samples: int) -> list[Word]:
    """Words end where their share of the letters ends: near enough, and the last one exactly."""
    texts = text.split()
    letters = np.cumsum([len(word) + 1 for word in texts])
    return [Word(word, begin + round(samples * share / letters[-1])) for word, share in zip(texts, letters, strict=True)]
