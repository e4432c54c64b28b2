"""A word-level finite-state grammar compiled from sentence templates: deterministic, minimal, never enumerated.

A recogniser is built from its arcs; a matcher asks it how far a sentence has come.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from hassil.expression import Alternative, Expression, Group, ListReference, Permutation, RuleReference, Sentence, TextChunk
from hassil.intents import IntentData, RangeFractionType, RangeSlotList, SlotList, TextSlotList
from hassil.numbers import get_rbnf_engine

from .automaton import minimise
from .templates import Templates

_WORD = re.compile(r"\d+/\d+|\d+(?:\.\d+)?|%|(?:[^\W\d_]|')+")
_BREAK = re.compile(r"[\s\-_/,;:.!?]")
_SPACE = " "
_SAME_SOUND = {"whats": "what's", "hows": "how's", "wheres": "where's", "todays": "today's", "nevermind": "never mind", "1/2": "half"}
_PERCENT = {"en": "percent"}
_POINT = {"en": "point"}
_HALF = {"en": ("and", "a", "half")}
_HUNDRED = {"en": {("one", "hundred"): ("a", "hundred")}}
_POLITE = {"en": (("please", "can you", "can you please", "could you", "could you please"), ("please",))}
_MAX_PERMUTED = 4


class PrefixClass(Enum):
    """How far a sentence has come."""

    OFF_GRAMMAR = "off-grammar"
    """No sentence begins like this."""
    PREFIX = "prefix"
    """More must follow."""
    EXTENDABLE = "extendable"
    """A sentence, and more may follow."""
    COMPLETE = "complete"
    """A sentence, and nothing can follow."""


@dataclass(frozen=True)
class Grammar:
    """A deterministic automaton without loops. State 0 is the start."""

    arcs: tuple[dict[str, int], ...]
    """For each state: word → next state. Words are lower case, without digits."""
    finals: frozenset[int]
    """States in which a sentence may end."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Words written in another way, as in the house's names: tv → TV."""
    language: str = "en"
    start = 0

    def words(self) -> list[str]:
        """Every word, sorted."""
        return sorted({word for arcs in self.arcs for word in arcs})

    def walk(self, words: Iterable[str]) -> int | None:
        """The state after `words`; None when no sentence begins like this."""
        state: int | None = self.start
        for word in words:
            state = self.arcs[state].get(word) if state is not None else None
        return state

    def accepts(self, words: Iterable[str]) -> bool:
        """Whether `words` are a sentence."""
        return self.walk(words) in self.finals

    def prefix_class(self, words: Iterable[str]) -> PrefixClass:
        """How far `words` have come."""
        state = self.walk(words)
        if state is None:
            return PrefixClass.OFF_GRAMMAR
        if state not in self.finals:
            return PrefixClass.PREFIX
        return PrefixClass.EXTENDABLE if self.arcs[state] else PrefixClass.COMPLETE

    def next_words(self, words: Iterable[str]) -> list[str]:
        """The words that may follow, sorted."""
        state = self.walk(words)
        return sorted(self.arcs[state]) if state is not None else []

    def text(self, words: Iterable[str]) -> str:
        """The words as they are written."""
        return " ".join(self.spellings.get(word, word) for word in words)


@lru_cache(maxsize=2000)
def spoken_words(text: str, language: str = "en") -> tuple[str, ...]:
    """Text as it is said: lower case, numbers and signs as words, no punctuation."""
    words: list[str] = []
    for token in _WORD.findall(text.replace("’", "'").lower()):
        if token == "%":
            words.append(_PERCENT.get(language, "percent"))
        elif token in _SAME_SOUND:
            words += _SAME_SOUND[token].split()
        elif token[0].isdigit() and "/" not in token:
            words += _number(float(token), language)[0]
        elif (word := token.strip("'")) and not word[0].isdigit():
            words.append(word)
    return tuple(words)


def compile_grammar(templates: Templates) -> Grammar:
    """The grammar of every sentence of the templates, with or without a polite word before or after it. Takes well under a second."""
    network = _Network(templates)
    for intent in templates.intents.intents.values():
        for block in intent.data:
            network.add_block(block)
    arcs, finals = _determinise(network)
    arcs, finals = minimise(arcs, finals)
    return Grammar(tuple(arcs), frozenset(finals), _spellings(templates, arcs), templates.language)


class _Network:
    """A nondeterministic automaton over pieces of words. A piece `" "` ends a word; None is an empty step."""

    def __init__(self, templates: Templates) -> None:
        self.language = templates.language
        self._lists = {**templates.intents.slot_lists, **templates.slot_lists}
        self._rules = templates.intents.expansion_rules
        self.arcs: list[list[tuple[str | None, int]]] = []
        self.start, self.body, self.end, self.final = (self._state() for _ in range(4))
        self._arc(self.start, None, self.body)
        self._arc(self.end, _SPACE, self.final)
        before, after = _POLITE.get(self.language, ((), ()))
        self._words(self.start, self.body, *(tuple(phrase.split()) for phrase in before))
        self._words(self.end, self.final, *(tuple(phrase.split()) for phrase in after))

    def add_block(self, block: IntentData) -> None:
        """Adds the sentences of one block, with its own lists and the names its context allows."""
        scope = _Scope({**self._lists, **block.slot_lists}, {**self._rules, **block.expansion_rules}, block.requires_context)
        for text in block.sentences:
            state = self._expand(text.expression, self.body, scope)
            self._arc(state, _SPACE, self.end)

    def _state(self) -> int:
        self.arcs.append([])
        return len(self.arcs) - 1

    def _spaced(self, state: int) -> int:
        following = self._state()
        self._arc(state, _SPACE, following)
        return following

    def _arc(self, source: int, piece: str | None, target: int) -> None:
        self.arcs[source].append((piece, target))

    def _words(self, source: int, target: int, *phrases: tuple[str, ...]) -> None:
        """Adds phrases of whole words as one small network that shares beginnings and ends."""
        state, gap = self._state(), self._state()
        self._arc(source, _SPACE, state)
        self._arc(gap, _SPACE, target)
        self._tails(state, frozenset(phrases), {frozenset({()}): gap})

    def _tails(self, state: int, phrases: frozenset[tuple[str, ...]], known: dict[frozenset, int]) -> None:
        by_first: dict[str, set[tuple[str, ...]]] = {}
        for first, *rest in phrases - {()}:
            by_first.setdefault(first, set()).add(tuple(rest))
        for word, rests in by_first.items():
            after, tails = self._state(), frozenset(rests)
            self._arc(state, word, after)
            if tails not in known:
                known[tails] = self._state()
                self._tails(known[tails], tails, known)
            self._arc(after, _SPACE, known[tails])
        if () in phrases:
            self._arc(state, None, known[frozenset({()})])

    def _expand(self, item: Expression, state: int, scope: "_Scope") -> int:
        """Adds `item` from `state` on; the state behind it."""
        if isinstance(item, TextChunk):
            return self._chunk(item.original_text, state)
        if isinstance(item, Alternative):
            if all(isinstance(choice, TextChunk | Group) and not _letters(choice) for choice in item.items):
                return self._spaced(state)  # `[ |-]`: written together or apart, always said as two words
            end = self._state()
            for choice in item.items:
                self._arc(self._expand(choice, state, scope), None, end)
            return end
        if isinstance(item, Permutation):
            return self._permute(item, state, scope)
        if isinstance(item, Group):
            for part in item.items:
                state = self._expand(part, state, scope)
            return state
        if isinstance(item, RuleReference):
            return self._expand(scope.rules[item.rule_name].expression, state, scope)
        assert isinstance(item, ListReference)
        return self._list(item, state, scope)

    def _chunk(self, text: str, state: int) -> int:
        position = 0
        for gap in [*_BREAK.finditer(text), None]:
            piece = text[position : gap.start() if gap else len(text)]
            if piece:
                following = self._state()
                self._arc(state, piece, following)
                state = following
            if gap:
                following = self._state()
                self._arc(state, _SPACE, following)
                state, position = following, gap.end()
        return state

    def _permute(self, item: Permutation, state: int, scope: "_Scope") -> int:
        if not item.items or len(item.items) > _MAX_PERMUTED:
            return state
        end = self._state()
        for first, rest in item.iterate_permutations():
            following = self._state()
            self._arc(self._expand(first, state, scope), _SPACE, following)
            self._arc(self._permute(rest, following, scope), None, end)
        return end

    def _list(self, item: ListReference, state: int, scope: "_Scope") -> int:
        end = self._state()
        inline = item.get_inline_range()
        values = RangeSlotList(item.list_name, *inline) if inline else scope.lists[item.list_name]
        if isinstance(values, RangeSlotList):
            self._words(state, end, *_range_words(values, self.language))
        elif isinstance(values, TextSlotList):
            allowed = [value.text_in for value in values.values if scope.allows(value.context)]
            if plain := [words for text in allowed if isinstance(text, TextChunk) and (words := spoken_words(text.text, self.language))]:
                self._words(state, end, *plain)
            for template in allowed:
                if not isinstance(template, TextChunk):
                    self._arc(self._expand(template, self._spaced(state), scope), _SPACE, end)
        return end


@dataclass(frozen=True)
class _Scope:
    """What names mean inside one block."""

    lists: Mapping[str, SlotList]
    rules: Mapping[str, Sentence]
    requires: Mapping[str, Any]

    def allows(self, context: Mapping[str, Any] | None) -> bool:
        """Whether a list value may stand here: a name must be of a domain the block asks for."""
        wanted = self.requires.get("domain")
        domain = (context or {}).get("domain")
        if wanted is None or domain is None:
            return True
        return domain == wanted if isinstance(wanted, str) else domain in wanted


def _letters(item: Expression) -> bool:
    """Whether anything is said in an expression."""
    if isinstance(item, TextChunk):
        return _BREAK.sub("", item.original_text) != ""
    return not isinstance(item, Group) or any(_letters(part) for part in item.items)


def _range_words(numbers: RangeSlotList, language: str) -> Iterator[tuple[str, ...]]:
    for number in range(numbers.start, numbers.stop + 1, numbers.step):
        for words in _number(number, language):
            yield words
            if numbers.fraction_type is RangeFractionType.HALVES and language in _HALF:
                yield (*words, *_HALF[language])
            for fraction in RangeFractionType.get_fractions(numbers.fraction_type):
                yield _number(number + fraction, language)[0]


@lru_cache(maxsize=500)
def _number(number: float, language: str) -> list[tuple[str, ...]]:
    """The ways a number is said, the usual one first."""
    whole, fraction = divmod(round(abs(number) * 10), 10)
    engine = get_rbnf_engine(language)
    words = tuple(engine.format_number(whole).text.replace("\u00ad", "").replace("-", " ").split())
    if fraction:
        return [(*words, _POINT.get(language, "point"), engine.format_number(fraction).text)]
    other = _HUNDRED.get(language, {}).get(words)
    return [words, other] if other else [words]


def _determinise(network: _Network) -> tuple[list[dict[str, int]], set[int]]:
    """Subset construction over whole words."""
    steps: dict[int, dict[str, set[int]]] = {}
    first = frozenset({network.start})
    numbers = {first: 0}
    arcs: list[dict[str, int]] = [{}]
    finals: set[int] = set()
    waiting = [first]
    while waiting:
        subset = waiting.pop()
        number = numbers[subset]
        joined: dict[str, set[int]] = {}
        for state in subset:
            if state not in steps:
                steps[state] = _words_from(network, state)
            for word, targets in steps[state].items():
                joined.setdefault(word, set()).update(targets)
        for word, targets in joined.items():
            if not word:
                finals.add(number)
                continue
            target = frozenset(targets)
            if target not in numbers:
                numbers[target] = len(arcs)
                arcs.append({})
                waiting.append(target)
            arcs[number][word] = numbers[target]
    return arcs, finals


def _words_from(network: _Network, start: int) -> dict[str, set[int]]:
    """Word → states after it, from a state between words; the empty word when the sentence may end here.

    A word is put together from the pieces along a path; a piece that is said as several words gives states of its own.
    """
    found: dict[str, set[int]] = {}
    seen: set[tuple[int, str]] = set()
    waiting = [(start, "")]
    while waiting:
        state, word = waiting.pop()
        if (state, word) in seen:
            continue
        seen.add((state, word))
        if state == network.final:
            found.setdefault("", set()).add(state)
        for piece, target in network.arcs[state]:
            if piece is None or (piece == _SPACE and not word):
                waiting.append((target, word))
            elif piece != _SPACE:
                waiting.append((target, word + piece))
            elif spoken := spoken_words(word, network.language):
                found.setdefault(spoken[0], set()).add(_chain(network, spoken[1:], target))
            else:
                waiting.append((target, ""))
    return found


def _chain(network: _Network, words: Sequence[str], target: int) -> int:
    if not words:
        return target
    network.arcs.append([])
    state = len(network.arcs) - 1
    rest = _chain(network, words[1:], target)
    network.arcs.append([(_SPACE, rest)])
    network.arcs[state].append((words[0], len(network.arcs) - 1))
    return state


def _spellings(templates: Templates, arcs: Iterable[Mapping[str, int]]) -> dict[str, str]:
    """Words of the house's names with capitals inside: TV, EcoBee."""
    words = {word for followers in arcs for word in followers}
    written: dict[str, set[str]] = {}
    for name in ("area", "floor", "name", "place", "list_name"):
        values = templates.slot_lists.get(name)
        for value in values.values if isinstance(values, TextSlotList) else ():
            for word in value.text_in.original_text.split() if isinstance(value.text_in, TextChunk) else ():
                written.setdefault(word.lower(), set()).add(word)
    return {
        word: next(iter(forms))
        for word, forms in written.items()
        if word in words and len(forms) == 1 and not next(iter(forms))[1:].islower()
    }
