"""Histories are bounded in every direction. Expiry is tested over the wire (F 67)."""

from wyoming_servers.handle.conversation import Conversations
from wyoming_servers.shared.tool import Turn


def turn(text: str) -> Turn:
    return Turn(text, "", None, {}, None)


def texts(conversations: Conversations, id: str) -> list[str]:
    return [turn.text for turn in conversations.history(id)]


def test_turns_come_oldest_first():
    conversations = Conversations(lambda: 0.0)
    for text in ("one", "two"):
        conversations.add("a", turn(text))
    assert texts(conversations, "a") == ["one", "two"]


def test_only_the_newest_turns_are_kept():
    conversations = Conversations(lambda: 0.0)
    for number in range(50):
        conversations.add("a", turn(str(number)))
    assert texts(conversations, "a") == [str(number) for number in range(30, 50)]


def test_past_the_bound_the_longest_unused_conversation_goes():
    conversations = Conversations(lambda: 0.0)
    conversations.add("first", turn("x"))
    conversations.add("second", turn("x"))
    conversations.add("first", turn("y"))
    for number in range(255):
        conversations.add(f"other {number}", turn("x"))
    assert (texts(conversations, "first"), texts(conversations, "second")) == (["x", "y"], [])


def answered(text: str, answer: str) -> Turn:
    return Turn(text, answer, "Test", {}, "test")


def answers(conversations: Conversations) -> list[tuple[str, str]]:
    return [(turn.text, turn.answer) for turn in conversations.history("a")]


def test_of_an_answer_that_was_broken_off_the_beginning_counts():
    conversations = Conversations(lambda: 0.0)
    conversations.add("a", answered("tell me a story", "Once upon a time there was a king."))
    conversations.cut_off("a", "tell me a story", "Once upon a time")
    assert answers(conversations) == [("tell me a story", "Once upon a time")]


def test_an_answer_that_was_never_finished_is_remembered_as_far_as_it_was_heard():
    conversations = Conversations(lambda: 0.0)
    conversations.add("a", answered("what time is it", "It is noon."))
    conversations.cut_off("a", "tell me a story", "Once upon a time")
    assert answers(conversations) == [("what time is it", "It is noon."), ("tell me a story", "Once upon a time")]


def test_the_same_question_again_leaves_the_first_answer_alone():
    conversations = Conversations(lambda: 0.0)
    conversations.add("a", answered("tell me a story", "There was a frog."))
    conversations.cut_off("a", "tell me a story", "Once upon a time")
    assert answers(conversations) == [("tell me a story", "There was a frog."), ("tell me a story", "Once upon a time")]


def test_of_two_answers_in_one_the_second_was_not_heard():
    conversations = Conversations(lambda: 0.0)
    conversations.add("a", answered("the time and the date", "It is noon."))
    conversations.add("a", answered("the time and the date", "It is Monday."))
    conversations.cut_off("a", "the time and the date", "It is noon. It")
    assert [answer for _, answer in answers(conversations)] == ["It is noon.", "It"]
