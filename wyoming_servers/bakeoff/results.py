"""A bake-off's outcome as a table, as JSON, and as the settings of the winner."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .trials import Entry, rank


@dataclass(frozen=True)
class Column:
    """One figure of an entry."""

    title: str
    value: Callable[[Entry], float | None]
    shown: str
    """Its format."""
    note: str
    """What it means, for the page."""


@dataclass(frozen=True)
class Outcome:
    """Everything there is to tell."""

    kind: str
    machine: str
    date: str
    rounds: int
    inputs: int
    floor: float
    """The accuracy below which speed does not count."""
    unit: str
    """What the wait is."""
    entries: Sequence[Entry]

    @property
    def ranked(self) -> list[Entry]:
        """Best first, failures left out."""
        return rank(self.entries, self.floor)

    @property
    def failed(self) -> list[Entry]:
        """Those that could not take part to the end."""
        return [entry for entry in self.entries if entry not in self.ranked]

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the table shows of this kind."""
        return _COLUMNS[self.kind]


_ACCURACY = {
    "asr": Column("right", lambda entry: entry.accuracy, "{:.0%}", "commands understood, everything else taken for no command"),
    "tts": Column("understood", lambda entry: entry.accuracy, "{:.0%}", "spoken commands that the recogniser understood"),
    "llm": Column("right", lambda entry: entry.accuracy, "{:.0%}", "sentences that led to the right tool and arguments, or to none"),
    "wake": Column("right", lambda entry: entry.accuracy, "{:.0%}", "words heard, and recordings without one left alone"),
}
_WER = Column("WER", lambda entry: entry.word_error_rate, "{:.0%}", "words wrong, missing or too many, per word said")
_MISSED = Column("missed", lambda entry: entry.word_error_rate, "{:.0%}", "wake words that were said and not heard")
_FALSE = Column("false/h", lambda entry: entry.false_accepts_per_hour, "{:.1f}", "wake words heard where none was said, per hour")
_P50 = Column("p50 ms", lambda entry: entry.wait_ms(0.5), "{:.0f}", "the wait: half of the answers take at most this")
_P95 = Column("p95 ms", lambda entry: entry.wait_ms(0.95), "{:.0f}", "95 of 100 answers take at most this")
_RTF = Column("RTF", lambda entry: entry.real_time_factor, "{:.3f}", "seconds of work per second of sound, given at once")
_MEMORY = Column("MB", lambda entry: entry.peak_mb, "{:.0f}", "most resident memory; unknown for servers on other machines")
_COLD = Column("cold s", lambda entry: entry.cold_median_s, "{:.2f}", "start of the process to the end of its first answer")
_ERRORS = Column("errors", lambda entry: entry.errors, "{:.0f}", "inputs that ended in an error")
_CALLS = Column("false calls", lambda entry: entry.false_calls, "{:.0f}", "tools called that nobody had asked for")
_WHOLE = Column("whole s", lambda entry: entry.work_median_s, "{:.2f}", "half of the answers were whole after at most this")
_READ = Column("prompt", lambda entry: entry.tokens("prompt"), "{:.0f}", "tokens the model was given, mean per sentence")
_CACHED = Column("cached", lambda entry: entry.tokens("cached"), "{:.0f}", "of these, those that its server had ready")
_WRITTEN = Column("generated", lambda entry: entry.tokens("generated"), "{:.1f}", "tokens the model wrote, mean per sentence")
_READING = Column("cold s", lambda entry: entry.cold_median_s, "{:.2f}", "first contact until instructions and tools were read")
_COLUMNS = {
    "asr": (_ACCURACY["asr"], _WER, _P50, _P95, _RTF, _MEMORY, _COLD, _ERRORS),
    "tts": (_ACCURACY["tts"], _WER, _P50, _P95, _RTF, _MEMORY, _COLD, _ERRORS),
    "llm": (_ACCURACY["llm"], _CALLS, _P50, _P95, _WHOLE, _READ, _CACHED, _WRITTEN, _READING, _ERRORS),
    "wake": (_ACCURACY["wake"], _MISSED, _FALSE, _RTF, _MEMORY, _COLD, _ERRORS),
}


def cell(column: Column, entry: Entry) -> str:
    """A figure as text; a dash where there is none."""
    value = column.value(entry)
    return "–" if value is None else column.shown.format(value)


def table(outcome: Outcome) -> str:
    """For the terminal."""
    rows = [["", *(column.title for column in outcome.columns)]]
    rows += [[entry.candidate.name, *(cell(column, entry) for column in outcome.columns)] for entry in outcome.ranked]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = [f"{outcome.kind} on {outcome.machine}, {outcome.inputs} inputs, {outcome.rounds} rounds, {outcome.date}; wait: {outcome.unit}"]
    for row in rows:
        lines.append(
            "  " + row[0].ljust(widths[0]) + "".join(f"  {text:>{width}}" for text, width in zip(row[1:], widths[1:], strict=True))
        )
    lines += [f"  {entry.candidate.name}: {entry.failure or 'nothing could be measured'}" for entry in outcome.failed]
    return "\n".join([*lines, *advice(outcome)])


def advice(outcome: Outcome) -> list[str]:
    """Who won, and the settings that use it."""
    if not outcome.ranked:
        return ["Nobody could be measured."]
    best = outcome.ranked[0]
    accuracy = best.accuracy or 0.0
    above = f"is the fastest of those that are right in {outcome.floor:.0%} or more"
    below = f"is the most often right, in {accuracy:.0%}; nobody reaches {outcome.floor:.0%}"
    return [f"{best.candidate.name} {above if accuracy >= outcome.floor else below}. To use it:", "", best.candidate.settings_lines()]


def as_json(outcome: Outcome) -> str:
    """Everything, every single trial too."""

    def told(entry: Entry) -> dict[str, Any]:
        return {
            "candidate": asdict(entry.candidate),
            "failure": entry.failure,
            "figures": {column.title: column.value(entry) for column in outcome.columns},
            "cold_s": entry.cold_s,
            "memory_mb": entry.memory_mb,
            "trials": [asdict(trial) for trial in entry.trials],
        }

    values = {
        "kind": outcome.kind,
        "machine": outcome.machine,
        "date": outcome.date,
        "rounds": outcome.rounds,
        "floor": outcome.floor,
        "wait": outcome.unit,
        "ranking": [entry.candidate.name for entry in outcome.ranked],
        "entries": [told(entry) for entry in [*outcome.ranked, *outcome.failed]],
    }
    return json.dumps(values, indent=1, ensure_ascii=False)
