"""Phrases as they are said, word by word: names, and numbers of a range."""

from collections.abc import Iterable
from functools import lru_cache

from hassil.intents import RangeFractionType, RangeSlotList
from hassil.numbers import get_rbnf_engine

from ..shared.grammar import spoken_words

_MOST_NUMBERS = 101
"""Of a longer range any run of number words is taken for one: spelling out 1,500 takes a second."""
_COUNTED = (*range(101), *range(200, 1000, 100), 1000, 10**6, 10**9)


class Trie:
    """Phrases of whole words."""

    __slots__ = ("end", "next")

    def __init__(self) -> None:
        self.next: dict[str, Trie] = {}
        self.end = False

    def add(self, words: Iterable[str]) -> None:
        """One more."""
        node = self
        for word in words:
            node = node.next.setdefault(word, Trie())
        node.end = True


def spoken(text: str, language: str) -> tuple[str, ...]:
    """Its words: lower case, numbers in words, no apostrophes."""
    return spoken_words(text.replace("’", " ").replace("'", " ").replace("\u00ad", ""), language)


def number_trie(values: RangeSlotList, language: str) -> Trie:
    """Every way to say a number of the range."""
    trie = Trie()
    if (values.stop - values.start) // values.step >= _MOST_NUMBERS:
        loop = Trie()
        loop.end = True
        for word in {word for number in _COUNTED for phrase in _number(number, language) for word in phrase}:
            loop.next[word] = trie.next[word] = loop
        return trie
    fractions = RangeFractionType.get_fractions(values.fraction_type) if values.fraction_type else ()
    for number in range(values.start, values.stop + 1, values.step):
        for phrase in _number(number, language):
            trie.add(phrase)
        for fraction in fractions:
            trie.add(spoken(f"{number + fraction:g}", language))
    return trie


@lru_cache(maxsize=20_000)
def _number(number: int, language: str) -> frozenset[tuple[str, ...]]:
    """All the ways a number is said."""
    written = {spoken(str(number), language)}
    try:
        texts = get_rbnf_engine(language).format_number(abs(number)).text_by_ruleset.values()
    except ValueError:
        return frozenset(written)
    return frozenset(written | {words for text in texts if (words := spoken(text, language))})
