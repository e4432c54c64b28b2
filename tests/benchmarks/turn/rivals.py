"""Two satellites that hear the same wake word, in virtual time: who answers, and whether anybody had to wait for that."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from virtual_time import VirtualLoop

from .day import Day, running
from .engines import engines_here
from .house import Answer
from .profile import load
from .rooms import Room
from .scenes import Scene, house_of
from .stage import Stage
from .targets import Row

_COMMAND = Scene("command", "", ("turn on the kitchen light",), Answer("The light is on.", changes=True))
_SCENES = (_COMMAND,)
_OVER_S = 4.0
MOST_LATER_S = 0.032
"""A frame: microphones do not begin theirs at the same time."""


@dataclass(frozen=True)
class Rivalry:
    """How the second satellite hears what the first one hears, too."""

    what: str
    late_s: float = 0.0
    louder_db: float = 0.0
    """Less than 0 when it is further away."""
    answered_by: tuple[int, ...] = (0,)
    """Who is to answer; 0 is the first one."""
    stock: bool = False
    """True where the intent server knows nothing of satellites."""


RIVALRIES = (
    Rivalry("both at once, the second one louder", louder_db=6.0, answered_by=(1,)),
    Rivalry("both at once, the second one softer", louder_db=-6.0),
    Rivalry("the second one 150 ms later, as loud", late_s=0.15),
    Rivalry("the second one 150 ms later, and louder", late_s=0.15, louder_db=6.0, answered_by=(1,)),
    Rivalry("with a stock intent server", late_s=0.15, louder_db=6.0, answered_by=(0, 1), stock=True),
)


@dataclass(frozen=True)
class Outcome:
    """What was heard of each satellite."""

    waited_s: tuple[float | None, ...]
    """From the end of speech there to its answer; None where it said nothing."""
    effects: int
    """How often the command was carried out."""

    @property
    def answered_by(self) -> tuple[int, ...]:
        """Who spoke."""
        return tuple(at for at, waited_s in enumerate(self.waited_s) if waited_s is not None)


@dataclass(frozen=True)
class Place:
    """How one of them hears what is said."""

    late_s: float = 0.0
    louder_db: float = 0.0
    """Than 12 dB below as loud as it was spoken."""


async def heard_by(*places: Place, stock: bool = False) -> Outcome:
    """A command, after the wake word, where satellites are at these places."""
    async with _satellites(len(places), stock) as stages:
        ended = [
            stage.say("command", late_s=place.late_s, softer_db=12.0 - place.louder_db)[1]
            for stage, place in zip(stages, places, strict=True)
        ]
        await asyncio.gather(*(stage.pass_by(max(ended) - stage.now + _OVER_S) for stage in stages))
        began = [min((since for since, _, _ in stage.speech), default=None) for stage in stages]
        waited_s = tuple(at and at - end for at, end in zip(began, ended, strict=True))
        return Outcome(waited_s, len(stages[0].engines.effects))


@asynccontextmanager
async def _satellites(count: int, stock: bool) -> AsyncIterator[Sequence[Stage]]:
    house = house_of(load("h100"), _SCENES)
    house.knows_satellites = not stock
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engines = await stack.enter_async_context(engines_here(house, folder))
        days = [Day(house, engines, Room(at), name=f"bench-{at}") for at in range(count)]
        for day in days:
            await stack.enter_async_context(running("ours", day))
        yield [Stage(day, _SCENES) for day in days]


def lived(rivalry: Rivalry) -> tuple[Outcome, tuple[float, ...]]:
    """What came of it; and how much later than alone, at the same place, each of those who answered did."""
    places = (Place(), Place(rivalry.late_s, rivalry.louder_db))
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        outcome = runner.run(heard_by(*places, stock=rivalry.stock))
        later_s = []
        for at in outcome.answered_by:
            (alone_s,) = runner.run(heard_by(places[at], stock=rivalry.stock)).waited_s
            later_s.append((outcome.waited_s[at] or 0.0) - (alone_s or 0.0))
        return outcome, tuple(later_s)


def rows() -> list[Row]:
    """One for each way in which two of them hear a wake word."""
    return [_row(rivalry) for rivalry in RIVALRIES]


def _row(rivalry: Rivalry) -> Row:
    outcome, later_s = lived(rivalry)
    names = ("the first", "the second")
    target = " and ".join(names[at] for at in rivalry.answered_by)
    spoke = [f"{names[at]} (+ {max(0.0, late_s) * 1000:.0f} ms)" for at, late_s in zip(outcome.answered_by, later_s, strict=True)]
    met = outcome.answered_by == rivalry.answered_by and outcome.effects == len(rivalry.answered_by) and max(later_s) <= MOST_LATER_S
    why = "nobody arbitrates there: each satellite answers as if it were alone" if rivalry.stock else ""
    name = f"two satellites, {rivalry.what}: who answers, and how much later than alone (s16)"
    return Row(name, target, " and ".join(spoke) or "nobody", 1, met, why)
