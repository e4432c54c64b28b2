"""Finds the best sentence template for a sentence; the same one every time."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hassil import RecognizeResult, recognize_all
from hassil.intents import Intent, IntentData, Intents, RangeSlotList
from hassil.models import MatchEntity

from ..shared.patience import Prospect
from ..shared.templates import Templates
from .prefilter import Prefilter
from .prefixes import Prefixes
from .prospects import off_grammar

MAX_CHARS = 300
"""A longer sentence fits no template, and matching it would take long."""
CONTEXT_KEYS = ("asked", "last", "area", "satellite_id", "undoable")
_MOST_COMMANDS = 3
"""In one sentence."""
_MOST_CONJUNCTIONS = 8  # each costs a match
_SPACES = re.compile(r"\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})


@dataclass(frozen=True)
class Match:
    """What was understood."""

    intent: str
    slots: dict[str, Any]
    asked: bool = False
    """It answers the question that was asked."""
    follows: bool = False
    """What was said before counts on for slots that it does not have."""
    repairs: bool = False
    """What was done before is taken back first."""
    drops: frozenset[str] = frozenset()
    """Slots of what was said before that do not count on: "ten minutes" takes the place of "one hour"."""
    response: str = field(default="", compare=False)
    """Which of an intent's answers the template asks for: `which` of "which lights are on"; empty when it does not say."""


@dataclass(frozen=True)
class Context:
    """What templates may ask for in `requires_context` and `excludes_context`."""

    asked: str = ""
    """The argument that was asked for last."""
    asking: frozenset[str] = frozenset()
    """The intents of the tool that asked: only theirs are answers."""
    last: str = ""
    """The intent of the turn before."""
    area: str = ""
    satellite_id: str = ""
    undoable: str = ""
    """`yes` when the answer before has told of something that can be taken back."""

    def given(self) -> dict[str, str]:
        """For hassil."""
        return {key: value for key in CONTEXT_KEYS if (value := getattr(self, key))}


_NO_CONTEXT = Context()


class Matcher:
    """Matches against one language's templates. Blocks for milliseconds; used by one thread at a time."""

    def __init__(self, templates: Templates, conjunctions: Sequence[str] = (), unfinished: Sequence[str] = ()) -> None:
        """Parses and warms up, so that the first sentence is as fast as the next: 0.4 s for English.

        conjunctions: words between two commands in one sentence, such as `and then` and `and`. unfinished: words that end no sentence.
        """
        self._unfinished = frozenset(word.lower() for word in unfinished)
        self._templates = replace(templates, intents=_without_replaced(templates.intents))
        self._conjunctions = [f" {word.lower()} " for word in conjunctions]
        self._prefilter = Prefilter(self._templates.intents, templates.slot_lists, CONTEXT_KEYS)
        self._context = Context()
        self._written = ""  # the sentence with its capitals
        self._warm_up()

    def match(self, text: str, context: Context = _NO_CONTEXT) -> tuple[Match, ...]:
        """What is understood: one command, several in one sentence, or none. All of the sentence fits, or nothing does. Any text."""
        self._context = context
        text = self._normalise(text)
        if not text or len(text) > MAX_CHARS:
            return ()
        whole, swallowed = self._match_one(text)
        if whole and not any(word in f" {part} " for part in swallowed for word in self._conjunctions):
            return (whole,)
        few = sum(text.count(word) for word in self._conjunctions) <= _MOST_CONJUNCTIONS
        several = self._match_several(text, _MOST_COMMANDS - 1) if few else ()
        if whole and (not several or all(match.asked for match in several)):  # "milk and eggs" is one answer to a question
            return (whole,)
        return several

    @cached_property
    def _prefixes(self) -> Prefixes:
        return Prefixes(self._templates, self._conjunctions, self._unfinished)

    def prospect(self, text: str, context: Context = _NO_CONTEXT) -> Prospect:
        """What may still follow this text, which may be all that is said. Any text. The first takes half a second longer."""
        self._context = context
        given = context.given()
        reached = self._prefixes.prospect(
            self._normalise(text), lambda intent, block: self._prefilter.allowed(block, given) and self._wanted(intent, block)
        )
        if reached is not None:
            return reached
        if self.match(text, context):
            return Prospect.EXTENDABLE  # what is written together the walk does not know
        return off_grammar(text, self._unfinished)

    def _match_several(self, text: str, splits: int) -> tuple[Match, ...]:
        """The commands that conjunctions join; a conjunction may also stand inside a command."""
        for word in self._conjunctions if splits else ():
            position = text.find(word)
            while position >= 0:
                first, _ = self._match_one(text[:position])
                rest = text[position + len(word) :]
                if first and (others := self._single(rest) or self._match_several(rest, splits - 1)):
                    return (first, *others)
                position = text.find(word, position + 1)
        return ()

    def _single(self, text: str) -> tuple[Match, ...]:
        match, _ = self._match_one(text)
        return (match,) if match else ()

    def _match_one(self, text: str) -> tuple[Match | None, list[str]]:
        """The best template, and what its wildcards took."""
        given = self._context.given()
        intents = self._prefilter.candidates(text, given, self._wanted)
        results = recognize_all(text, intents, slot_lists=self._templates.slot_lists, intent_context=given)
        best = min(results, key=_rank, default=None)
        if best is None:
            return None, []
        metadata = best.intent_metadata or {}
        asked = "asked" in best.intent_data.requires_context
        follows, repairs = metadata.get("follows") is True, metadata.get("repairs") is True
        slots, drops = _slots(best, text, self._written), frozenset(metadata.get("drops") or ())
        match = Match(best.intent.name, slots, asked, follows, repairs, drops, best.response or "")
        return match, [entity.text for entity in best.entities_list if entity.is_wildcard]

    def _wanted(self, intent: str, block: IntentData) -> bool:
        """Another tool may ask for an argument of the same name."""
        return "asked" not in block.requires_context or intent in self._context.asking

    def _normalise(self, text: str) -> str:
        text = unicodedata.normalize("NFKC", text[: 4 * MAX_CHARS].replace("½", " 1/2"))
        self._written = _SPACES.sub(" ", text.translate(_QUOTES)).strip()
        text = self._written.lower()
        for pattern, replacement in self._templates.rewrites:
            text = pattern.sub(replacement, text)
        return text

    def _warm_up(self) -> None:
        """Hassil parses a template, and spells out the numbers of a range, when it first needs them; the first match takes longer too."""
        intents = self._templates.intents
        for data in (data for intent in intents.intents.values() for data in intent.data):
            for sentence in data.sentences:
                sentence.get_required_clauses({**intents.expansion_rules, **data.expansion_rules})
        ranges = {name: values for name, values in intents.slot_lists.items() if isinstance(values, RangeSlotList)}
        every = {"intents": {name: {"data": [{"sentences": [f"{{{name}}}"]}]} for name in ranges}}
        spelled = Intents.from_dict({"language": self._templates.language, **every})
        for _ in recognize_all("one", spelled, slot_lists=dict(ranges)):
            pass
        self.match("a")


def _without_replaced(intents: Intents) -> Intents:
    """Without those of Home Assistant's blocks that our own of the same intent replace, which is said in the metadata of one of ours."""
    kept = {}
    for name, intent in intents.intents.items():
        data = [block for block in intent.data if not _is_replaced(block, intent)]
        kept[name] = intent if len(data) == len(intent.data) else replace(intent, data=data)
    return replace(intents, intents=kept)


def _is_replaced(block: IntentData, intent: Intent) -> bool:
    combination = (block.metadata or {}).get("slot_combination")  # only Home Assistant's blocks have it
    replacing = [ours.metadata for ours in intent.data if ours.metadata and ours.metadata.get("replaces") == "home_assistant"]
    if combination is None or not replacing:
        return False
    return not any(combination.startswith(str(metadata["except"])) for metadata in replacing if "except" in metadata)


def _rank(result: RecognizeResult) -> tuple:
    """Small is good: no wildcards, much literal text, our own templates, few slots; then anything that never changes. `last_resort` in the
    metadata puts a block behind all others.

    `wildcards` in the metadata is as how many a block's count, where they stand between numbers: "1,000 plus 5" is no name.
    """
    wildcards = [entity for entity in result.entities_list if entity.is_wildcard]
    return (
        (result.intent_metadata or {}).get("last_resort") is True,
        min(len(wildcards), (result.intent_metadata or {}).get("wildcards", len(wildcards))),
        sum(len(entity.text) for entity in wildcards),
        "asked" not in result.intent_data.requires_context,
        "last" not in result.intent_data.requires_context,
        -result.text_chunks_matched,
        result.intent.name.startswith("Hass"),
        len(result.entities_list),
        result.intent.name,
        sorted((entity.name, str(entity.value)) for entity in result.entities_list),
    )


def _slots(result: RecognizeResult, text: str, written: str) -> dict[str, Any]:
    return {entity.name: _said(entity, text, written) if entity.is_wildcard else _plain(entity.value) for entity in result.entities_list}


def _said(entity: MatchEntity, text: str, written: str) -> str:
    """What a wildcard took, with its commas, which hassil drops ("milk, eggs" are two things), and with the capitals of names. Of the
    first word of a sentence, and in one all of capitals, nobody knows whether it has one."""
    words = str(entity.value).split()
    if not words:
        return ""
    pattern = "".join((r"(?<!\w)", r"[\s,;]+".join(map(re.escape, words)), r"(?!\w)"))
    named = re.search(pattern, written, re.IGNORECASE)
    if named and named.start() > 0 and not written.isupper():
        return named[0]
    found = re.search(pattern, text)
    return found[0] if found else " ".join(words)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value
