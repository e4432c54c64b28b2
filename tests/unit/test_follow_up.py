"""The microphone opens without a wake word: for whom, how often, and with how much evidence."""

import asyncio
import dataclasses

from virtual_time import virtual

from wyoming_servers.satellite.conversation import Conversation
from wyoming_servers.satellite.follow_up import FollowUp
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.shared.settings import SatelliteSection

ANSWER = TurnReport(handled=True)
QUESTION = TurnReport(handled=True, ask="duration")
FAILURE = TurnReport(handled=False)


def windows(follow_up: FollowUp, report: TurnReport, times: int) -> int:
    return sum(follow_up.after(report) is not None for _ in range(times))


def follow_up(follow_up_s: float = 4.0) -> FollowUp:
    return FollowUp(dataclasses.replace(SatelliteSection(), follow_up_s=follow_up_s))


def test_after_an_answer_it_stays_closed_unless_the_owner_wants_it() -> None:
    assert follow_up(0.0).after(ANSWER) is None


def test_a_question_opens_it_in_any_case_and_what_is_said_is_meant_for_us() -> None:
    window = follow_up(0.0).after(QUESTION)
    assert window and window.asked and window.limits.no_speech_s == 5.0


def test_without_a_question_more_must_be_heard() -> None:
    window = follow_up().after(ANSWER)
    assert window and not window.asked
    assert (window.limits.no_speech_s, window.limits.speech_s) == (4.0, 0.4)


def test_who_interrupts_has_begun_already() -> None:
    window = follow_up(0.0).interrupted()
    assert (window.asked, window.limits.no_speech_s, window.limits.speech_s) == (False, 1.0, 0.4)


def test_three_questions_are_enough() -> None:
    assert windows(follow_up(0.0), QUESTION, 9) == 3


def test_ten_answers_are_enough() -> None:
    assert windows(follow_up(), ANSWER, 50) == 10


def test_questions_and_answers_together_come_to_an_end() -> None:
    asked = follow_up()
    assert windows(asked, QUESTION, 50) + windows(asked, ANSWER, 50) == 13


def test_after_a_second_failure_in_a_row_it_stays_closed() -> None:
    failing = follow_up()
    assert (windows(failing, FAILURE, 1), windows(failing, FAILURE, 5)) == (1, 0)


def test_an_answer_between_two_failures_counts() -> None:
    mixed = follow_up()
    assert [mixed.after(report) is not None for report in (FAILURE, ANSWER, FAILURE)] == [True, True, True]


def test_a_wake_word_begins_the_count_anew() -> None:
    counted = follow_up()
    windows(counted, ANSWER, 50)
    counted.woken()
    assert windows(counted, ANSWER, 50) == 10


@virtual
async def test_what_was_said_is_remembered_longer_than_the_microphone_is_open() -> None:
    conversation = Conversation()
    first = conversation.next_turn()
    await asyncio.sleep(299)
    assert conversation.next_turn() == first


@virtual
async def test_after_five_minutes_of_silence_a_new_conversation_begins() -> None:
    conversation = Conversation()
    first = conversation.next_turn()
    await asyncio.sleep(301)
    assert conversation.next_turn() != first
