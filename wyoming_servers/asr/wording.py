"""How a recognised sentence is written: words that sound nearly alike and mean the same are made to agree."""

from collections.abc import Sequence

from ..shared.grammar import Grammar

_PLURALS = {"hour": "hours", "minute": "minutes", "second": "seconds"}
_SINGULARS = {plural: singular for singular, plural in _PLURALS.items()}
_ONE = ("one", "a", "an")
_LABELLED = ("timer", "timers")


def written(grammar: Grammar, words: Sequence[str]) -> str:
    """The text of a sentence: "five minute" becomes "five minutes", where the grammar has both."""
    agreed = list(words)
    for position, word in enumerate(words[1:], 1):
        single = words[position - 1] in _ONE or (position + 1 < len(words) and words[position + 1] in _LABELLED)
        if other := (_SINGULARS if single else _PLURALS).get(word):
            changed = [*agreed[:position], other, *agreed[position + 1 :]]
            if grammar.walk(changed) is not None and grammar.accepts(changed) >= grammar.accepts(agreed):
                agreed = changed
    return grammar.text(agreed)
