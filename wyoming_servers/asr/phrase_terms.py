"""A word or two that the client expects: told apart from each other, and from the beginnings of commands."""

import re
import threading
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from hassil.intents import Intents

from ..shared.grammar import compile_grammar
from ..shared.templates import Templates
from .phrase_decoder import PhraseDecoder

_OPENINGS = ("what", "what about", "what time", "how", "when", "where", "tell me", "turn on", "turn off", "set a timer", "tomorrow")
"""What else may be said: without them everything would be taken for one of the terms."""
_SCORE = -8.5
"""Per frame. Expected words had -5.2 to -8.2 in eleven voices; words that are not known had less, or more than "top" for "stop"."""


class Terms:
    """One decoder for one set of terms. May be called on several threads; they wait for each other."""

    def __init__(self, terms: Sequence[str]) -> None:
        """Raises: EngineError."""
        self._terms = {_plain(term): term for term in terms if _plain(term)}
        sentences = [*self._terms, *(opening for opening in _OPENINGS if opening not in self._terms)]
        intents = Intents.from_dict({"language": "en", "intents": {"Said": {"data": [{"sentences": sentences}]}}})
        self._decoder = PhraseDecoder(compile_grammar(Templates("en", intents, {})))
        self._lock = threading.Lock()

    def hear(self, samples: np.ndarray) -> str:
        """The term that (n,) int16 16 kHz hold; empty when it is none."""
        with self._lock:
            self._decoder.start(samples)
            hypothesis = self._decoder.end()
        frames = sum(segment.frames for segment in hypothesis.segments) if hypothesis else 0
        if hypothesis is None or not frames or sum(segment.score for segment in hypothesis.segments) / frames < _SCORE:
            return ""
        return self._terms.get(" ".join(hypothesis.words), "")


@lru_cache(maxsize=2)  # 20 MB each
def terms_of(terms: tuple[str, ...]) -> Terms:
    """The decoder for these, made once."""
    return Terms(terms)


def _plain(term: str) -> str:
    """In words that a pronunciation is known for."""
    return " ".join(re.findall(r"[a-z']+", term.lower()))
