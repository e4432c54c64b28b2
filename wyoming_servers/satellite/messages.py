"""What the state machine is told."""

from dataclasses import dataclass

import numpy as np

from ..shared.patience import Prospect
from .home_run import HomeSpeech
from .interruption import Understood
from .links import FinishedTimer, Saying
from .report import TurnReport
from .turn import TurnId


@dataclass(frozen=True)
class Frame:
    """The microphone gave sound."""

    samples: np.ndarray
    """(n,) int16 mono 16 kHz."""
    heard_at: float
    """Loop time of its last sample."""


@dataclass(frozen=True)
class WakeWord:
    """The wake server heard a wake word."""

    name: str
    end: int
    """Position in the microphone's stream, in samples."""


@dataclass(frozen=True)
class TurnOver:
    """A turn has run to its end."""

    turn: TurnId
    report: TurnReport


@dataclass(frozen=True)
class TimerCancelled:
    """A timer is no more."""

    id: str


@dataclass(frozen=True)
class RingOver:
    """It has rung for as long as it may."""

    ring: int
    """Which ringing."""


@dataclass(frozen=True)
class SaidOver:
    """What was to be said has been said."""

    saying: int
    """Which saying."""


@dataclass(frozen=True)
class MicrophoneLost:
    """There is no sound any more: whoever speaks is not heard."""


@dataclass(frozen=True)
class MicrophoneMuted:
    """The microphone was switched off, or on again."""

    muted: bool


@dataclass(frozen=True)
class HeardOut:
    """Home Assistant has found the end of a command by itself."""

    turn: TurnId


@dataclass(frozen=True)
class Judged:
    """The intent server knows what may follow what was said."""

    turn: TurnId
    revision: int
    prospect: Prospect | None


@dataclass(frozen=True)
class Yielded:
    """Another satellite heard the same wake word better, and answers."""

    turn: int
    """The number of the turn that is over here."""


@dataclass(frozen=True)
class Announcement:
    """Home Assistant has something said here."""

    speech: HomeSpeech


@dataclass(frozen=True)
class HomeChanged:
    """Home Assistant has come, gone, muted this satellite or unmuted it."""


Interjection = FinishedTimer | TimerCancelled | RingOver | Saying | SaidOver | Announcement | Yielded
Message = Frame | MicrophoneLost | MicrophoneMuted | WakeWord | TurnOver | HeardOut | Judged | HomeChanged | Understood | Interjection
