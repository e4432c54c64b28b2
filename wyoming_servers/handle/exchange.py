"""One exchange with a user: what is asked, what became of each command in it, what is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .commit import Commit


@dataclass(frozen=True)
class Request:
    """One sentence, and who says it."""

    text: str
    language: str = ""
    """BCP 47; empty means the house's."""
    conversation_id: str = ""
    """Empty starts a new conversation; the router has filled it in before anybody else sees the request."""
    satellite_id: str = ""
    area: str = ""
    home_assistant: bool = False
    """True when Home Assistant asks: it carries out its own intents, where nobody does here."""
    commit: Commit = field(default_factory=Commit, compare=False, repr=False)
    """Not given yet while the user may go on speaking: nothing is changed and nothing remembered before."""


@dataclass(frozen=True)
class Step:
    """What became of one command of a sentence."""

    handled: bool
    text: str
    """A finished sentence; empty when nothing is to be said."""
    route: str
    """`template`, `llm`, `home-assistant`, `no-tool`, `no-language`, `loading` or `none`."""
    intent: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    """What was understood; for a call by a language model its arguments."""
    tool: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the tool tells besides its sentence."""
    why: str = ""
    """How it came to this route, in a few English words for the log and the context: `template`, `answer` (to a question), `follow-up`,
    `repair`, `model qwen3-4b called it`."""
    ask: str = ""
    """As in ToolResult: the argument that the next utterance fills."""
    undo: Mapping[str, Any] | None = None
    """As in ToolResult: arguments of a call that takes it back."""
    changed: bool = False
    """True when it has changed something in the world."""
    open: bool = False
    """True when the tool has found no answer: the fallback may try."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """All arguments the tool was called with that somebody gave, defaults left out."""
    hand_over: str | None = None
    """Set when whoever asked carries out the intent: what is then said, a Jinja template of Home Assistant's."""

    def told(self) -> dict[str, Any]:
        """How it came about, as JSON."""
        told = {"intent": self.intent, "slots": dict(self.slots), "tool": self.tool, "route": self.route, "why": self.why}
        return told | ({"data": dict(self.data)} if self.data else {}) | ({"ask": self.ask} if self.ask else {})


@dataclass(frozen=True)
class Answer:
    """What is said, and how it came about."""

    conversation_id: str
    steps: tuple[Step, ...]
    """One for most sentences; never empty."""
    ms: float
    """From the moment the sentence was certain to the answer."""

    @property
    def handled(self) -> bool:
        """True when every command was."""
        return all(step.handled for step in self.steps)

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(step.text for step in self.steps if step.text)

    def context(self) -> dict[str, Any]:
        """For the `context` of the Wyoming event."""
        earshot = self.steps[0].told() | {"ms": self.ms}
        if len(self.steps) > 1:
            earshot["steps"] = [step.told() for step in self.steps]
        return {"conversation_id": self.conversation_id, "earshot": earshot}
