"""The order of things: every round starts every candidate anew, in turn, and gives it the same inputs."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from ..shared.errors import AssistantError
from .candidates import Candidate
from .hosting import Hosted, hosted
from .trials import Entry, Trial

_LOGGER = logging.getLogger(__name__)


class Measure(ABC):
    """How one kind is measured."""

    unit: str
    """What `wait_ms` is, for people."""
    items: Sequence[str]
    """Names of the inputs."""

    def host(self, candidate: Candidate, arguments: Sequence[str]) -> AbstractAsyncContextManager[Hosted]:
        """The candidate at work; see `hosted`."""
        return hosted(candidate, arguments)

    def auto_name(self, candidate: Candidate) -> str:
        """What the settings' `auto` knows it by; empty when it cannot be taken by itself."""
        return candidate.engine

    @abstractmethod
    async def first(self, uri: str) -> None:
        """One request to a server that has just started, so that its model is loaded.

        Raises: AssistantError when it fails.
        """

    @abstractmethod
    async def trial(self, uri: str, item: int, round_number: int) -> Trial:
        """Gives one input.

        Raises: AssistantError.
        """

    @abstractmethod
    def lost(self, item: int, error: str) -> Trial:
        """An input that ended in an error."""

    async def judge(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        """Fills in what is found out after the candidate has been stopped, so that judging does not disturb measuring."""
        return trials


async def race(
    candidates: Sequence[Candidate],
    measure: Measure,
    rounds: int,
    arguments: Sequence[str],
    told: Callable[[str], None] = lambda line: None,
) -> list[Entry]:
    """Runs all rounds. A candidate that cannot go on is left out from then on, with the reason in its entry.

    told: is given a line per candidate and round.
    """
    entries = [Entry(candidate) for candidate in candidates]
    for number in range(rounds):
        shift = number % max(1, len(entries))
        for entry in entries[shift:] + entries[:shift]:  # nobody is always first, or always after the same
            if entry.failure:
                continue
            told(f"round {number + 1} of {rounds}: {entry.candidate.name}")
            try:
                async with measure.host(entry.candidate, arguments) as server:
                    trials = await _round(server, entry, measure, number)
                entry.trials += await measure.judge(trials)
            except AssistantError as err:
                entry.failure = str(err)
                told(f"{entry.candidate.name} is out: {err}")
    return entries


async def _round(server: Hosted, entry: Entry, measure: Measure, number: int) -> list[Trial]:
    await measure.first(server.uri)
    entry.cold_s.append(time.perf_counter() - server.begun_s)
    trials = []
    for item, name in enumerate(measure.items):
        try:
            trials.append(await measure.trial(server.uri, item, number))
        except AssistantError as err:
            _LOGGER.info("%s, %s: %s", entry.candidate.name, name, err)
            trials.append(measure.lost(item, str(err)))
    if (memory := server.memory_mb()) is not None:
        entry.memory_mb.append(memory)
    return trials
