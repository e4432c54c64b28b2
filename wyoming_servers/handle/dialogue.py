"""What hangs over from one turn to the next: an open question, what a follow-up goes on from, what can be taken back, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .exchange import Request, Step
from .matcher import Context, Match

UNDO, WHY = "EarshotUndo", "EarshotWhy"
"""Intents that the router answers itself."""
_ASIDE = frozenset({UNDO, WHY, "EarshotRepeat", "EarshotStop", "HassNevermind"})
"""After these "and tomorrow?" still goes on from what came before."""
_KEEPS_THE_QUESTION = frozenset({WHY, "EarshotRepeat"})
_MOST_UNDONE = 8
_MOST_ASKED_AGAIN = 1


@dataclass(frozen=True)
class Question:
    """Something a tool wants to know before it can do what it was told."""

    tool: str
    intent: str
    args: Mapping[str, Any]
    """What was said so far."""
    argument: str
    """What is to be filled."""
    text: str
    """The question as it was spoken."""
    repeated: int = 0
    """How often an answer was not understood."""


@dataclass(frozen=True)
class Done:
    """A call that has changed something."""

    tool: str
    undo: Mapping[str, Any] | None
    """Arguments of the call that takes it back; None when nothing does."""


@dataclass(frozen=True)
class Told:
    """The last answer, for those who ask why."""

    said: str
    step: Step


@dataclass(frozen=True)
class Dialogue:
    """The state of one conversation between two turns. A turn makes a new one."""

    question: Question | None = None
    last: Step | None = None
    """The last command, for follow-ups."""
    done: tuple[tuple[Done, ...], ...] = ()
    """What can be taken back, by turn, oldest first."""
    told: Told | None = None

    def context(self, request: Request, asking: Sequence[str]) -> Context:
        """What templates may ask for. asking: the intents of the tool that has asked."""
        last = self.last.intent if self.last and self.last.intent else ""
        asked = self.question.argument if self.question else ""
        undoable = "yes" if not asked and self.told and self.told.step.undo else ""
        return Context(asked, frozenset(asking), last, request.area, request.satellite_id, undoable)

    def completed(self, match: Match) -> Match:
        """With everything that was said before and counts on."""
        if match.asked and self.question:
            return replace(match, intent=self.question.intent, slots={**self.question.args, **match.slots})
        if (match.follows or match.repairs) and self.last:
            before = {key: value for key, value in self.last.slots.items() if key not in match.drops}
            return replace(match, slots={**before, **match.slots})
        return match

    def to_take_back(self) -> tuple[Done, ...]:
        """What the last turn that changed something has done; empty when nothing is left."""
        return self.done[-1] if self.done else ()

    def taken_back(self) -> "Dialogue":
        """After that was taken back."""
        return replace(self, done=self.done[:-1])

    def asks_again(self) -> "Dialogue":
        """After an answer that nobody understood; the question is dropped when that goes on."""
        question = self.question
        if question and question.repeated < _MOST_ASKED_AGAIN:
            return replace(self, question=replace(question, repeated=question.repeated + 1))
        return replace(self, question=None)

    def after(self, said: str, steps: Sequence[Step], done: Sequence[Done]) -> "Dialogue":
        """After a turn that did something. done: what it changed, in order."""
        commands = [step for step in steps if step.intent and step.intent not in _ASIDE]
        explained = [step for step in steps if step.intent not in _KEEPS_THE_QUESTION]
        asking = next((step for step in reversed(steps) if step.ask and step.tool and step.intent), None)
        question = Question(str(asking.tool), str(asking.intent), asking.args, asking.ask, asking.text) if asking else None
        if question is None and all(step.intent in _KEEPS_THE_QUESTION for step in steps):
            question = self.question
        return Dialogue(
            question=question,
            last=commands[-1] if commands else self.last,
            done=(*self.done, tuple(done))[-_MOST_UNDONE:] if done else self.done,
            told=Told(said, explained[-1]) if explained else self.told,
        )
