"""How long a voice that fails is left alone."""

import logging

from wyoming_servers.shared.errors import EngineError
from wyoming_servers.tts.fallback import Trouble


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def pauses(trouble: Trouble, clock: Clock, failures: int) -> list[float]:
    """Seconds until it may be tried again, after each failure in a row."""
    found = []
    for _ in range(failures):
        trouble.failed(EngineError("broken"))
        begun = clock.now_s
        while not trouble.may_be_tried:
            clock.now_s += 1
        found.append(clock.now_s - begun)
    return found


def test_the_first_failure_is_forgiven_and_further_ones_cost_more_and_more():
    clock = Clock()
    assert pauses(Trouble("piper", "espeak", clock), clock, 10) == [0, 5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_success_forgives_everything():
    clock = Clock()
    trouble = Trouble("piper", "espeak", clock)
    pauses(trouble, clock, 5)
    assert trouble.recent
    trouble.worked()
    assert not trouble.recent
    assert pauses(trouble, clock, 2) == [0, 5]


def test_each_incident_is_one_warning_and_its_end_one_line(caplog):
    caplog.set_level(logging.INFO)
    clock = Clock()
    trouble = Trouble("piper", "espeak", clock)
    for _ in range(2):
        pauses(trouble, clock, 3)
        trouble.worked()
        trouble.worked()
    assert [record.getMessage() for record in caplog.records] == [
        "piper: broken; espeak speaks until it works again",
        "piper works again",
    ] * 2
