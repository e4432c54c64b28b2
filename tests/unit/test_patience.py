"""The silence that ends a turn: by class, and by what this speaker was seen to do."""

import pytest

from wyoming_servers.shared.patience import PauseLearner, Prospect, prospect_of, wait_s


def test_a_complete_command_waits_shortest_and_a_begun_one_longest():
    order = (Prospect.COMPLETE, Prospect.EXTENDABLE, Prospect.SENTENCE, Prospect.UNFINISHED, Prospect.PREFIX)
    waits = [wait_s(prospect) for prospect in order]
    assert waits == sorted(waits) and len(set(waits)) == len(waits)


def test_what_nobody_knows_waits_as_long_as_silence_alone_needs():
    assert wait_s(Prospect.SENTENCE) <= wait_s(None) < wait_s(Prospect.UNFINISHED)


def test_the_owner_can_stretch_every_wait():
    assert wait_s(Prospect.COMPLETE, 2.0) == pytest.approx(2 * wait_s(Prospect.COMPLETE))


def test_whoever_was_seen_to_pause_long_is_waited_for():
    learner = PauseLearner()
    for _ in range(4):
        learner.went_on(Prospect.SENTENCE, 1.0)
    assert learner.wait_s(Prospect.SENTENCE) > 1.0


def test_pauses_inside_one_kind_of_sentence_do_not_slow_the_others():
    learner = PauseLearner()
    learner.went_on(Prospect.PREFIX, 1.5)
    assert learner.wait_s(Prospect.COMPLETE) == wait_s(Prospect.COMPLETE)


def test_short_pauses_make_no_wait_shorter():
    learner = PauseLearner()
    learner.went_on(Prospect.EXTENDABLE, 0.05)
    assert learner.wait_s(Prospect.EXTENDABLE) == wait_s(Prospect.EXTENDABLE)


def test_nothing_learnt_makes_a_wait_endless():
    learner = PauseLearner()
    for _ in range(50):
        learner.went_on(Prospect.EXTENDABLE, 60.0)
    assert learner.wait_s(Prospect.EXTENDABLE) <= 2.5 * wait_s(Prospect.EXTENDABLE)


def test_a_slow_day_is_forgotten():
    learner = PauseLearner()
    learner.went_on(Prospect.SENTENCE, 2.0)
    for _ in range(60):
        learner.ended(Prospect.SENTENCE)
    assert learner.wait_s(Prospect.SENTENCE) == wait_s(Prospect.SENTENCE)


@pytest.mark.parametrize("value", ["", "off-grammar", None, 3, ["complete"], {}])
def test_an_unknown_class_is_none(value):
    assert prospect_of(value) is None


@pytest.mark.parametrize("prospect", Prospect)
def test_a_class_is_known_by_its_name_on_the_wire(prospect):
    assert prospect_of(str(prospect)) is prospect
