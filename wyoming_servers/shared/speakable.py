"""What of a written text is to be said: markup, addresses and pictures go, words stay."""

import re
import unicodedata

_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_ADDRESS = re.compile(
    r"<?(?:\b(?:https?|ftp)://(?:www\.)?|\bwww\.)([\w-]+(?:\.[\w-]+)*)(?::\d+)?(?:[/?#][^\s<>]*?)?(?=[.,;:!?)\]>\"']*(?:\s|$))>?"
)
"""What is said of it is the host's name."""
_TAG = re.compile(r"</?[a-zA-Z][\w:-]*(?:\s[^<>]*)?/?>")
_LINE_START = re.compile(r"^\s*(?:>\s*)*(?:#{1,6}\s+|[-+*•]\s+(?:\[[ xX]\]\s+)?)?")
_TABLE_RULE = re.compile(r"^[\s|:+=*_-]*$")
_EMPHASIS = re.compile(r"(?<!\w)\*+(?=\S)|(?<=\S)\*+(?!\w)|\*\*+|~~|`+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)")
_ESCAPED_MARKUP = re.compile(r"\\[*_`~]")
_ESCAPED = re.compile(r"\\([\\{}\[\]()#+.!|>-])")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]")
_PICTURES = re.compile(
    "(?:[\u2190-\u21ff\u2300-\u245f\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\U0001f000-\U0001faff]\u200d?)+",
)
"""Emoji, arrows, boxes, dingbats. Signs with a meaning in a sentence (%, °, €, +, ½) are not among them."""
_CIRCLED = re.compile("[\u2460-\u24ff]")


def speakable(text: str) -> str:
    """One piece of text (a line or less) as it is to be said; empty when nothing of it is."""
    if _TABLE_RULE.match(text):
        return ""
    text = _LINE_START.sub("", _INVISIBLE.sub("", text))
    text = _ADDRESS.sub(r"\1", _LINK.sub(r"\1", text))
    text = _TAG.sub(" ", text)
    text = _EMPHASIS.sub("", _ESCAPED.sub(r"\1", _ESCAPED_MARKUP.sub("", text)))
    text = re.sub(r"\s*\|\s*", ", ", text.strip().strip("|").strip()).replace("_", " ")
    text = _CIRCLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), _PICTURES.sub(" ", text))
    text = " ".join(text.split())
    return text if says_something(text) else ""


def says_something(text: str) -> bool:
    """True when there is a letter, a digit or a sign that has a name."""
    return any(character.isalnum() or unicodedata.category(character) in ("Sc", "Sm", "So") or character in "%&@#" for character in text)


def has_words(text: str) -> bool:
    """True when every voice must make a sound of it."""
    return any(character.isalpha() or character.isdecimal() for character in text)
