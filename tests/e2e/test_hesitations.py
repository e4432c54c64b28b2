"""The benchmark of those who pause in the middle of a sentence tells who was cut off from who was heard out."""

import asyncio

import pytest
from endpoint.corpus import COMMAND, CONVERSATION, Utterance
from turn.hesitations import Heard, hesitate, summary
from turn.profile import load
from virtual_time import VirtualLoop


def said(kind: str, before: str, pause_s: float, after: str) -> Utterance:
    words = f"{before} {after}".split()
    return Utterance(0, kind, tuple(words), len(before.split()), pause_s)


QUESTION = said(CONVERSATION, "why is the sky blue", 1.2, "at noon and red in the evening")
CHANGE = said(COMMAND, "turn on the kitchen light", 1.3, "and the fan")


@pytest.mark.parametrize(
    ("utterance", "heard"),
    [(QUESTION, Heard(whole=True, reopened=True, effects=0)), (CHANGE, Heard(whole=False, reopened=False, effects=1))],
)
def test_a_pause_before_a_slow_answer(utterance, heard):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(hesitate(load("n100"), utterance)) == heard


def test_they_are_counted():
    heard = [Heard(True, False, 1), Heard(True, True, 0), Heard(False, False, 1), Heard(True, True, 2)]
    assert list(summary(heard).values()) == [4, 1, 2, 1]
