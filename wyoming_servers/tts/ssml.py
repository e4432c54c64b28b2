"""SSML (W3C Speech Synthesis Markup Language 1.1): a small, safe part of it as plain text and pauses."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..shared.errors import InvalidRequestError
from ..shared.spoken_numbers import spoken_numbers

LONGEST_CHARS = 65_536
_DEEPEST = 32
_LONGEST_PAUSE_MS = 10_000
_STRENGTHS_MS = {"none": 0, "x-weak": 100, "weak": 200, "medium": 400, "strong": 700, "x-strong": 1000}
_PARAGRAPH_PAUSE_MS = 500
_SILENT = frozenset({"metadata", "meta", "desc", "lexicon", "lookup-lexicon"})
"""Elements whose text is not meant to be heard."""
_TIME = re.compile(r"\+?(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s*(ms|s)")
_DATE_FORMATS = {"mdy": (2, 0, 1), "dmy": (2, 1, 0), "ymd": (0, 1, 2), "ydm": (0, 2, 1)}


@dataclass(frozen=True)
class Passage:
    """What is said without a break; it may be several sentences."""

    text: str
    pause_ms: int | None
    """Silence before it; None for what is usual between sentences."""


def parse_ssml(text: str, language: str) -> list[Passage]:
    """What a document says. Prosody, emphasis, voices and unknown elements are ignored, their text is said.

    language: BCP 47 of the voice, for `say-as`.
    Raises: InvalidRequestError when it is too large, too deep, not well-formed, or has a DOCTYPE (no entity is ever expanded).
    """
    from xml.parsers import expat  # few texts are SSML

    if len(text) > LONGEST_CHARS:
        raise InvalidRequestError(f"SSML of {len(text)} characters is over the limit of {LONGEST_CHARS}")
    reader = _Reader(language)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    document = text if re.match(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!DOCTYPE\b|(?:\w+:)?speak[\s>/])", text) else f"<speak>{text}</speak>"
    try:
        parser.Parse(re.sub(r"^\s*<\?xml[^>]*>", "", document).encode(errors="replace"), True)
    except expat.ExpatError as err:
        reason = expat.errors.messages[err.code]
        raise InvalidRequestError(f"text is not well-formed SSML: {reason} (line {err.lineno}, column {err.offset + 1})") from None
    return reader.passages


def _refuse_doctype(*_: object) -> None:
    raise InvalidRequestError("SSML must not have a DOCTYPE")


class _Reader:
    """Collects passages from the parser's events."""

    def __init__(self, language: str) -> None:
        self.passages: list[Passage] = []
        self._language = language
        self._open: list[str] = []
        self._muted_at: int | None = None
        self._text: list[str] = []
        self._pause_ms: int | None = None
        self._say_as: tuple[int, Callable[[str], str], list[str]] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = _local(name)
        self._open.append(name)
        if len(self._open) > _DEEPEST:
            raise InvalidRequestError(f"SSML is nested deeper than {_DEEPEST} elements")
        if self._muted_at is not None:
            return
        if name in _SILENT:
            self._muted_at = len(self._open)
        elif name == "break":
            self._end_passage()
            self._pause_ms = max(self._pause_ms or 0, _pause_ms(attributes))
        elif name in ("p", "s", "speak"):
            self._end_passage()
            if name == "p":
                self._pause_ms = max(self._pause_ms or 0, _PARAGRAPH_PAUSE_MS) if self.passages else self._pause_ms
        elif name == "sub" and attributes.get("alias"):
            self._text.append(attributes["alias"])
            self._muted_at = len(self._open)
        elif name == "say-as" and self._say_as is None:
            reading = _reading(attributes, self._language)
            self._say_as = (len(self._open), reading, self._text) if reading else None
            self._text = [] if reading else self._text

    def end(self, name: str) -> None:
        """An element ends."""
        depth = len(self._open)
        name = self._open.pop()
        if self._muted_at is not None:
            self._muted_at = None if self._muted_at == depth else self._muted_at
        elif self._say_as is not None and self._say_as[0] == depth:
            said = self._say_as[1](" ".join("".join(self._text).split()))
            self._text = [*self._say_as[2], said]
            self._say_as = None
        elif name in ("p", "s", "speak"):
            self._end_passage()
            if name == "p":
                self._pause_ms = _PARAGRAPH_PAUSE_MS

    def text(self, text: str) -> None:
        """Text between elements."""
        if self._muted_at is None:
            self._text.append(text)

    def _end_passage(self) -> None:
        if self._say_as is not None:  # a break inside of it: what was read so far is said as it is
            self._text = [*self._say_as[2], *self._text]
            self._say_as = None
        text = " ".join("".join(self._text).split())
        self._text = []
        if text:
            self.passages.append(Passage(text, self._pause_ms))
            self._pause_ms = None


def _local(name: str) -> str:
    """Without the prefix of a namespace, in lower case."""
    return name.rpartition(":")[2].lower()


def _pause_ms(attributes: dict[str, str]) -> int:
    if match := _TIME.fullmatch(attributes.get("time", "").strip()):
        return min(_LONGEST_PAUSE_MS, round(float(match[1]) * (1000 if match[2] == "s" else 1)))
    return _STRENGTHS_MS.get(attributes.get("strength", "medium"), _STRENGTHS_MS["medium"])


def _reading(attributes: dict[str, str], language: str) -> Callable[[str], str] | None:
    """How the text of a `say-as` is read; None as any other text, in which numbers, dates and times are recognised anyway."""
    kind = attributes.get("interpret-as", "").lower()
    if kind in ("characters", "spell-out", "verbatim", "letters"):
        return lambda text: " ".join(character.upper() for character in text if not character.isspace())
    numbers = spoken_numbers(language)
    if kind in ("digits", "telephone"):
        return (
            numbers.digits if numbers else lambda text: " ".join(character for character in text if character.isalnum() or character == "+")
        )
    if kind == "ordinal" and numbers:
        return numbers.ordinal
    if kind in ("cardinal", "number") and numbers:
        return numbers.cardinal
    if kind == "date" and (order := _DATE_FORMATS.get(attributes.get("format", "").lower())):
        return lambda text: _iso_date(text, order)
    return None


def _iso_date(text: str, order: tuple[int, int, int]) -> str:
    """`3/4/2026` as `2026-04-03`, which every language's rules know."""
    parts = re.fullmatch(r"(\d{1,4})\D(\d{1,2})\D(\d{1,4})", text)
    if parts is None:
        return text
    year, month, day = (int(parts[place + 1]) for place in order)
    return f"{year:04}-{month:02}-{day:02}" if year > 99 else text
