"""What somebody means who says a word or two into an answer: stop, nothing of importance, or something that is meant for us."""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from enum import Enum
from functools import lru_cache
from typing import Any

from ..shared import paths, templates

_STOPS = ("EarshotStop", "HassNevermind")
_ASIDES = "asides"
_ENGLISH = "en"
Words = tuple[str, ...]
"""In lower case, without punctuation."""
_ECHO = 0.65
"""Share of the words, in order, that are in what we say ourselves: recognisers mishear a third of an echo."""


class Remark(Enum):
    """What it was."""

    STOP = "stop"
    """Be silent."""
    NOTHING = "nothing"
    """A cough, "uh-huh", or our own voice: the answer goes on."""
    WORDS = "words"
    """Something else: listen."""


class Remarks:
    """Judges transcripts in one language."""

    def __init__(self, language: str) -> None:
        """language: a BCP 47 tag; in one without sentences of its own, English words are known. Blocking the first time.

        Raises: SettingsError.
        """
        self._stops, self._asides = _phrases(templates.family(language))
        self.terms = tuple(sorted(" ".join(words) for words in self._stops | self._asides))
        """What is often said into an answer."""

    def judge(self, text: str, saying: str) -> Remark:
        """What a transcript means. saying: what we were saying ourselves."""
        words = _words(text)
        if not words or _is_echo(words, _words(saying)):
            return Remark.NOTHING
        said = _without(words, self._asides)  # "okay, stop, please" is "stop"
        if not said:
            return Remark.NOTHING
        return Remark.WORDS if _without(said, self._stops) else Remark.STOP


def _without(words: Words, phrases: Iterable[Words]) -> Words:
    """What is left when every occurrence of the phrases is taken out, the longest first."""
    text = " ".join(words)
    for phrase in sorted(phrases, key=len, reverse=True):
        text = re.sub(rf"(?<!\S){re.escape(' '.join(phrase))}(?!\S)", "", text)
    return tuple(text.split())


def _is_echo(words: Words, own: Words) -> bool:
    if len(words) > len(own):
        return False
    longest = SequenceMatcher(None, words, own, autojunk=False).find_longest_match()
    return longest.size == len(words) or (longest.size >= 2 and _matched(words, own) >= _ECHO * len(words))


def _matched(words: Words, own: Words) -> int:
    return sum(block.size for block in SequenceMatcher(None, words, own, autojunk=False).get_matching_blocks())


@lru_cache(maxsize=8)
def _phrases(language: str) -> tuple[frozenset[Words], frozenset[Words]]:
    folder = paths.content("intents") / language
    if not (folder / "general.yaml").is_file():
        return _phrases(_ENGLISH)
    intents = templates.read_yaml(folder / "general.yaml")["intents"]
    stops = frozenset(_words(sentence) for name in _STOPS for sentence in _sentences(intents[name]))
    asides = templates.read_yaml(folder / "satellite.yaml").get("lists", {}).get(_ASIDES, {}).get("values", ())
    return stops, frozenset(_words(str(aside)) for aside in asides)


def _sentences(intent: dict[str, Any]) -> Iterator[str]:
    """Every way to say it."""
    from hassil.expression import Sentence
    from hassil.parse_expression import parse_sentence
    from hassil.sample import sample_expression

    for block in intent["data"]:
        for template in block["sentences"]:
            parsed = parse_sentence(template)
            yield from sample_expression(parsed.expression if isinstance(parsed, Sentence) else parsed)


def _words(text: str) -> Words:
    return tuple(re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.casefold().replace("’", "'")))
