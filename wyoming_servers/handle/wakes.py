"""One wake word that several satellites heard: the one that heard it best answers, the others are silent."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

WOKEN = "earshot-woken"
_YIELD = "earshot-yield"
_WINDOW_S = 0.7  # wake word models tell up to half a second late
_LOUDER_DB = 3.0  # less is chance: then the first one answers, who has lost no time
_MOST = 32


@dataclass(frozen=True)
class _Wake:
    satellite_id: str
    turn: int
    word: str
    level_dbfs: float
    at: float


class Wakes:
    """The wake words heard lately."""

    def __init__(self, send: Callable[[str, str, Mapping[str, Any]], Any], now: Callable[[], float]) -> None:
        """send: takes a satellite's id, an event's type and its data. now: seconds that never jump."""
        self._send = send
        self._now = now
        self._heard: deque[_Wake] = deque(maxlen=_MOST)

    def add(self, satellite_id: str, event: Event) -> None:
        """A satellite has heard one. Nobody waits for anybody: who was first goes on, unless another one heard it better."""
        turn, word, level = (event.data.get(key) for key in ("turn", "wake_word", "level_dbfs"))
        if not isinstance(turn, int) or not isinstance(word, str) or not isinstance(level, int | float):
            return
        wake = _Wake(satellite_id, turn, word, level, self._now())
        rival = next((each for each in self._heard if self._is_the_same(each, wake)), None)
        loser = None
        if rival:
            loser = rival if wake.level_dbfs >= rival.level_dbfs + _LOUDER_DB else wake
            self._send(loser.satellite_id, _YIELD, {"turn": loser.turn})
        if loser is not wake:
            if rival:
                self._heard.remove(rival)
            self._heard.append(wake)

    def _is_the_same(self, earlier: _Wake, wake: _Wake) -> bool:
        return earlier.word == wake.word and earlier.satellite_id != wake.satellite_id and wake.at - earlier.at <= _WINDOW_S
