"""How far a sentence has come among all sentence templates: walked word by word, without ever spelling the templates out."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hassil.expression import Alternative, Expression, Group, ListReference, Permutation, RuleReference, Sentence, TextChunk
from hassil.intents import IntentData, RangeSlotList, SlotList, TextSlotList, WildcardSlotList

from ..shared.patience import Prospect
from ..shared.templates import Templates
from .said import Trie, number_trie, spoken

_BREAKS = frozenset(" -_/,;:.!?'’\u00ad\t\n")
_MOST_PERMUTED = 4
_MOST_WORDS = 60
_WHICH = frozenset({"name", "area", "which"})
"""Asked for only where several fit."""
_LENGTHS = {"hours": "minutes", "seconds": "minutes"}
"""A length of time is asked for by one of its slots."""
_LEADING = 10
"""A template that begins with free words begins like everything: it counts as having so many wildcards more."""
_MOST_POSITIONS = 300_000
"""About 100 MB; past it what was worked out is forgotten."""
Wanted = Callable[[str, IntentData], bool]


@dataclass(frozen=True, eq=False)
class _Block:
    """One block of templates."""

    intent: str
    data: IntentData
    sentences: Sequence[Sentence]
    """Some of the data's."""
    lists: Mapping[str, SlotList]
    rules: Mapping[str, Sentence]
    meaning: str
    """The same for blocks that lead to the same call when no slot is filled."""
    wanting: bool = False
    """True when its intent asks for something that most of its sentences say, and these do not: "set an alarm"."""


@dataclass(eq=False, slots=True)
class _Steps:
    """What may come next."""

    words: dict[str, list["_Position"]] = field(default_factory=dict)
    lists: list[tuple[Trie, "_Position"]] = field(default_factory=list)
    wildcards: list["_Position"] = field(default_factory=list)
    final: bool = False


class _Position:
    """A place in a template: what is to be said now, and what after it. `item` is None at the end of the sentence."""

    __slots__ = ("block", "item", "rest", "slots", "steps")

    def __init__(self, item: Any, rest: "_Position | None", block: _Block) -> None:
        self.item = item
        self.rest = rest
        self.block = block
        self.steps: _Steps | None = None
        self.slots: bool | None = None


_Entry = tuple[_Position, int, bool]
"""A position, how many wildcards were needed to get there, and whether the last of them may take more words."""


class Prefixes:
    """One language's templates. Blocking; used by one thread at a time."""

    def __init__(self, templates: Templates, conjunctions: Sequence[str] = (), unfinished: Collection[str] = ()) -> None:
        """conjunctions: between two commands in one sentence. unfinished: words that end no sentence. Takes a fraction of a second."""
        self._unfinished = frozenset(unfinished)
        self._language = templates.language
        intents = templates.intents
        self._lists = {**intents.slot_lists, **templates.slot_lists}
        self._rules = intents.expansion_rules
        self._skipped = _phrases(intents.skip_words, self._language)
        self._conjunctions = _phrases(conjunctions, self._language)
        self._tries: dict[tuple, Trie] = {}
        self._keep: list[Permutation] = []
        self._can_be_said: dict[tuple[int, int], bool] = {}
        self._blocks = [block for name, intent in intents.intents.items() for block in self._blocks_of(name, intent.data)]
        self._begin()

    def prospect(self, text: str, wanted: Wanted) -> Prospect | None:
        """How far `text` has come: complete, extendable or prefix; None when no sentence begins like this. wanted: templates that count.

        Words that change nothing, as the `now` of "what time is it now", make no sentence extendable; another command after `and` neither.
        """
        words = spoken(text, self._language)
        if not words or len(words) > _MOST_WORDS:
            return None
        if len(self._positions) > _MOST_POSITIONS:
            self._begin()
        reached: list[set[_Entry]] = [set() for _ in range(len(words) + 1)]
        starts = {0}
        for place in range(len(words)):
            here = reached[place]
            for length in _lengths(self._skipped, words, place):
                cost = _LEADING if any(self._takes(position, words[place]) for position, _, _ in here) else 0
                reached[place + length] |= {(position, wildcards + cost, is_open) for position, wildcards, is_open in here}
                starts |= {place + length} if place in starts else set()
            if any(self._of(position).final for position, _, _ in here):
                starts |= {place + length for length in _lengths(self._conjunctions, words, place)}
            self._step(here, words[place], reached[place + 1])
            if place in starts:
                self._first(words[place], wanted, reached[place + 1])
        return Prospect.PREFIX if len(words) in starts else self._class(reached[-1], words[-1])

    def _class(self, entries: set[_Entry], last_word: str) -> Prospect | None:
        finals = [entry for entry in entries if self._of(entry[0]).final]
        free = all(is_open for _, _, is_open in finals)
        if free and any(not is_open and wildcards < _LEADING for _, wildcards, is_open in entries):
            return Prospect.PREFIX  # "what is the weather in" is no question about something called so
        if not finals:
            return None  # any words at all may be the free words of some template
        if free and last_word in self._unfinished:
            return Prospect.PREFIX  # "remind me to"
        fewest = min(entry[1:] for entry in finals)
        if all(entry[0].block.wanting for entry in finals if entry[1:] == fewest):
            return Prospect.PREFIX  # it would be asked for the rest
        meanings = {entry[0].block.meaning for entry in finals if entry[1:] == fewest}
        for position, wildcards, is_open in entries:
            if (wildcards, is_open) > fewest:
                continue  # the matcher prefers what needs fewer free words
            steps = self._of(position)
            if is_open or ((steps.words or steps.lists or steps.wildcards) and self._matters(position, meanings)):
                return Prospect.EXTENDABLE
        return Prospect.COMPLETE

    def _matters(self, position: _Position, meanings: set[str]) -> bool:
        return position.block.meaning not in meanings or self._has_slots(position)

    def _takes(self, position: _Position, word: str) -> bool:
        """Whether a word is one of a template's own there, and hardly there to be skipped: the "mal" of "sieben mal acht"."""
        steps = self._of(position)
        return word in steps.words or any(word in trie.next for trie, _ in steps.lists)

    def _step(self, entries: set[_Entry], word: str, into: set[_Entry]) -> None:
        for position, wildcards, is_open in entries:
            steps = self._of(position)
            self._follow(steps, word, wildcards, into)
            if is_open:
                into.add((position, wildcards, True))

    def _follow(self, steps: _Steps, word: str, wildcards: int, into: set[_Entry]) -> None:
        into.update((position, wildcards, False) for position in steps.words.get(word, ()))
        for trie, rest in steps.lists:
            if (node := trie.next.get(word)) is not None:
                into.add((self._position(node, rest), wildcards, False))
        into.update((position, wildcards + 1, True) for position in steps.wildcards)

    def _first(self, word: str, wanted: Wanted, into: set[_Entry]) -> None:
        allowed: dict[_Block, bool] = {}
        for steps, block in (*self._firsts.get(word, ()), *self._anything):
            if block not in allowed:
                allowed[block] = wanted(block.intent, block.data)
            if allowed[block]:
                self._follow(steps, word, _LEADING if steps.wildcards else 0, into)

    def _blocks_of(self, intent: str, blocks: Sequence[IntentData]) -> Iterator[_Block]:
        """The blocks of an intent; what it would ask about is put apart."""
        asked = {str(data.requires_context["asked"]) for data in blocks if "asked" in data.requires_context} - _WHICH
        free = [data for data in blocks if not data.requires_context.keys() & {"asked", "last"}]
        filled = {id(sentence): {*data.slots, *self._slots_of(sentence.expression, data)} for data in free for sentence in data.sentences}
        usual = {slot for slot in asked if 2 * sum(slot in slots for slots in filled.values()) > len(filled)}
        for data in blocks:
            lists, rules = {**self._lists, **data.slot_lists}, {**self._rules, **data.expansion_rules}
            for wanting in (False, True):
                sentences = [sentence for sentence in data.sentences if bool(usual - filled.get(id(sentence), usual)) is wanting]
                if sentences:
                    yield _Block(intent, data, sentences, lists, rules, _meaning(intent, data), wanting)

    def _slots_of(self, item: Expression, data: IntentData) -> set[str]:
        if isinstance(item, ListReference):
            return {_LENGTHS.get(item.slot_name, item.slot_name)}
        if isinstance(item, RuleReference):
            return self._slots_of((data.expansion_rules.get(item.rule_name) or self._rules[item.rule_name]).expression, data)
        return set().union(*(self._slots_of(part, data) for part in item.items)) if isinstance(item, Group) else set()

    def _begin(self) -> None:
        """Forgets all that was worked out, and works out how sentences begin."""
        self._positions: dict[tuple, _Position] = {}
        self._keep.clear()
        self._can_be_said.clear()  # by the ids of what was kept
        self._firsts: dict[str, list[tuple[_Steps, _Block]]] = {}
        self._anything: list[tuple[_Steps, _Block]] = []
        for block in self._blocks:
            end = self._position(None, None, block)
            for sentence in block.sentences:
                if not self._sayable(sentence.expression, block):
                    continue
                steps = self._of(self._position(sentence.expression, end))
                if steps.wildcards:
                    self._anything.append((steps, block))
                    continue
                for word in {*steps.words, *(word for trie, _ in steps.lists for word in trie.next)}:
                    self._firsts.setdefault(word, []).append((steps, block))

    def _position(self, item: Any, rest: _Position | None, block: _Block | None = None) -> _Position:
        key = (item if isinstance(item, str | tuple) else id(item), id(rest), id(block))
        known = self._positions.get(key)
        if known is None:
            owner = block or (rest.block if rest else None)
            assert owner is not None
            known = self._positions[key] = _Position(item, rest, owner)
        return known

    def _of(self, position: _Position) -> _Steps:
        if position.steps is None:
            position.steps = _Steps()
            self._expand(position, "", position.steps)
        return position.steps

    def _expand(self, position: _Position, built: str, steps: _Steps) -> None:
        """Adds what may come at `position` after the beginning `built` of a word."""
        if position.rest is not None:
            self._item(position.item, position.rest, built, steps)
        elif built:
            self._word(built, position, steps)
        else:
            steps.final = True

    def _item(self, item: Any, rest: _Position, built: str, steps: _Steps) -> None:
        """Adds what `item` begins with; `rest` comes behind it."""
        if isinstance(item, str):
            self._text(item, rest, built, steps)
        elif isinstance(item, tuple):
            following = self._position(item[1:], rest) if len(item) > 1 else rest
            steps.words.setdefault(item[0], []).append(following)
        elif isinstance(item, TextChunk):
            self._text(item.original_text, rest, built, steps)
        elif isinstance(item, Trie):
            steps.lists.append((item, rest))
            if item.end:
                self._expand(rest, "", steps)
        else:
            self._group(item, rest, built, steps)

    def _group(self, item: Expression, rest: _Position, built: str, steps: _Steps) -> None:
        if isinstance(item, Alternative):
            for choice in item.items:
                if self._sayable(choice, rest.block):
                    self._item(choice, rest, built, steps)
        elif isinstance(item, Permutation):
            self._permutation(item, rest, built, steps)
        elif isinstance(item, Group):
            for part in reversed(item.items[1:]):
                rest = self._position(part, rest)
            self._item(item.items[0], rest, built, steps) if item.items else self._expand(rest, built, steps)
        elif isinstance(item, RuleReference):
            self._item(rest.block.rules[item.rule_name].expression, rest, built, steps)
        elif isinstance(item, ListReference) and not built:
            self._list(item, rest, steps)

    def _permutation(self, item: Permutation, rest: _Position, built: str, steps: _Steps) -> None:
        if not item.items or len(item.items) > _MOST_PERMUTED:
            self._expand(rest, built, steps)
            return
        for first, others in item.iterate_permutations():
            self._keep.append(others)
            self._item(first, self._position(" ", self._position(others, rest)), built, steps)

    def _text(self, text: str, rest: _Position, built: str, steps: _Steps) -> None:
        for place, sign in enumerate(text):
            if sign in _BREAKS:
                built += text[:place]
                after = text[place + 1 :]
                following = self._position(after, rest) if after else rest
                if built:
                    self._word(built, following, steps)
                else:
                    self._expand(following, "", steps)
                return
        self._expand(rest, built + text, steps)

    def _word(self, text: str, following: _Position, steps: _Steps) -> None:
        words = spoken(text, self._language)
        if not words:
            self._expand(following, "", steps)
            return
        after = self._position(words[1:], following) if len(words) > 1 else following
        steps.words.setdefault(words[0], []).append(after)

    def _list(self, item: ListReference, rest: _Position, steps: _Steps) -> None:
        block = rest.block
        inline = item.get_inline_range()
        values = RangeSlotList(item.list_name, *inline) if inline else block.lists.get(item.list_name)
        if isinstance(values, WildcardSlotList):
            steps.wildcards.append(rest)
        elif isinstance(values, RangeSlotList):
            steps.lists.append((self._numbers(values), rest))
        elif isinstance(values, TextSlotList):
            steps.lists.append((self._phrases(values, block), rest))
            for value in values.values:
                if not isinstance(value.text_in, TextChunk) and _allows(block.data, value.context):
                    self._item(value.text_in, self._position(" ", rest), "", steps)

    def _phrases(self, values: TextSlotList, block: _Block) -> Trie:
        domain = block.data.requires_context.get("domain")
        key = (id(values), str(domain))
        if key not in self._tries:
            trie = self._tries[key] = Trie()
            for value in values.values:
                if isinstance(value.text_in, TextChunk) and _allows(block.data, value.context):
                    trie.add(spoken(value.text_in.original_text, self._language))
            trie.end = False  # a name without a word is none
        return self._tries[key]

    def _numbers(self, values: RangeSlotList) -> Trie:
        key = (values.start, values.stop, values.step, str(values.fraction_type))
        if key not in self._tries:
            self._tries[key] = number_trie(values, self._language)
        return self._tries[key]

    def _has_slots(self, position: _Position) -> bool:
        """Whether what follows may fill a slot."""
        if position.slots is None:
            position.slots = (
                False if position.rest is None else self._fills(position.item, position.block) or self._has_slots(position.rest)
            )
        return position.slots

    def _fills(self, item: Any, block: _Block) -> bool:
        if isinstance(item, Trie):
            return bool(item.next)
        if not isinstance(item, Expression) or not self._sayable(item, block):
            return False
        if isinstance(item, RuleReference):
            return self._fills(block.rules[item.rule_name].expression, block)
        return isinstance(item, ListReference) or (isinstance(item, Group) and any(self._fills(part, block) for part in item.items))

    def _sayable(self, item: Expression, block: _Block) -> bool:
        """Whether anybody in this house can say all of it: where no room has a name, nobody ends "the lights in the"."""
        key = (id(item), id(block))
        if key not in self._can_be_said:
            self._can_be_said[key] = self._is_sayable(item, block)
        return self._can_be_said[key]

    def _is_sayable(self, item: Expression, block: _Block) -> bool:
        if isinstance(item, ListReference):
            values = block.lists.get(item.list_name)
            named = not isinstance(values, TextSlotList) or any(_allows(block.data, value.context) for value in values.values)
            return item.get_inline_range() is not None or (values is not None and named)
        if isinstance(item, RuleReference):
            return self._sayable(block.rules[item.rule_name].expression, block)
        if not isinstance(item, Group):
            return True
        return (any if isinstance(item, Alternative) else all)(self._sayable(part, block) for part in item.items)


def _allows(block: IntentData, context: Mapping[str, Any] | None) -> bool:
    """Whether a list's value may stand in a block: a name must be of a domain the block asks for."""
    wanted, domain = block.requires_context.get("domain"), (context or {}).get("domain")
    wanted = wanted.get("value") if isinstance(wanted, Mapping) else wanted
    if wanted is None or domain is None:
        return True
    return domain == wanted if isinstance(wanted, str) else domain in wanted


def _meaning(intent: str, data: IntentData) -> str:
    return f"{intent} {sorted(data.slots.items(), key=str)} {data.response}"


def _phrases(texts: Iterable[str], language: str) -> dict[str, list[tuple[str, ...]]]:
    """By their first word."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for words in filter(None, (spoken(text, language) for text in texts)):
        found.setdefault(words[0], []).append(words)
    return found


def _lengths(phrases: Mapping[str, list[tuple[str, ...]]], words: Sequence[str], place: int) -> set[int]:
    """How long the phrases are that stand at a place."""
    return {len(phrase) for phrase in phrases.get(words[place], ()) if words[place : place + len(phrase)] == phrase}
