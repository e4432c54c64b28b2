"""What may still follow the words that were said so far, where no grammar knows it."""

import re
from collections.abc import Collection

from ..shared.patience import Prospect

_WORD = re.compile(r"[^\W_]+")


def off_grammar(text: str, unfinished: Collection[str]) -> Prospect:
    """By the end of the text. unfinished: words of the language that no sentence ends with: and, the, um."""
    text = text.rstrip()
    words = _WORD.findall(text.lower())
    if not words or text.endswith((",", "…", "...", "-", "–", "—")) or words[-1] in unfinished:
        return Prospect.UNFINISHED
    return Prospect.SENTENCE
