"""What is said to the endpointers: labelled commands and conversation, whole and with a hesitation, as sound with known ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from speech import silence, speak

from wyoming_servers.handle.routing import NONE, read_cases
from wyoming_servers.shared.audio import RATE_HZ

HESITATIONS_S = (0.3, 0.6, 0.9, 1.2)
COMMAND, CONVERSATION = "command", "conversation"
_TESTS = Path(__file__).resolve().parents[2]
_LEAD_S, _TAIL_S = 0.5, 3.0
_DETERMINERS = frozenset(["a", "an", "the", "my", "our", "your"])
_PREPOSITIONS = frozenset(["for", "to", "in", "on", "at", "of", "off", "from", "about", "into", "with", "like", "by", "until"])
_JOINING = frozenset(["and", "or", "than", "is", "are", "was", "do", "does", "what", "how"])
_QUIET = 200  # of 32768: softer is no speech


@dataclass(frozen=True)
class Utterance:
    """One way to say one sentence."""

    number: int
    """Of the sentence: all ways to say it are in the same half of the corpus, the even or the odd."""
    kind: str
    words: tuple[str, ...]
    place: int = 0
    """The hesitation comes after so many words; 0 for none."""
    hesitation_s: float = 0.0

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(self.words)


@dataclass(frozen=True)
class Sound:
    """An utterance as a microphone hears it."""

    samples: np.ndarray
    """(n,) int16 mono 16 kHz."""
    spans: tuple[tuple[float, float, tuple[str, ...]], ...]
    """Begin and end in seconds of each stretch of speech, and its words."""

    @property
    def end_s(self) -> float:
        """Where the speech ends, from how it was made."""
        return self.spans[-1][1]

    def words_until(self, second: float) -> tuple[str, ...]:
        """What has been said by then, as if all letters took the same time."""
        said: list[str] = []
        for begin, end, words in self.spans:
            letters = sum(map(len, words))
            spoken = min(1.0, max(0.0, (second - begin) / (end - begin))) * letters
            for word in words:
                spoken -= len(word)
                if spoken >= -0.5 * len(word):
                    said.append(word)
        return tuple(said)


def utterances() -> list[Utterance]:
    """Every sentence whole, and with one hesitation at each kind of place that it has; the lengths take turns, alike in both halves."""
    made: list[Utterance] = []
    for number, (kind, words, places) in enumerate(_sentences()):
        made.append(Utterance(number, kind, words))
        for turn, place in enumerate(places, number // 2):
            made.append(Utterance(number, kind, words, place, HESITATIONS_S[turn % len(HESITATIONS_S)]))
    return made


def sound(utterance: Utterance) -> Sound:
    """Spoken by the embedded voice."""
    place = utterance.place or len(utterance.words)
    parts = [words for words in (utterance.words[:place], utterance.words[place:]) if words]
    pieces, spans, at_s = [silence(_LEAD_S)], [], _LEAD_S
    for words in parts:
        if spans:
            pieces.append(silence(utterance.hesitation_s))
            at_s += utterance.hesitation_s
        spoken = _trimmed(speak(" ".join(words)))
        pieces.append(spoken)
        spans.append((at_s, at_s + len(spoken) / RATE_HZ, words))
        at_s += len(spoken) / RATE_HZ
    return Sound(np.concatenate((*pieces, silence(_TAIL_S))), tuple(spans))


def _sentences() -> Iterator[tuple[str, tuple[str, ...], list[int]]]:
    for case in read_cases(_TESTS / "routing" / "en.yaml"):
        words = tuple(case.text.split())
        yield CONVERSATION if case.tool == NONE else COMMAND, words, _places(words)
    for line in (Path(__file__).parent / "conversation.txt").read_text("utf-8").splitlines():
        parts = [part.split() for part in line.split("|")]
        places = [sum(map(len, parts[:count])) for count in range(1, len(parts))]
        yield CONVERSATION, tuple(word for part in parts for word in part), places


def _places(words: tuple[str, ...]) -> list[int]:
    """Where a speaker looks for words: after a determiner, after and before a preposition, after another small word or a verb."""
    found: dict[str, int] = {}
    for place in range(1, len(words)):
        before, after = words[place - 1].lower(), words[place].lower()
        if before in _DETERMINERS:
            found["after a determiner"] = place
        elif before in _PREPOSITIONS:
            found["after a preposition"] = place
        elif after in _PREPOSITIONS:
            found["before a preposition"] = place
        elif before in _JOINING or place == 1:
            found["after another small word or a verb"] = place
    return sorted(found.values())


def _trimmed(samples: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(samples.astype(int)) > _QUIET)
    return samples[loud[0] : loud[-1] + 1]
