"""What happened in one turn, for the owner's eyes and for `--json`."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from ..shared.protocol import printable


@dataclass
class TurnReport:
    """One turn, filled in as it goes."""

    wake_word: str | None = None
    """The wake word's model name; None when it took none."""
    transcript: str = ""
    """What was heard; empty when nothing was understood."""
    intent: str | None = None
    """The intent's name; None when nothing fitted or the peer does not tell."""
    slots: dict[str, Any] = field(default_factory=dict)
    """The intent's slots."""
    route: str | None = None
    """How it was understood: template, llm …; None when the peer does not tell."""
    tool: str | None = None
    """The tool that answered."""
    llm: dict[str, Any] = field(default_factory=dict)
    """What a language model did for it: model, tokens (prompt, cached, generated), milliseconds to its first words."""
    handled: bool = False
    """True when the intent server did it, or knew the answer; what it says else is why not."""
    answer: str = ""
    """What was said."""
    from_memory: bool = False
    """True when its speech had been heard here before, so that no voice was asked."""
    ask: str | None = None
    """What the answer asks for; None when it is no question."""
    stages_ms: dict[str, int] = field(default_factory=dict)
    """Milliseconds by stage, in order: wake, endpoint, asr, handle, tts, play, v2v; those that took place."""
    prospect: str | None = None
    """What could have followed the words, as the intent server judged: complete, extendable, prefix …; None when it did not."""
    prosody: str | None = None
    """What the melody of the voice said: final or continuing; None when nobody listened, or was sure."""
    revisions: int = 1
    """How often the user's words were taken for all there is: more than one when the user went on after a pause."""
    wasted_ms: int = 0
    """Milliseconds of work for what was thrown away since the user went on."""
    error: str | None = None
    """What went wrong; None when all went well."""
    ended: str = "answered"
    """answered, empty (nothing understood), no-speech, no-wake-word, ignored, interrupted, muted, or failed."""

    def begin_anew(self) -> None:
        """Nothing of what was found out counts: the user goes on."""
        kept = {"wake": self.stages_ms["wake"]} if "wake" in self.stages_ms else {}
        vars(self).update(vars(TurnReport(self.wake_word, stages_ms=kept, revisions=self.revisions, wasted_ms=self.wasted_ms)))

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "wake_word": self.wake_word,
            "transcript": self.transcript,
            "intent": self.intent,
            "slots": self.slots,
            "route": self.route,
            "tool": self.tool,
            **({"llm": self.llm} if self.llm else {}),
            "handled": self.handled,
            "answer": self.answer,
            **({"from_memory": True} if self.from_memory else {}),
            **({"ask": self.ask} if self.ask else {}),
            "stages_ms": self.stages_ms,
            **({"prospect": self.prospect} if self.prospect else {}),
            **({"prosody": self.prosody} if self.prosody else {}),
            **({"revisions": self.revisions, "wasted_ms": self.wasted_ms} if self.revisions > 1 else {}),
            "ended": self.ended,
            "error": self.error,
        }

    def line(self) -> str:
        """The one line of this turn."""
        parts = [f"{self.wake_word}:" if self.wake_word else ""]
        parts.append(f'"{printable(self.transcript)}"' if self.transcript else f"({self.ended})")
        if self.intent:
            parts.append(f"[{printable(self.intent)}]")
        if self.route and self.route != "template":
            parts.append(f"by {printable(self.route)}")
        if self.answer:
            parts.append(f'-> "{printable(self.answer)}"' + (" from memory" if self.from_memory else ""))
        if self.transcript and self.ended != "answered":
            parts.append(f"({self.ended})")
        if self.error:
            parts.append(f"error: {printable(self.error, 300)}")
        parts.append("  ".join(f"{name} {value}" for name, value in self.stages_ms.items()) + " ms" if self.stages_ms else "")
        parts += filter(None, (self.prospect, self.prosody))
        if self.revisions > 1:
            parts.append(f"{self.revisions} revisions, wasted {self.wasted_ms} ms")
        return " ".join(part for part in parts if part)


class StageClock:
    """Writes into a report how long the user waited for what: of work that was done before the commit, nothing."""

    def __init__(self, report: TurnReport) -> None:
        self._report = report
        self._before: list[tuple[str, float, float]] = []
        self._committed_at: float | None = None
        self.speech_ended_at: float | None = None
        """Loop time of the user's last sound; None when nobody spoke."""

    def commit(self, speech_ended_at: float | None) -> None:
        """The user has finished, now."""
        self._committed_at = asyncio.get_running_loop().time()
        self.speech_ended_at = speech_ended_at
        if speech_ended_at is not None:
            self._write("endpoint", speech_ended_at, self._committed_at)
        for stage in self._before:
            self.took(*stage)
        self._before.clear()

    def forget(self) -> None:
        """What was done so far was for nothing."""
        self._before.clear()
        self._committed_at = self.speech_ended_at = None

    def took(self, stage: str, since: float, until: float | None = None) -> None:
        """A stage went on from one loop time to another, or until now."""
        until = asyncio.get_running_loop().time() if until is None else until
        if self._committed_at is None:
            self._before.append((stage, since, until))
        else:
            self._write(stage, max(since, self._committed_at), max(until, self._committed_at))

    def heard(self, since: float, heard_at: float) -> None:
        """The answer's first sound. since: loop time when it was ready."""
        self.took("play", since, heard_at)
        if self.speech_ended_at is not None:
            self._write("v2v", self.speech_ended_at, heard_at)

    def _write(self, stage: str, since: float, until: float) -> None:
        self._report.stages_ms[stage] = round((until - since) * 1000)
