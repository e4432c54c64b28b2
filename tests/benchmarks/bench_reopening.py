"""Who pauses in the middle of a sentence: cut off, or heard out because the turn opens again when they speak on."""

import asyncio
from concurrent.futures import ProcessPoolExecutor

from endpoint.corpus import Utterance, utterances
from turn.hesitations import Heard, hesitate, summary
from turn.profile import load
from virtual_time import VirtualLoop

_CASES = (("n100", 1.0), ("n100-stream", 1.0), ("spark", 1.0), ("pi4", 1.0), ("pi4", 2.0))
"""Houses, and how many times as long as in the corpus the pauses are there: a slow recogniser is waited for longer in any case."""
_EVERY = 2


def report() -> None:
    """Measures in virtual time, and prints a line for each house."""
    said = [each for each in utterances() if each.place][::_EVERY]
    with ProcessPoolExecutor() as pool:
        for house, pauses in _CASES:
            heard = list(pool.map(_hesitate, *zip(*((house, each, pauses) for each in said), strict=True), chunksize=8))
            told = ", ".join(f"{name} {count}" for name, count in summary(heard).items())
            print(f"  {house}, pauses × {pauses:g}: {told}")


def _hesitate(house: str, utterance: Utterance, pauses: float) -> Heard:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(hesitate(load(house), utterance, pauses))
