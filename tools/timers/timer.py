"""One timer, alarm, reminder or stopwatch, and how much of it is left by the clock."""

from dataclasses import dataclass, replace

from wyoming_servers.shared.tool import Clock

TIMER, ALARM, REMINDER, STOPWATCH = "timer", "alarm", "reminder", "stopwatch"
RUNNING, PAUSED, FINISHED, RINGING, MISSED = "running", "paused", "finished", "ringing", "missed"


@dataclass(frozen=True)
class Timer:
    """A row of the database. A change makes a new one."""

    id: str
    name: str
    """What a reminder is about; empty for a timer or an alarm without a name."""
    total_s: int
    """What it was set to; 0 for what ends at a time of the day."""
    state: str
    """`running`, `paused`, `finished` (ended, nobody has heard it), `ringing` (acknowledged, not yet silenced), `missed` (was told,
    or rang, and nobody silenced it)."""
    satellite_id: str
    """Where it was set and rings; empty for everywhere."""
    area: str
    language: str
    """In which its end is announced."""
    left_s: float
    """Seconds left when it was last written; of a stopwatch, what it shows."""
    written_utc: float
    """Wall clock then."""
    written_steady: float
    """The steady clock then; holds as long as `boot` is the same."""
    boot: str
    kind: str = TIMER
    """`timer`, `alarm`, `reminder` or `stopwatch`."""
    due_utc: float = 0.0
    """When it ends by the wall clock; 0 for what is counted down."""
    clock_time: str = ""
    """`07:30` in the house's time zone, of what comes again."""
    days: str = ""
    """Weekdays on which it comes again, 0 for Monday; empty for once."""

    def left(self, clock: Clock) -> float:
        """Seconds left now; negative by how long it is over. Paused: what it was paused with."""
        if self.due_utc:
            return self.due_utc - clock.now()
        return self.left_s if self.state == PAUSED else self.left_s - self.age(clock)

    def shows(self, clock: Clock) -> float:
        """Seconds on a stopwatch."""
        return self.left_s if self.state == PAUSED else self.left_s + self.age(clock)

    def ends_utc(self, clock: Clock) -> float:
        """When it ends, or ended, by the wall clock."""
        return self.due_utc or clock.now() + self.left(clock)

    @property
    def ended(self) -> bool:
        """True once it has run out, until somebody has silenced it."""
        return self.state in (FINISHED, RINGING)

    def due(self, clock: Clock) -> bool:
        """True when it has run out just now."""
        return self.kind != STOPWATCH and self.state == RUNNING and self.left(clock) <= 0

    def at(self, clock: Clock, left_s: float, state: str | None = None) -> "Timer":
        """The same timer with so much left from now on."""
        return replace(
            self,
            left_s=left_s,
            state=state or self.state,
            written_utc=clock.now(),
            written_steady=clock.steady(),
            boot=clock.boot,
        )

    def age(self, clock: Clock) -> float:
        """Seconds since it was written. Across a restart of the machine only the wall clock knows, which may have been set back."""
        if self.boot and self.boot == clock.boot:
            return clock.steady() - self.written_steady
        return max(0.0, clock.now() - self.written_utc)
