"""A stream of text into pieces to be spoken: each as soon as its end is certain, the same pieces however the text was cut up."""

from .speakable import says_something


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


LONGEST_CHARS = 250
"""A piece without any end is cut here at the latest: about 15 s of speech."""
_SHORTEST_CLAUSE_CHARS = 60  # a long text is cut at a comma only when what stands before it is worth a breath
_FIRST_LONGEST_CHARS = 150  # nobody should have to wait for 250 characters before the first word is heard
_FIRST_WORDS = 4
_FIRST_WIDE_CHARS = 8
_CERTAIN_LETTERS = 3  # "well." ends a sentence at once; after "a.", "p.", "it." the next word decides
_MAX_CLOSERS = 4
_ENDS = frozenset("!?…。！？｡।॥؟۔։።။។")
"""Marks that end a sentence whatever follows."""
_CLAUSE_ENDS = frozenset(",;:–—")
_WIDE_CLAUSE_ENDS = frozenset("、，；：،")
_ANY_CLAUSE_END = _CLAUSE_ENDS | _WIDE_CLAUSE_ENDS
_CLOSERS = frozenset("\"'’”»)]}」』）】*_`.")
_OPENERS = "\"'‘“„«([{¿¡*_`"
_LEFTOVERS = '!?…,;:。！？｡、，।॥؟۔։።။។"’”»)]}」』）】 '
"""What a piece does not begin with: the rest of the sentence before."""
_NEVER_LAST = _words(
    "dr mr mrs ms prof st mt jr sr rev gen col capt lt sgt gov sen fr hr frau vs ca bzw  mme mlle sig dott ing e.g i.e z.b d.h u.s u.k"
)
"""Abbreviations that stand before something: a capital letter after them begins no sentence."""
_BEFORE_NUMBERS = _words("no nr fig vol art abb p pp ch bd kap")
_MAYBE_LAST = _words(
    "etc approx dept est inc ltd corp co min max sec tel ext jan feb mar apr jun jul aug sep sept oct nov dec "
    "mon tue tues wed thu thur thurs fri sat sun usw evtl ggf inkl exkl std resp"
)
"""Abbreviations, or words spelt like them: what follows decides."""
_ORDINAL_LANGUAGES = _words("cs da de et eu fi fo hr hu is lb lv nb nn no pl bs sk sl sr tr")
"""Languages that write `3. Mai` for the third of May."""
_FENCE = "```"


def split(text: str, language: str = "en") -> list[str]:
    """The pieces of a text that is there as a whole."""
    splitter = Splitter(language)
    return splitter.feed(text) + splitter.finish()


class Splitter:
    """Splits one text that arrives in fragments. Pieces are single lines, not blank; fenced code is left out."""

    def __init__(self, language: str = "en", *, first_clause: bool = False) -> None:
        """language: BCP 47; it decides whether `3.` may be an ordinal number.

        first_clause: the first piece may end at a comma behind four words, so that it can be spoken while the sentence goes on.
        """
        self._ordinals = language.lower().replace("_", "-").partition("-")[0] in _ORDINAL_LANGUAGES
        self._early = self._first_clause = first_clause
        self._text = ""
        self._mark: int | None = None
        self._blank = False
        self._in_code = False

    @property
    def may_have_ended(self) -> bool:
        """True when the text so far could well be a whole sentence, which only the next word would prove."""
        return self._mark is not None and not self._text[self._mark - 1].isdigit()

    def feed(self, fragment: str) -> list[str]:
        """Takes the next fragment; returns the pieces that are complete with it."""
        pieces: list[str] = []
        for character in fragment:
            self._take(character, pieces)
        return pieces

    def finish(self) -> list[str]:
        """The text has ended: the rest. Afterwards the splitter is as new."""
        pieces = self.flush()
        self._blank = self._in_code = False
        self._early = self._first_clause
        return pieces

    def flush(self) -> list[str]:
        """What is held back, complete or not; for a text that has paused."""
        pieces: list[str] = []
        self._cut(len(self._text), pieces)
        return pieces

    def _take(self, character: str, pieces: list[str]) -> None:
        if character.isspace():
            if character in "\n\r\v\f\x85\u2028\u2029":
                self._blank = False
                self._cut(len(self._text), pieces)
            else:
                self._blank = bool(self._text)
                if self._ends_first_clause(" "):
                    self._cut(len(self._text), pieces)
            return
        if not self._text and character in _LEFTOVERS:
            return
        if self._mark is not None and (ended := self._decide(self._mark, character)) is not None:
            mark, self._mark = self._mark, None
            if ended:
                self._cut(mark + 1, pieces)
                self._take(character, pieces)
                return
        if self._blank and self._ends_first_clause(character):
            self._cut(len(self._text), pieces)
        self._text += " " + character if self._blank else character
        self._blank = False
        self._judge(character, pieces)

    def _judge(self, character: str, pieces: list[str]) -> None:
        """Whether the character just added ends a piece, or may do."""
        last = len(self._text) - 1
        if (character in _ENDS or character == ".") and self._mark is None:
            token = _token(self._text[:last])
            address = "://" in token or "@" in token or token.startswith("www.")
            if not address and (character in _ENDS or self._is_plain_word(token)):
                self._cut(last + 1, pieces)
            elif last > 0 and not (token.isdigit() and " " not in self._text):  # "1." alone begins a list item
                self._mark = last
        if self._ends_first_clause(""):
            self._cut(len(self._text), pieces)
        elif self._early and len(self._text) >= _FIRST_LONGEST_CHARS and self._mark is None and (end := _quiet_end(self._text)):
            self._cut(end, pieces)
        elif len(self._text) >= LONGEST_CHARS:
            self._cut(_clause_end(self._text) if self._mark is None else self._mark + 1, pieces)

    def _decide(self, mark: int, character: str) -> bool | None:
        """Whether the sentence ended at `mark`, seen what came since and now comes; None: not known yet."""
        if not self._blank:
            waiting = character in _CLOSERS and len(self._text) - mark <= _MAX_CLOSERS
            return None if waiting else False
        token = _token(self._text[:mark])
        if character.islower() or token.lower() in _NEVER_LAST or (len(token) == 1 and token.isupper()):
            return False
        if character.isdigit() and token.lower() in _BEFORE_NUMBERS:
            return False
        return not (self._ordinals and token.isdigit() and len(token) <= 2)

    def _ends_first_clause(self, following: str) -> bool:
        """Whether the first piece ends here. following: nothing yet, a blank, or the letter behind it. Never in numbers and names."""
        text = self._text
        if not self._early or not text or text[-1] not in _ANY_CLAUSE_END or not self._may_be_cut():
            return False
        mark, before = text[-1], text[:-1].rstrip()
        if mark in _WIDE_CLAUSE_ENDS:
            return not following and len(text) >= _FIRST_WIDE_CHARS
        if before.count(" ") < _FIRST_WORDS - 1 or before[-1:].isdigit():
            return False
        word = before[before.rfind(" ") + 1 :].rstrip("".join(_CLOSERS)).replace("'", "").replace("’", "")
        plain = word.isalpha() and word.islower() and len(word) > 1
        if following:
            return plain if following == " " else following.islower() and not any(map(str.isdigit, word))
        return plain and mark in ",;"  # a colon may belong to an address, a dash to a word

    def _may_be_cut(self) -> bool:
        """Nothing is open that a cut would break."""
        text = self._text
        open_brackets = any(text.count(first) > text.count(last) for first, last in ("[]", "()", "<>"))
        return self._mark is None and not self._in_code and _FENCE not in text and not open_brackets

    @staticmethod
    def _is_plain_word(token: str) -> bool:
        letters = token.replace("'", "").replace("’", "").replace("-", "")
        known = letters in _NEVER_LAST or letters in _MAYBE_LAST or letters in _BEFORE_NUMBERS
        return len(letters) >= _CERTAIN_LETTERS and letters.isalpha() and letters.islower() and not known

    def _cut(self, end: int, pieces: list[str]) -> None:
        """Ends the piece at `end`; what stands after it is taken again as the beginning of the next."""
        piece, rest = self._text[:end], self._text[end:]
        blank = self._blank
        self._text, self._mark, self._blank = "", None, False
        self._add(_without_leading_dots(piece.strip()), pieces)
        for character in rest:
            self._take(character, pieces)
        self._blank = blank and bool(self._text)

    def _add(self, piece: str, pieces: list[str]) -> None:
        fences = piece.count(_FENCE)
        if fences % 2:
            self._in_code = not self._in_code
        elif not fences and not self._in_code and says_something(piece):
            pieces.append(piece)
            self._early = False


def _token(text: str) -> str:
    """The last word of a text, without what opens before or closes after it."""
    return text[text.rfind(" ") + 1 :].lstrip(_OPENERS).rstrip("".join(_CLOSERS - {"."}))


def _without_leading_dots(piece: str) -> str:
    """The rest of an ellipsis goes; the point of `.5` stays."""
    rest = piece.lstrip(". ")
    return "." + rest if rest[:1].isdigit() and piece.removesuffix(rest).endswith(".") else rest


def _clause_end(text: str) -> int:
    """Where a text without a sentence end is best cut: behind a clause, else behind a word."""
    for index in range(len(text) - 2, _SHORTEST_CLAUSE_CHARS, -1):
        if text[index] in _WIDE_CLAUSE_ENDS or (text[index] in _CLAUSE_ENDS and text[index + 1] == " "):
            return index + 1
    blank = text.rfind(" ", _SHORTEST_CLAUSE_CHARS)
    return blank if blank > 0 else len(text)


def _quiet_end(text: str) -> int:
    """Where the beginning of a long sentence may be cut: between two words in lower case, so in no number and no name; 0 for nowhere."""
    for index in range(len(text) - 2, _SHORTEST_CLAUSE_CHARS, -1):
        if text[index] == " " and text[index + 1].islower():
            word = text[text.rfind(" ", 0, index) + 1 : index]
            if len(word) > 3 and word.isalpha() and word.islower():
                return index
    return 0
