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
