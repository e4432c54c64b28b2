"""A language model before it is certain that the user has finished: it may write, and changes nothing."""

import asyncio

from fake_llm import Call
from handle_house import decisive, sentence
from llm_house import llm_house
from wire import wire

PROVISIONAL = "earshot-provisional"


async def test_a_call_that_changes_something_is_held_and_then_made_without_asking_again(tmp_path):
    async with llm_house(tmp_path) as house, wire(house.uri) as peer:
        house.llm.on("warm", Call("oven", {"degrees": 200}))
        house.llm.on("cold", Call("oven", {"degrees": 100}))
        text = "make it warm, 200 degrees"
        await peer.send(sentence(text, PROVISIONAL))
        await peer.receive_type("earshot-prospect")
        await house.llm._until(lambda: bool(house.llm.answers and house.llm.answers[-1].generated))
        assert await house.said("make it cold, 100 degrees", conversation="other") == "Oven at 100 degrees, heated 1 times."
        await peer.send(sentence(text))
        assert (await decisive(peer)).data["text"] == "Oven at 200 degrees, heated 2 times."
        assert len(house.llm.answers) == 2


async def test_a_call_that_only_tells_is_answered_ahead_also_where_the_tool_changes_things(tmp_path):
    async with llm_house(tmp_path, own_tool=False) as house, wire(house.uri) as peer:
        house.llm.on("egg", Call("timers", {"action": "status"}))
        await peer.send(sentence("my egg needs how much more boiling", PROVISIONAL))
        assert (await peer.receive_type("handled-chunk")).data["text"] == "You have no timers."


async def test_a_call_that_is_hung_up_on_is_never_made(tmp_path):
    async with llm_house(tmp_path) as house:
        house.llm.on("warm", Call("oven", {"degrees": 200}))
        async with wire(house.uri) as peer:
            await peer.send(sentence("make it warm, 200 degrees", PROVISIONAL))
            await house.llm._until(lambda: bool(house.llm.answers and house.llm.answers[-1].generated))
        assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."


async def test_hanging_up_ends_the_work_at_the_server(tmp_path):
    async with llm_house(tmp_path) as house:
        house.llm.faults.append(house.llm.stops_after("The first is here. "))
        async with wire(house.uri) as peer:
            await peer.send(sentence("tell me two sentences", PROVISIONAL))
            await peer.receive_type("handled-chunk")
        assert await asyncio.to_thread(house.llm.left.wait, 5)


async def test_what_was_hung_up_on_the_model_never_hears_of(tmp_path):
    async with llm_house(tmp_path, read_ahead=False) as house:
        house.llm.on("secret", "I heard. ")
        async with wire(house.uri) as peer:
            await peer.send(sentence("the secret word is plum", PROVISIONAL, conversation_id="talk"))
            await peer.receive_type("handled-chunk")
        await house.said("name a planet")
        assert "plum" not in str(house.llm.answers[-1].body)


async def test_what_became_certain_the_model_remembers_once(tmp_path):
    async with llm_house(tmp_path, read_ahead=False) as house:
        house.llm.on("secret", "I heard. ")
        text = "the secret word is plum"
        async with wire(house.uri) as peer:
            await peer.send(sentence(text, PROVISIONAL, conversation_id="talk"))
            await peer.receive_type("handled-chunk")
            await peer.send(sentence(text, conversation_id="talk"))
            await decisive(peer)
        await house.said("name a planet")
        assert str(house.llm.answers[-1].body).count("plum") == 1
