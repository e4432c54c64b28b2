"""Names that the owner says often, as the hotwords sherpa-onnx takes: in the spelling and in the pieces of a model's vocabulary."""

import functools
import re
import struct
from collections.abc import Iterable
from pathlib import Path

from ..shared.house import House
from .protobuf import content, fields, text

_MOST_PHRASES = 500
_PIECES, _PIECE, _SCORE = 1, 1, 2  # sentencepiece_model.proto: ModelProto.pieces, SentencePiece.piece and .score
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_SPACE = "▁"  # SentencePiece's mark for the beginning of a word
_FEW = 50  # ideographs in a vocabulary that is not made of them


class Vocabulary:
    """The tokens of one model."""

    def __init__(self, tokens: Path) -> None:
        """tokens: tokens.txt, a token and its number in each line.

        Raises: OSError, UnicodeDecodeError.
        """
        self.tokens = [line.rsplit(maxsplit=1)[0] for line in tokens.read_text(encoding="utf-8").split("\n") if len(line.split()) == 2]
        letters = [token for token in self.tokens if not re.fullmatch(r"<.*>", token)]
        joined = "".join(letters)
        self.capitals = joined.upper() == joined != joined.lower()
        """True when it knows no small letters."""
        self.small = joined.lower() == joined != joined.upper()
        """True when it knows no capitals."""
        self._pieces = set(self.tokens)
        self._longest = max(map(len, self.tokens), default=0)
        words = any(token.startswith(_SPACE) and len(token) > 1 for token in letters)
        ideographs = sum(bool(_IDEOGRAPH.fullmatch(token)) for token in letters) > _FEW
        self.unit = {(True, False): "bpe", (True, True): "cjkchar+bpe", (False, True): "cjkchar"}.get((words, ideographs), "")
        """How sherpa-onnx shall take words apart; empty when it cannot."""

        self.spell = functools.lru_cache(maxsize=4096)(self._spell)
        """A phrase as this model would write it; empty when its tokens cannot spell it."""

    def _spell(self, phrase: str) -> str:
        words = " ".join(re.sub(r"[^\w' ]|_", " ", phrase).split())
        words = words.upper() if self.capitals else words.lower() if self.small else words
        return words if words and all(self._spells(word) for word in words.split()) else ""

    def _spells(self, word: str) -> bool:
        """True when tokens put together make this word, as sherpa-onnx will have to."""
        runs = [run for run in re.split(rf"({_IDEOGRAPH.pattern})", word) if run]
        return all(run in self._pieces if _IDEOGRAPH.fullmatch(run) else self._covers(_SPACE + run) for run in runs)

    def _covers(self, marked: str) -> bool:
        reached = [True] + [False] * len(marked)
        for begin in range(len(marked)):
            for end in range(begin + 1, min(len(marked), begin + self._longest) + 1):
                reached[end] |= reached[begin] and marked[begin:end] in self._pieces
        return reached[-1]


def phrases(house: House) -> list[str]:
    """Every name of the house."""
    names = [name for area in house.areas for name in (area.name, *area.aliases)]
    names += [name for device in house.devices for name in (device.name, *device.aliases)]
    return [*names, *house.places, *house.timers, *house.lists]


def hotwords(vocabulary: Vocabulary, names: Iterable[str], terms: Iterable[str], term_score: float) -> str:
    """What `create_stream` takes; empty when there is nothing to prefer. Names get the recogniser's score, terms their own."""
    found = dict.fromkeys(spelled for name in names if (spelled := vocabulary.spell(name)))
    weaker = dict.fromkeys(spelled for term in terms if (spelled := vocabulary.spell(term)) and spelled not in found)
    return "/".join([*found, *(f"{term} :{term_score:g}" for term in weaker)][:_MOST_PHRASES])


def write_scores(folder: Path, vocabulary: Vocabulary, path: Path) -> None:
    """Writes the `bpe.vocab` that sherpa-onnx takes words apart with: the model's own, or made from what lies beside it.

    A vocabulary is sorted by how early a piece was learned, which is what its scores say, so its order will do.
    Raises: OSError, ValueError.
    """
    own, trained = folder / "bpe.vocab", folder / "bpe.model"
    if own.exists():
        scores = own.read_text(encoding="utf-8")
    elif trained.exists():
        scores = "".join(f"{piece}\t{score:g}\n" for piece, score in _trained(trained))
    else:
        scores = "".join(f"{token}\t{-rank}\n" for rank, token in enumerate(vocabulary.tokens))
    path.write_text(scores, encoding="utf-8")


def _trained(path: Path) -> list[tuple[str, float]]:
    """Pieces and scores of a SentencePiece model."""
    found = []
    with path.open("rb") as file:
        for message in fields(file, 0, path.stat().st_size):
            if message.number != _PIECES:
                continue
            piece, score = "", 0.0
            for field in fields(file, message.start, message.end):
                if field.number == _PIECE:
                    piece = text(file, field)
                elif field.number == _SCORE:
                    score = struct.unpack("<f", content(file, field))[0]
            if piece.split():
                found.append((piece, score))
    return found
