"""What people call lists and things on them, in one language."""

import re
from collections.abc import Sequence

from wyoming_servers.shared.tool import Phrases

from .store import fold

SHOPPING, TODO = "shopping", "todo"
_MOST_READ = 12
_ITEM_CHARS = 120
_NAME_CHARS = 60


class Wording:
    """Names and sentences about lists."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def key(self, name: str) -> str:
        """One name for a list, whatever it was called: `shopping` for "the groceries list"."""
        bare = self.bare(name)
        for key in (SHOPPING, TODO):
            if bare == key or bare in self._phrases.items(f"{key}_names"):
                return key
        return bare or SHOPPING

    def bare(self, name: str) -> str:
        """The name without the word "list" and what stands around it."""
        around = {*self._phrases.items("list_words"), *self._phrases.items("articles")}
        words = fold(name)[:_NAME_CHARS].split()
        while words and words[0] in around:
            del words[0]
        while words and words[-1] in around:
            del words[-1]
        return " ".join(words)

    def label(self, key: str, spoken: str = "") -> str:
        """`shopping list`, `camping list`."""
        return self._phrases.say(key) if key in (SHOPPING, TODO) else self._phrases.say("other", name=spoken or key)

    def split(self, text: str) -> list[str]:
        """The things named in a text: "milk and eggs" are two, "mac and cheese" is one; lines are taken as they are."""
        if "\n" in text:
            return _distinct(line[:_ITEM_CHARS].strip() for line in text.split("\n"))
        together = {word: word.replace(" ", "\0") for word in self._phrases.items("one_thing")}
        for word, glued in together.items():
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", glued, text, flags=re.IGNORECASE)
        between = [re.escape(word) for word in self._phrases.items("between_things")]
        parts = re.split("|".join([rf"\s*[,;](?!\d)\s*(?:{'|'.join(between)})?\s+", *(rf"\s{word}\s" for word in between)]), text)
        return _distinct(self._thing(part.replace("\0", " ")) for part in parts)

    def _thing(self, text: str) -> str:
        """Without "the", "some" and the like before it."""
        text = " ".join(text.split()).strip(' .,;!?"“”')[:_ITEM_CHARS]
        for article in self._phrases.items("articles"):
            begins = article if article.endswith("'") else f"{article} "
            if text.casefold().startswith(begins) and len(text) > len(begins):
                return text[len(begins) :].strip()
        return text

    def say(self, key: str, items: Sequence[str] = (), **values: object) -> str:
        """A sentence about so many things, that begins with a capital letter; many are cut."""
        listed = list(items[:_MOST_READ])
        if len(items) > _MOST_READ + 1:
            listed.append(self._phrases.count("more", len(items) - _MOST_READ))
        elif len(items) > _MOST_READ:
            listed.append(items[-1])
        sentence = self._phrases.count(key, len(items), items=self._phrases.join(listed), **values)
        return sentence[:1].upper() + sentence[1:]


def fitting(wanted: str, items: Sequence[str]) -> list[str]:
    """What is meant by a name: the thing called so, else all that have its words in theirs ("milk" is "two litres of milk")."""
    folded = fold(wanted)
    if same := [item for item in items if fold(item) == folded]:
        return same
    words = set(folded.split())
    return [item for item in items if words and words <= set(fold(item).split())]


def _distinct(texts) -> list[str]:
    return list({fold(text): text for text in texts if fold(text)}.values())
