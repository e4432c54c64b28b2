"""Finds the best sentence template for a sentence; the same one every time."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hassil import RecognizeResult, recognize_all
from hassil.intents import Intent, IntentData, Intents, RangeSlotList

from ..shared.templates import Templates

MAX_CHARS = 300
"""A longer sentence fits no template, and matching it would take long."""
_MOST_COMMANDS = 3
"""In one sentence."""
_MOST_CONJUNCTIONS = 8  # each costs a match
_SPACES = re.compile(r"\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})
# What a recogniser writes and the templates do not have: "1.5 hours", "5½", "one hundred and twenty", "10 min".
_REWRITES = {
    "en": (
        (re.compile(r"(?<![\d/])1/2(?![\d/])"), "half"),
        (re.compile(r"(\d+)(?:\.5(?!\d)|[ -]+half\b)"), r"\1 and a half"),
        (re.compile(r"\b(a|one|two|three|four|five|six|seven|eight|nine) hundred and (?!a half)"), r"\1 hundred "),
        (re.compile(r"\ba hundred\b"), "one hundred"),
        (re.compile(r"(\d)[ -]*(?:hrs?|h)\b"), r"\1 hours"),
        (re.compile(r"(\d)[ -]*(?:mins?|m)\b"), r"\1 minutes"),
        (re.compile(r"(\d)[ -]*(?:secs?|s)\b"), r"\1 seconds"),
        (re.compile(r"(\d)((?:hour|minute|second)s?)\b"), r"\1 \2"),
    ),
}


@dataclass(frozen=True)
class Match:
    """What was understood."""

    intent: str
    slots: dict[str, Any]


class Matcher:
    """Matches against one language's templates. Blocks for milliseconds; used by one thread at a time."""

    def __init__(self, templates: Templates, conjunctions: Sequence[str] = ()) -> None:
        """Parses and warms up, so that the first sentence is as fast as the next: 0.4 s for English.

        conjunctions: words between two commands in one sentence, such as `and then` and `and`.
        """
        self._templates = replace(templates, intents=_without_replaced(templates.intents))
        self._conjunctions = [f" {word.lower()} " for word in conjunctions]
        self._rewrites = _REWRITES.get(templates.language, ())
        self._warm_up()

    def match(self, text: str) -> tuple[Match, ...]:
        """What is understood: one command, several in one sentence, or none. All of the sentence fits, or nothing does. Any text."""
        text = self._normalise(text)
        if not text or len(text) > MAX_CHARS:
            return ()
        whole, swallowed = self._match_one(text)
        if whole and not any(word in f" {part} " for part in swallowed for word in self._conjunctions):
            return (whole,)
        several = sum(text.count(word) for word in self._conjunctions) <= _MOST_CONJUNCTIONS
        return (self._match_several(text, _MOST_COMMANDS - 1) if several else ()) or ((whole,) if whole else ())

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
        results = recognize_all(text, self._templates.intents, slot_lists=self._templates.slot_lists)
        best = min(results, key=_rank, default=None)
        if best is None:
            return None, []
        return Match(best.intent.name, _slots(best)), [entity.text for entity in best.entities_list if entity.is_wildcard]

    def _normalise(self, text: str) -> str:
        text = unicodedata.normalize("NFKC", text[: 4 * MAX_CHARS].replace("½", " 1/2"))
        text = _SPACES.sub(" ", text.translate(_QUOTES)).strip().lower()
        for pattern, replacement in self._rewrites:
            text = pattern.sub(replacement, text)
        return text

    def _warm_up(self) -> None:
        """Hassil parses a template, and spells out the numbers of a range, when it first needs them."""
        intents = self._templates.intents
        for data in (data for intent in intents.intents.values() for data in intent.data):
            for sentence in data.sentences:
                sentence.get_required_clauses({**intents.expansion_rules, **data.expansion_rules})
        ranges = {name: values for name, values in intents.slot_lists.items() if isinstance(values, RangeSlotList)}
        every = {"intents": {name: {"data": [{"sentences": [f"{{{name}}}"]}]} for name in ranges}}
        spelled = Intents.from_dict({"language": self._templates.language, **every})
        for _ in recognize_all("one", spelled, slot_lists=dict(ranges)):
            pass


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
    """Small is good: no wildcards, much literal text, our own templates, few slots; then anything that never changes."""
    wildcards = [entity for entity in result.entities_list if entity.is_wildcard]
    return (
        len(wildcards),
        sum(len(entity.text) for entity in wildcards),
        -result.text_chunks_matched,
        result.intent.name.startswith("Hass"),
        len(result.entities_list),
        result.intent.name,
        sorted((entity.name, str(entity.value)) for entity in result.entities_list),
    )


def _slots(result: RecognizeResult) -> dict[str, Any]:
    return {entity.name: _plain(entity.value) for entity in result.entities_list}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value
