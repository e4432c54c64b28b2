"""An answer that was broken off: the intent server remembers what was heard of it, and no more."""

import json
from pathlib import Path
from typing import Any

import pytest
from handle_house import MovedClock, ask, decisive, running, sentence
from llm_house import llm_house
from wire import Message, event, wire

STORY = "Once there was a fox. It slept for a hundred years."
HEARD = "Once there was a"


async def after_the_cut(uri: str, cut: dict[str, Any], text: str) -> Message:
    """The answer to a sentence behind `earshot-spoken`."""
    async with wire(uri) as peer:
        await peer.send(event("earshot-spoken", cut))
        await peer.send(sentence(text, conversation_id="talk"))
        return await decisive(peer)


async def test_repeat_that_says_what_was_heard(tmp_path: Path) -> None:
    async with running(tmp_path, MovedClock()) as uri:
        await ask(uri, "what time is it", conversation_id="talk")
        cut = {"conversation_id": "talk", "turn": 1, "transcript": "what time is it", "text": "It's"}
        assert (await after_the_cut(uri, cut, "repeat that")).data["text"] == "It's"


async def test_the_model_reads_what_was_heard_and_no_more(tmp_path: Path) -> None:
    async with llm_house(tmp_path) as house:
        house.llm.on("story", STORY)
        await house.ask("tell me a story")
        await after_the_cut(house.uri, {"conversation_id": "talk", "turn": 1, "transcript": "tell me a story", "text": HEARD}, "go on")
        read = house.llm.answers[-1].body["messages"]
    assert [message["content"] for message in read if message["role"] == "assistant"] == [HEARD]
    assert "hundred years" not in json.dumps(read)


async def test_an_answer_that_nobody_waited_for_is_known_as_far_as_it_was_heard(tmp_path: Path) -> None:
    async with llm_house(tmp_path) as house:
        cut = {"conversation_id": "talk", "turn": 1, "transcript": "tell me a story", "text": HEARD}
        await after_the_cut(house.uri, cut, "go on")
        read = house.llm.answers[-1].body["messages"]
    assert [message["role"] for message in read] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("cut", [{}, {"conversation_id": "talk"}, {"conversation_id": 5, "transcript": [], "text": None}])
async def test_what_makes_no_sense_is_left_alone(tmp_path: Path, cut: dict[str, Any]) -> None:
    async with running(tmp_path, MovedClock()) as uri:
        await ask(uri, "what time is it", conversation_id="talk")
        assert (await after_the_cut(uri, cut, "repeat that")).data["text"] == "It's 5:08 PM."
