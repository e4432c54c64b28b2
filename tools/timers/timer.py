"""One timer, and how much of it is left by the clock."""

from dataclasses import dataclass, replace

from wyoming_servers.shared.tool import Clock

RUNNING, PAUSED, FINISHED, RINGING = "running", "paused", "finished", "ringing"


@dataclass(frozen=True)
class Timer:
    """A row of the database. A change makes a new one."""

    id: str
    name: str
    """Empty when it has none."""
    total_s: int
    """What it was set to."""
    state: str
    """`running`, `paused`, `finished` (ended, nobody has heard it), `ringing` (acknowledged, not yet silenced)."""
    satellite_id: str
    """Where it was set and rings; empty for everywhere."""
    area: str
    language: str
    """In which its end is announced."""
    left_s: float
    """Seconds left when it was last written."""
    written_utc: float
    """Wall clock then."""
    written_steady: float
    """The steady clock then; holds as long as `boot` is the same."""
    boot: str

    def left(self, clock: Clock) -> float:
        """Seconds left now; negative by how long it is over. Paused: what it was paused with."""
        return self.left_s if self.state == PAUSED else self.left_s - self.age(clock)

    @property
    def ended(self) -> bool:
        """True once it has run out."""
        return self.state in (FINISHED, RINGING)

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
