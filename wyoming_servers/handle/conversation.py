"""What was said before, by conversation id: bounded, isolated, forgotten after a while."""

from collections import OrderedDict, deque
from collections.abc import Callable

from ..shared.tool import Turn

EXPIRY_S = 300.0  # Home Assistant's conversations live as long
_TURNS = 20
_CONVERSATIONS = 256


class Conversations:
    """The histories of all conversations, newest used last."""

    def __init__(self, now: Callable[[], float], expiry_s: float = EXPIRY_S) -> None:
        """now: seconds that never jump."""
        self._now = now
        self._expiry_s = expiry_s
        self._histories: OrderedDict[str, tuple[float, deque[Turn]]] = OrderedDict()

    def history(self, conversation_id: str) -> tuple[Turn, ...]:
        """The turns of one conversation, oldest first; empty when it is unknown or has expired."""
        self._expire()
        used = self._histories.get(conversation_id)
        return tuple(used[1]) if used else ()

    def add(self, conversation_id: str, turn: Turn) -> None:
        """Remembers a turn; past the bounds the oldest turn and the longest unused conversation go."""
        self._expire()
        _, turns = self._histories.pop(conversation_id, (0.0, deque[Turn](maxlen=_TURNS)))
        turns.append(turn)
        self._histories[conversation_id] = (self._now(), turns)
        if len(self._histories) > _CONVERSATIONS:
            self._histories.popitem(last=False)

    def _expire(self) -> None:
        before = self._now() - self._expiry_s
        while self._histories and next(iter(self._histories.values()))[0] <= before:
            self._histories.popitem(last=False)
