"""What happens at a satellite, told to whoever wants to know: the owner's hooks, a broker. Telling never waits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .report import TurnReport

STATES = ("idle", "listening", "thinking", "speaking", "ringing", "muted")
"""One of them holds at any time; the beginning of each is an event, but for `ringing` and `muted`, which have events that say more."""
EVENTS = {
    "started": "it runs",
    "stopped": "it has ended",
    "detected": "a wake word was heard: `wake_word`, and the assistant it addresses, `target`",
    "listening": "the microphone is open to the user",
    "thinking": "the user has finished; the answer is awaited",
    "speaking": "speech is heard",
    "idle": "nothing of that any more",
    "turn": "a turn is over: `wake_word`, `transcript`, `answer`, `intent`, `ended`",
    "error": "something did not work: `text`",
    "muted": "the microphone is off",
    "unmuted": "the microphone is on again",
    "volume": "the loudness has changed: `percent`, `silenced`",
    "timer-ringing": "a timer, an alarm or a reminder rings: `id`, `text`",
    "timer-stopped": "it rings no more: `id`",
    "connected": "a server that one stays connected to is there: `kind` (`wake`, `handle` or `home_assistant`), `uri`",
    "disconnected": "it is gone: `kind`, `uri`",
}
"""Every event and its data."""


@dataclass(frozen=True)
class SatelliteEvent:
    """One thing that happened."""

    name: str
    """A key of EVENTS."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """By name; text, numbers and booleans."""


Listener = Callable[[SatelliteEvent], None]
"""Takes an event at once, or drops it."""


class Events:
    """Tells every listener. Belongs to the event loop."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._rings: dict[str, str] = {}
        self.state = "idle"
        """One of STATES."""

    def add(self, listener: Listener) -> None:
        """It hears of everything from now on."""
        self._listeners.append(listener)

    def tell(self, name: str, **data: Any) -> None:
        """Something has happened."""
        event = SatelliteEvent(name, data)
        for listener in self._listeners:
            listener(event)

    def turn(self, report: TurnReport) -> None:
        """A turn is over."""
        if report.error:
            self.tell("error", text=report.error)
        said = {"wake_word": report.wake_word or "", "transcript": report.transcript, "answer": report.answer}
        self.tell("turn", **said, intent=report.intent or "", ended=report.ended)

    def be(self, state: str) -> None:
        """The satellite is in this state; told when it was in another."""
        if state != self.state:
            self.state = state
            if state in EVENTS and state != "muted":
                self.tell(state)

    def ring(self, timers: Mapping[str, str]) -> None:
        """These ring now, texts by id; told are those that begin and end."""
        before, self._rings = self._rings, dict(timers)
        for timer_id in before.keys() - timers.keys():
            self.tell("timer-stopped", id=timer_id)
        for timer_id in timers.keys() - before.keys():
            self.tell("timer-ringing", id=timer_id, text=timers[timer_id])
