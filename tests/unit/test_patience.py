"""The silence that ends a turn: by class, and by what this speaker was seen to do."""

import pytest

from wyoming_servers.shared.patience import PauseLearner, Prosody, Prospect, depends_on_prosody, prospect_of, wait_s


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


OPEN = (None, Prospect.SENTENCE, Prospect.UNFINISHED)
"""Words that leave open whether they are all."""


@pytest.mark.parametrize("prospect", OPEN)
def test_where_words_leave_it_open_a_final_voice_is_waited_for_less(prospect):
    assert wait_s(prospect, prosody=Prosody.FINAL) < wait_s(prospect)


@pytest.mark.parametrize("prospect", [*OPEN, Prospect.EXTENDABLE])
def test_a_voice_that_stays_up_is_waited_for_longer(prospect):
    assert wait_s(prospect, prosody=Prosody.CONTINUING) > wait_s(prospect)


@pytest.mark.parametrize("prosody", Prosody)
@pytest.mark.parametrize("prospect", [Prospect.COMPLETE, Prospect.PREFIX])
def test_what_the_templates_know_for_certain_no_voice_overrules(prospect, prosody):
    assert wait_s(prospect, prosody=prosody) == wait_s(prospect)
    assert not depends_on_prosody(prospect)


def test_a_sentence_that_may_go_on_is_not_hurried_by_the_voice():
    assert wait_s(Prospect.EXTENDABLE, prosody=Prosody.FINAL) == wait_s(Prospect.EXTENDABLE)
    assert depends_on_prosody(Prospect.EXTENDABLE)


def test_whoever_goes_on_after_a_final_voice_is_waited_for_there_and_nowhere_else():
    learner = PauseLearner()
    for _ in range(4):
        learner.went_on(Prospect.SENTENCE, 0.8, Prosody.FINAL)
    assert learner.wait_s(Prospect.SENTENCE, prosody=Prosody.FINAL) > 0.8
    assert learner.wait_s(Prospect.SENTENCE) == wait_s(Prospect.SENTENCE)
