"""What is measured: one input given to one candidate once, and what is made of many of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from .candidates import Candidate


@dataclass(frozen=True)
class Tokens:
    """What one request to a language model came to."""

    prompt: int
    cached: int
    """Of the prompt's, those its server had ready."""
    generated: int


@dataclass(frozen=True)
class Trial:
    """One input, once."""

    item: str
    """The input's name."""
    right: bool | None
    """asr, tts: the meaning was kept; wake: heard, and nothing else heard. None when it does not count (a latency-only input)."""
    got: str = ""
    """What was heard; for tts by the recogniser that listened."""
    word_errors: int = 0
    words: int = 0
    wait_ms: float | None = None
    """asr: last sound to transcript, sound given as it is spoken; tts: request to first audio; wake: word's end to detection; llm: question
    to first words, or to the end of a call."""
    work_s: float = 0.0
    """Seconds of work when everything is given at once."""
    audio_s: float = 0.0
    """Seconds of audio that were heard or made."""
    false_accepts: int = 0
    """wake: words heard that were not said; llm: tools called that nobody asked for."""
    tokens: Tokens | None = None
    error: str = ""


@dataclass
class Entry:
    """One candidate's bake-off."""

    candidate: Candidate
    trials: list[Trial] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)
    """Process start to the end of the first answer, model loading included."""
    memory_mb: list[float] = field(default_factory=list)
    failure: str = ""
    """Why it could not take part to the end."""

    @property
    def accuracy(self) -> float | None:
        """Share of the inputs that were right."""
        counted = [trial.right for trial in self.trials if trial.right is not None]
        return sum(counted) / len(counted) if counted else None

    @property
    def word_error_rate(self) -> float | None:
        """Wrong, missing and extra words per word said."""
        words = sum(trial.words for trial in self.trials)
        return sum(trial.word_errors for trial in self.trials) / words if words else None

    @property
    def false_accepts_per_hour(self) -> float:
        """Of audio in which nothing should have been heard."""
        negative = [trial for trial in self.trials if trial.words == 0]
        hours = sum(trial.audio_s for trial in negative) / 3600
        return sum(trial.false_accepts for trial in negative) / hours if hours else 0.0

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work per second of audio, over everything."""
        timed = [trial for trial in self.trials if trial.work_s and trial.audio_s and not trial.error]
        return sum(trial.work_s for trial in timed) / sum(trial.audio_s for trial in timed) if timed else None

    def wait_ms(self, share: float) -> float | None:
        """The wait that `share` of the answers stay under: 0.5 is the median."""
        waits = sorted(trial.wait_ms for trial in self.trials if trial.wait_ms is not None)
        return waits[min(len(waits) - 1, round(share * (len(waits) - 1)))] if waits else None

    @property
    def work_median_s(self) -> float | None:
        """Half of the answers were whole after at most this."""
        works = [trial.work_s for trial in self.trials if trial.work_s and not trial.error]
        return statistics.median(works) if works else None

    @property
    def false_calls(self) -> int:
        """Tools called that nobody asked for."""
        return sum(trial.false_accepts for trial in self.trials)

    def tokens(self, kind: str) -> float | None:
        """Mean per input; kind: a field of Tokens."""
        counts = [getattr(trial.tokens, kind) for trial in self.trials if trial.tokens]
        return statistics.fmean(counts) if counts else None

    @property
    def cold_median_s(self) -> float | None:
        """Half of the starts took at most this."""
        return statistics.median(self.cold_s) if self.cold_s else None

    @property
    def peak_mb(self) -> float | None:
        """The most memory it ever had."""
        return max(self.memory_mb, default=None)

    @property
    def errors(self) -> int:
        """Inputs that ended in an error."""
        return sum(bool(trial.error) for trial in self.trials)


def rank(entries: Sequence[Entry], floor: float) -> list[Entry]:
    """Best first: those at or above the accuracy floor by speed, the others after them by accuracy. Failures are left out."""
    able = [entry for entry in entries if not entry.failure and entry.accuracy is not None]

    def key(entry: Entry) -> tuple:
        accuracy = entry.accuracy or 0.0
        wait = entry.wait_ms(0.5)
        speed = wait if wait is not None else (entry.real_time_factor or 0.0) * 1000
        above = accuracy >= floor
        return (not above, speed if above else -accuracy, -accuracy, entry.peak_mb or 0.0)

    return sorted(able, key=key)


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        previous, row[0] = row[0], index
        for column, other in enumerate(heard, 1):
            previous, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, previous + (word != other))
    return row[-1]
