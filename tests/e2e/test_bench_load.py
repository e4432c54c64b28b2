"""The load mode of the benchmark, for a moment: three processes, real sockets, sound in shared memory."""

import asyncio

import pytest
from turn.load import load_of


@pytest.mark.slow
def test_two_satellites_are_spoken_to_and_heard_from_another_process() -> None:
    load = asyncio.run(load_of(2, 1.0, warm_s=0.0))
    assert load.turns
    assert load.unanswered == 0
    assert load.efforts["satellites"]["cores"] > 0.0
