"""Two satellites hear the same wake word (s16): one answers, the better one, and the first one waits for nobody. In virtual time."""

import pytest
from turn.rivals import MOST_LATER_S, RIVALRIES, Rivalry, lived


@pytest.fixture(scope="module", params=RIVALRIES, ids=lambda rivalry: rivalry.what)
def rivalry(request) -> Rivalry:
    return request.param


@pytest.fixture(scope="module")
def outcome(rivalry):
    return lived(rivalry)


def test_the_one_that_heard_it_best_answers(rivalry, outcome):
    assert outcome[0].answered_by == rivalry.answered_by


def test_the_command_is_carried_out_by_nobody_else(rivalry, outcome):
    assert outcome[0].effects == len(rivalry.answered_by)


def test_who_answers_is_as_quick_as_alone(outcome):
    assert max(outcome[1]) <= MOST_LATER_S
