"""Text of articles, made fit to be spoken."""

import re
import unicodedata
from difflib import SequenceMatcher
from html.parser import HTMLParser

_BRACKETS = re.compile(r"\s*(?:\([^()\[\]]*\)|\[[^()\[\]]*\])")
_PHONETIC = re.compile(r"\s*/[^/\n]{0,80}[ˈˌːəɛɪʊɔæʃʒθðŋɡʁɑɐɾɹ][^/\n]{0,80}/")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_BEFORE_SIGN = re.compile(r"\s+([,.;:!?])")
_DOUBLED = re.compile(r"([,;:])(?:\s*[,;:])+")
_WORD = re.compile(r"[^\W_]+")
_QUALIFIER = re.compile(r"^(.+?)\s*\(([^()]+)\)$")
_SIMILAR = 0.8
_MOST_NESTED = 8
_SKIPPED = frozenset({"table", "style", "script", "sup", "figure", "aside", "nav", "math", "audio", "video", "head", "noscript"})
_SKIPPED_CLASSES = frozenset({"hatnote", "IPA", "noprint", "reference", "metadata", "thumb", "infobox", "mw-empty-elt", "ext-phonos"})


def spoken(text: str) -> str:
    """Without brackets, pronunciation, references."""
    text = _INVISIBLE.sub("", text).replace("\xa0", " ")
    for _ in range(_MOST_NESTED):
        text, changes = _BRACKETS.subn("", text)
        if not changes:
            break
    text = _PHONETIC.sub("", text)
    return _DOUBLED.sub(r"\1", _BEFORE_SIGN.sub(r"\1", " ".join(text.split())))


def qualifier(title: str) -> str:
    """`planet` of `Mercury (planet)`; empty without brackets."""
    found = _QUALIFIER.match(title)
    return found[2] if found else ""


def without_qualifier(title: str) -> str:
    """`Mercury` of `Mercury (planet)`."""
    found = _QUALIFIER.match(title)
    return found[1] if found else title


def plain(text: str) -> str:
    """For comparing: without accents, capitals and signs."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter))
    return " ".join(_WORD.findall(letters))


def similar(one: str, other: str) -> bool:
    """Whether two names may be the same, one of them heard or spelt a little wrong."""
    return SequenceMatcher(None, plain(one), plain(other)).ratio() >= _SIMILAR


class Introduction(HTMLParser):
    """The paragraphs of an article before its first heading."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.paragraphs: list[str] = []
        self._open: list[str] | None = None
        self._in_title = False
        self._over = False
        self._skipped = ""
        self._depth = 0

    @classmethod
    def of(cls, html: str) -> "Introduction":
        """Read from a page; of one that begins with a heading, what follows that."""
        reader = cls()
        reader.feed(html)
        reader.close()
        reader._end_paragraph()
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Text begins, or something that is not to be spoken."""
        if self._skipped:
            self._depth += tag == self._skipped
            return
        classes = set((dict(attrs).get("class") or "").split())
        if tag == "title":
            self._in_title = True
        elif (tag in _SKIPPED and tag != "head") or (classes & _SKIPPED_CLASSES and tag not in ("body", "html", "br")):
            self._skipped, self._depth = tag, 1
        elif tag == "h2":
            self._end_paragraph()
            self._over = bool(self.paragraphs)
        elif tag == "p" and not self._over:
            self._end_paragraph()
            self._open = []

    def handle_endtag(self, tag: str) -> None:
        """Text ends, or what was not to be spoken."""
        if self._skipped:
            self._depth -= tag == self._skipped
            if not self._depth:
                self._skipped = ""
        elif tag == "title":
            self._in_title = False
        elif tag == "p":
            self._end_paragraph()

    def handle_data(self, data: str) -> None:
        """A piece of text."""
        if self._in_title:
            self.title += data
        elif self._open is not None and not self._skipped:
            self._open.append(data)

    def _end_paragraph(self) -> None:
        text = spoken("".join(self._open or ()))
        self._open = None
        if text:
            self.paragraphs.append(text)
