"""The load mode of the benchmark, for a moment: three processes, real sockets, sound in shared memory."""

import asyncio
import dataclasses
import json

import pytest
from turn.load import Load, load_of
from turn.real_targets import load_rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def load() -> Load:
    return asyncio.run(load_of(2, 1.0, warm_s=0.0))


def test_what_is_said_in_another_process_is_answered_whole(load):
    assert load.turns
    assert load.unanswered == 0


def test_the_processor_time_of_the_satellites_is_told(load):
    assert 0.0 < load.efforts["satellites"]["cores"] < 2.0


def test_what_was_measured_can_be_kept(load):
    assert json.loads(json.dumps([dataclasses.asdict(row) for row in load_rows([load])]))[0]["n"] == len(load.turns)
