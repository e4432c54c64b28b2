"""Are two sentences the same? By meaning where a sentence is a command, by words else."""

import re
import unicodedata
from collections.abc import Callable, Hashable

Meaning = Callable[[str], Hashable]
"""What a sentence commands, as something that can be compared; None when it is no command."""
_NUMBER = re.compile(r"\d+")
_MAX_NUMBER = 10**9


def words(text: str, language: str = "en") -> list[str]:
    """Lower-case words without punctuation, numbers spelt out, so that `5` and `five` are the same."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    text = _NUMBER.sub(lambda found: f" {_spelt(int(found[0]), language)} ", text)
    return re.sub(r"[^\w']+", " ", text).split()


def same(said: str, heard: str, meaning: Meaning, language: str = "en") -> bool:
    """True when `heard` does what `said` asks for; of a sentence that asks for nothing, when it does nothing either."""
    wanted = meaning(said) if said else None
    if wanted is None:
        return not heard.strip() if not said else meaning(heard) is None
    return words(said, language) == words(heard, language) or meaning(heard) == wanted


def _spelt(number: int, language: str) -> str:
    from unicode_rbnf import RbnfEngine

    if number >= _MAX_NUMBER:
        return str(number)
    try:
        return RbnfEngine.for_language(language.partition("-")[0]).format_number(number).text
    except ValueError:  # a language without rules
        return str(number)
