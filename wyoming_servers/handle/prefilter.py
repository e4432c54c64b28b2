"""Leaves out templates that cannot fit a sentence, so that matching looks at a few instead of thousands. Nothing that fits is lost."""

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference, Sentence, TextChunk
from hassil.intents import Intent, IntentData, Intents, RangeSlotList, SlotList, TextSlotList
from hassil.numbers import get_rbnf_engine
from hassil.util import PUNCTUATION_STR, check_required_context, normalize_for_matching

_DEEPEST = 24  # rules that refer to each other
_DIGIT = re.compile(r"\d")
_BETWEEN_WORDS = re.compile("[\\s\\-\u00ad]+")
_COUNTED = (*range(101), *range(200, 1000, 100), 1000)  # every larger number begins as one of these does


@dataclass(frozen=True)
class _Named:
    """One of the values of a list, of those that a block's context allows, must be in the sentence."""

    list_name: str
    requires: tuple
    """Key and allowed values, as in `requires_context`."""


@dataclass(frozen=True)
class _Number:
    """A number must be in the sentence."""


_Atom = str | _Named | _Number
_Clauses = frozenset[frozenset[_Atom]]
"""Of every clause at least one atom must be in the sentence."""


@dataclass(frozen=True)
class _Block:
    intent: str
    data: IntentData
    masks: tuple[int, ...]
    """For each of its sentences the clauses it needs, as bits."""


class Prefilter:
    """One language's templates, indexed by the words they need."""

    def __init__(self, intents: Intents, slot_lists: Mapping[str, SlotList], own_context: Iterable[str]) -> None:
        """Takes 0.1 to 0.3 s. own_context: context keys that only the caller gives, which a list's value never adds."""
        self._intents = intents
        self._lists = {**intents.slot_lists, **slot_lists}
        self._own = frozenset(own_context)
        self._clauses: dict[frozenset[_Atom], int] = {}
        self._numbers = _number_words(intents.language)
        self._values: dict[str, list[tuple[_Clauses, Mapping[str, Any]]]] = {}
        blocks = [(name, data) for name, intent in intents.intents.items() for data in intent.data]
        self._blocks = [_Block(name, data, tuple(self._mask(data, sentence) for sentence in data.sentences)) for name, data in blocks]

    def candidates(self, text: str, context: Mapping[str, Any], wanted: Callable[[str, IntentData], bool]) -> Intents:
        """The templates that may fit. context: hassil's intent_context. wanted: further conditions on an intent's block."""
        if self._intents.settings.ignore_whitespace:
            return self._intents
        words = _Words(normalize_for_matching(text).text.casefold(), self._numbers, self._values)
        there = 0
        for clause, bit in self._clauses.items():
            if any(words.has(atom) for atom in clause):
                there |= bit
        found: dict[str, Intent] = {}
        for block in self._blocks:
            fitting = [number for number, mask in enumerate(block.masks) if mask & there == mask]
            if fitting and self.allowed(block.data, context) and wanted(block.intent, block.data):
                found.setdefault(block.intent, Intent(block.intent)).data.append(_reduced(block.data, fitting))
        return replace(self._intents, intents=found)

    def allowed(self, data: IntentData, context: Mapping[str, Any]) -> bool:
        """Whether the context has what a block needs. Hassil finds that out only at the end of a match."""
        needed = {key: value for key, value in data.requires_context.items() if key in self._own}
        return not needed or check_required_context(needed, dict(context))

    def _mask(self, data: IntentData, sentence: Sentence) -> int:
        lists = {**self._lists, **data.slot_lists}
        rules = {**self._intents.expansion_rules, **data.expansion_rules}
        mask = 0
        for clause in self._required(sentence.expression, lists, rules, _requires(data, self._own)):
            mask |= self._clauses.setdefault(clause, 1 << len(self._clauses))
        return mask

    def _required(
        self, item: Expression, lists: Mapping[str, SlotList], rules: Mapping[str, Sentence], requires: tuple, depth: int = 0
    ) -> _Clauses:
        if depth > _DEEPEST:
            return frozenset()
        if isinstance(item, TextChunk):
            return frozenset(frozenset({word}) for word in _fragments(item.text))
        if isinstance(item, RuleReference):
            rule = rules.get(item.rule_name)
            return self._required(rule.expression, lists, rules, requires, depth + 1) if rule else frozenset()
        if isinstance(item, ListReference):
            return self._of_list(item, lists, requires)
        if not isinstance(item, Group):
            return frozenset()
        parts = [self._required(part, lists, rules, requires, depth + 1) for part in item.items]
        if not isinstance(item, Alternative):
            return frozenset().union(*parts)
        if item.is_optional or not parts or not all(parts):
            return frozenset()
        return frozenset({frozenset().union(*(min(clauses, key=_size) for clauses in parts))})

    def _of_list(self, item: ListReference, lists: Mapping[str, SlotList], requires: tuple) -> _Clauses:
        if item.is_inline_range:
            return frozenset({frozenset({_Number()})})
        values = lists.get(item.list_name)
        if isinstance(values, RangeSlotList):
            return frozenset({frozenset({_Number()})})
        if not isinstance(values, TextSlotList):
            return frozenset()
        if lists.get(item.list_name) is not self._lists.get(item.list_name):
            return self._of_local_list(values)
        if item.list_name not in self._values:
            rules = self._intents.expansion_rules
            self._values[item.list_name] = [
                (self._required(value.text_in, self._lists, rules, ()), value.context or {}) for value in values.values
            ]
        return frozenset({frozenset({_Named(item.list_name, requires if self._has_context(item.list_name) else ())})})

    def _of_local_list(self, values: TextSlotList) -> _Clauses:
        parts = [self._required(value.text_in, self._lists, self._intents.expansion_rules, ()) for value in values.values]
        return frozenset({frozenset().union(*(min(part, key=_size) for part in parts))}) if parts and all(parts) else frozenset()

    def _has_context(self, list_name: str) -> bool:
        return any(context for _, context in self._values[list_name])


class _Words:
    """What is in one sentence; each question is answered once."""

    def __init__(self, text: str, numbers: Iterable[str], values: Mapping[str, list[tuple[_Clauses, Mapping[str, Any]]]]) -> None:
        self._text = text
        self._numbers = numbers
        self._values = values
        self._known: dict[_Atom, bool] = {}
        self._present: dict[str, list[Mapping[str, Any]]] = {}

    def has(self, atom: _Atom) -> bool:
        """Whether it is there."""
        known = self._known.get(atom)
        if known is None:
            known = self._known[atom] = self._look(atom)
        return known

    def _look(self, atom: _Atom) -> bool:
        if isinstance(atom, str):
            return atom in self._text
        if isinstance(atom, _Number):
            return bool(_DIGIT.search(self._text)) or any(word in self._text for word in self._numbers)
        return any(check_required_context(dict(atom.requires), context, allow_missing_keys=True) for context in self._named(atom.list_name))

    def _named(self, list_name: str) -> list[Mapping[str, Any]]:
        if list_name not in self._present:
            self._present[list_name] = [context for clauses, context in self._values[list_name] if self._all(clauses)]
        return self._present[list_name]

    def _all(self, clauses: _Clauses) -> bool:
        return all(any(self.has(atom) for atom in clause) for clause in clauses)


def _fragments(text: str) -> list[str]:
    """Pieces that stand in every sentence in which this text does; punctuation may have been taken away there."""
    return [piece.casefold() for piece in text.split() if not any(sign in PUNCTUATION_STR for sign in piece)]


def _size(clause: frozenset[_Atom]) -> tuple[int, bool, str]:
    """Small is good; a literal word tells more than a name; the last makes the choice the same every time."""
    return len(clause), not all(isinstance(atom, str) for atom in clause), repr(sorted(map(str, clause)))


def _requires(data: IntentData, own: frozenset[str]) -> tuple:
    needed = {key: value for key, value in data.requires_context.items() if key not in own}
    return tuple(sorted((key, _frozen(value)) for key, value in needed.items() if _frozen(value) is not None))


def _frozen(value: Any) -> Any:
    value = value.get("value") if isinstance(value, Mapping) else value
    return tuple(value) if isinstance(value, list | set | tuple) else value


def _number_words(language: str) -> list[str]:
    """What number words begin with: a number word in a sentence has at least one of them in it."""
    try:
        engine = get_rbnf_engine(language)
        words = {word for number in _COUNTED for word in engine.format_number(number).text_by_ruleset.values()}
    except ValueError:
        return []  # then hassil knows digits only
    firsts = sorted({_BETWEEN_WORDS.split(word.strip(), maxsplit=1)[0].casefold() for word in words if word.strip()}, key=len)
    kept: list[str] = []
    for first in firsts:
        if not first.isdigit() and not any(first.startswith(word) for word in kept):
            kept.append(first)
    return kept


def _reduced(data: IntentData, fitting: list[int]) -> IntentData:
    if len(fitting) == len(data.sentences):
        return data
    reduced = copy.copy(data)
    vars(reduced)["sentences"] = [data.sentences[number] for number in fitting]  # hassil keeps its parsed templates there
    return reduced
