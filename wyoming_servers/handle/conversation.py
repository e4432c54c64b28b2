"""What was said before, by conversation id: bounded, isolated, forgotten after a while."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ..shared.tool import Turn
from .dialogue import Dialogue

EXPIRY_S = 300.0  # Home Assistant's conversations live as long
_TURNS = 20
_CONVERSATIONS = 256


@dataclass
class _Conversation:
    used: float
    turns: deque[Turn] = field(default_factory=lambda: deque(maxlen=_TURNS))
    dialogue: Dialogue = field(default_factory=Dialogue)


class Conversations:
    """The histories of all conversations, newest used last."""

    def __init__(self, now: Callable[[], float], expiry_s: float = EXPIRY_S) -> None:
        """now: seconds that never jump."""
        self._now = now
        self._expiry_s = expiry_s
        self._kept: OrderedDict[str, _Conversation] = OrderedDict()

    def history(self, conversation_id: str) -> tuple[Turn, ...]:
        """The turns of one conversation, oldest first; empty when it is unknown or has expired."""
        self._expire()
        found = self._kept.get(conversation_id)
        return tuple(found.turns) if found else ()

    def dialogue(self, conversation_id: str) -> Dialogue:
        """What hangs over from the last turn; nothing when the conversation is unknown or has expired."""
        self._expire()
        found = self._kept.get(conversation_id)
        return found.dialogue if found else Dialogue()

    def add(self, conversation_id: str, turn: Turn) -> None:
        """Remembers a turn; past the bounds the oldest turn and the longest unused conversation go."""
        self._use(conversation_id).turns.append(turn)

    def cut_off(self, conversation_id: str, asked: str, heard: str) -> None:
        """Only this beginning of the last answer was heard: no more of it counts as said. What was never finished is added."""
        turns = self._use(conversation_id).turns
        last = [turn for turn in turns if turn.text == asked] if turns and turns[-1].text == asked else []
        if not last or not _said(last).startswith(heard):
            turns.append(Turn(asked, heard, None, {}, None))
            return
        for index, turn in enumerate(turns):
            if turn in last:  # "do this and that" has two answers
                said = turn.answer if heard.startswith(turn.answer) else heard
                turns[index], heard = replace(turn, answer=said), heard[len(said) :].lstrip()

    def keep(self, conversation_id: str, dialogue: Dialogue) -> None:
        """Remembers what hangs over."""
        self._use(conversation_id).dialogue = dialogue

    def _use(self, conversation_id: str) -> _Conversation:
        self._expire()
        used = self._kept.pop(conversation_id, None) or _Conversation(self._now())
        used.used = self._now()
        self._kept[conversation_id] = used
        if len(self._kept) > _CONVERSATIONS:
            self._kept.popitem(last=False)
        return used

    def _expire(self) -> None:
        before = self._now() - self._expiry_s
        while self._kept and next(iter(self._kept.values())).used <= before:
            self._kept.popitem(last=False)


def _said(turns: Iterable[Turn]) -> str:
    return " ".join(" ".join(turn.answer.split()) for turn in turns)
