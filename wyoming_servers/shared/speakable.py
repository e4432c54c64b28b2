"""What of a written text is to be said: markup, addresses and pictures go, words stay."""

import re
import unicodedata

_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"\[([^\[\]^]+)\]\[[^\[\]^]*\]")
_ADDRESS = re.compile(
    r"<?(?:\b(?:https?|ftp)://(?:www\.)?|\bwww\.)([\w-]+(?:\.[\w-]+)*)(?::\d+)?(?:[/?#][^\s<>]*?)?(?=[.,;:!?)\]>\"']*(?:\s|$))>?"
)
"""What is said of it is the host's name."""
_ATTRIBUTE = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"']+))"
_TAG_NAMES = (
    "a|abbr|address|article|aside|audio|b|big|blockquote|body|br|button|center|cite|code|dd|del|desc|details|div|dl|dt|em|emphasis|figure|"
    "font|footer|form|h[1-6]|head|header|hr|html|i|img|input|ins|kbd|label|lang|li|link|main|mark|nav|ol|option|p|phoneme|pre|prosody|q|s|"
    "samp|say-as|section|select|small|source|span|speak|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|title|tr|tt|"
    "u|ul|var|video|voice|wbr|break"
)
_TAG = re.compile(rf"</?(?:{_TAG_NAMES}){_ATTRIBUTE}*\s*/?>|<!--.*?(?:-->|$)", re.IGNORECASE)
"""HTML and SSML by name: `if x<y and z>w` and `List<String>` stay whole."""
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[\da-fA-F]{2,5});")
_NOTE = re.compile(r"(?<=[\w.,;:!?)])\[\d{1,3}\]|\s?\[\^[\w-]+\]:?")
"""[1] or [^1] behind a word: where something is said, not what."""
_SHORTCODE = re.compile(
    r"(?<![\w:]):[a-z]+(?:[_-][a-z0-9]+)+:(?![\w:])|(?<![\w:]):(?:smile|heart|joy|wink|tada|rocket|fire|warning|wave):(?![\w:])"
)
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
    text = _ADDRESS.sub(r"\1", _REFERENCE.sub(r"\1", _LINK.sub(r"\1", text)))
    text = _SHORTCODE.sub(" ", _NOTE.sub("", _TAG.sub(" ", text)))
    text = _ENTITY.sub(_unescaped, text)
    text = _EMPHASIS.sub("", _ESCAPED.sub(r"\1", _ESCAPED_MARKUP.sub("", text)))
    text = re.sub(r"\s*\|\s*", ", ", text.strip().strip("|").strip()).replace("_", " ")
    text = _CIRCLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), _PICTURES.sub(" ", text))
    text = " ".join(text.split())
    return text if says_something(text) else ""


def _unescaped(entity: re.Match[str]) -> str:
    import html  # a table of 2000 names, and hardly a text has one

    return html.unescape(entity[0])


def says_something(text: str) -> bool:
    """True when there is a letter, a digit or a sign that has a name."""
    return any(character.isalnum() or unicodedata.category(character) in ("Sc", "Sm", "So") or character in "%&@#" for character in text)


def has_words(text: str) -> bool:
    """True when every voice must make a sound of it."""
    return any(character.isalpha() or character.isdecimal() for character in text)
