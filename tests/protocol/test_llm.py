"""A language model behind the templates, over the wire: what is asked of its server, what is spoken, what it costs."""

import asyncio
import json
import re

import pytest
from fake_llm import Call, FakeLlm, Thought, fake_llm
from fake_web import serving
from handle_house import sentence
from llm_house import FORECAST, llm_house
from wire import wire

HOT = Call("oven", {"degrees": 200})


@pytest.fixture
async def house(tmp_path):
    async with llm_house(tmp_path) as running:
        yield running


async def test_what_no_template_fits_is_answered_by_the_model(house):
    house.llm.on("red planet", "Mars is the red planet.")
    answer = await house.ask("which one is the red planet")
    assert (answer.type, answer.data["text"]) == ("handled", "Mars is the red planet.")


async def test_a_template_goes_before_the_model(house):
    await house.ask("never mind")
    assert house.llm.answers == []


async def test_the_answer_is_sent_sentence_by_sentence(house):
    house.llm.on("story", "Once there was a fox. It slept.\nThe end!")
    events = await house.events("tell me a story")
    assert [event.data.get("text") for event in events] == [
        None,
        "Once there was a fox.",
        " It slept.",
        " The end!",
        "Once there was a fox. It slept. The end!",
    ]


async def test_a_sentence_is_heard_while_the_next_is_written(house):
    house.llm.faults.append(house.llm.stops_after("The first is here. ", "The second is"))
    async with wire(house.uri) as peer:
        await peer.send(sentence("tell me two sentences"))
        assert (await peer.receive()).type == "handled-start"
        assert (await peer.receive()).data["text"] == "The first is here."


async def test_a_listener_who_hangs_up_ends_the_work_at_the_server(house):
    house.llm.faults.append(house.llm.stops_after("The first is here. "))
    async with wire(house.uri) as peer:
        await peer.send(sentence("tell me two sentences"))
        while (await peer.receive()).type != "handled-chunk":
            pass
    assert await asyncio.to_thread(house.llm.left.wait, 15)


async def test_markup_and_pictures_are_not_spoken(house):
    house.llm.on("planet", "**Mars** 🚀 is `red`.")
    assert await house.said("name a red planet") == "Mars is red."


async def test_thoughts_are_not_spoken(house):
    house.llm.on("planet", (Thought("The user wants a planet."), "<think>Which? Mars.</think>Mars is one."))
    assert await house.said("name a planet") == "Mars is one."


async def test_thinking_is_switched_off(house):
    await house.ask("name a planet")
    assert house.llm.answers[0].body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_thinking_may_be_switched_on(tmp_path):
    async with llm_house(tmp_path, thinking=True) as house:
        await house.ask("name a planet")
        assert "chat_template_kwargs" not in house.llm.answers[0].body


async def test_what_a_tool_says_is_the_answer_and_the_model_is_not_asked_again(house):
    house.llm.on("warm", HOT)
    assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."
    assert len(house.llm.answers) == 1


async def test_how_it_came_about_is_told(house):
    house.llm.on("warm", HOT)
    told = await house.told("make it warm, 200 degrees")
    llm = told["data"]["llm"]
    assert (told["route"], told["tool"], llm["model"], llm["rounds"]) == ("llm", "oven", "small-model", 1)
    assert llm["prompt"] > llm["cached"] > 0 < llm["generated"] and llm["first_ms"] > 0


async def test_of_a_tool_that_wants_it_the_model_makes_the_sentence(tmp_path):
    async with llm_house(tmp_path, final=False) as house:
        house.llm.on("warm", HOT)
        house.llm.after_tool("Oven at 200", "It is nice and warm.")
        assert await house.said("make it warm, 200 degrees") == "It is nice and warm."


async def test_two_calls_in_one_answer_are_both_carried_out(house):
    house.llm.on("warm", (HOT, Call("oven", {"degrees": 100}, id="call_2")))
    assert await house.said("make it warm, 200 degrees and then 100") == (
        "Oven at 200 degrees, heated 1 times. Oven at 100 degrees, heated 2 times."
    )


async def test_a_tools_question_is_asked_and_its_answer_reaches_the_model(house):
    house.llm.on("warm", Call("oven", {}))
    house.llm.on("200", HOT)
    assert await house.said("make it warm") == "How hot?"
    assert await house.said("200 of them") == "Oven at 200 degrees, heated 2 times."


async def test_what_a_template_answered_is_known_to_the_model(tmp_path):
    async with llm_house(tmp_path, own_tool=False) as house:
        await house.ask("what time is it")
        await house.ask("is that late for a child of six")
        roles = [message["role"] for message in house.llm.answers[0].body["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


async def test_conversations_are_kept_apart(house):
    await house.ask("my name is Ada", conversation="one")
    await house.ask("who am I", conversation="two")
    assert "Ada" not in json.dumps(house.llm.answers[-1].body["messages"])


async def test_time_room_and_language_come_last_and_once(house):
    await house.ask("name a planet", language="de")
    await house.ask("name another", language="de")
    system, first, _, second = house.llm.answers[-1].body["messages"]
    assert re.fullmatch(r"name a planet \[\w+day \d{4}-\d\d-\d\d \d\d:\d\d, German\]", first["content"])
    assert second["content"] == "name another"
    assert "German" not in system["content"]


async def test_from_the_second_turn_on_nearly_all_is_cached(tmp_path):
    async with llm_house(tmp_path, own_tool=False, read_ahead=True) as house:
        house.llm.on("timer", Call("timers", {"action": "start", "minutes": 5}))
        house.llm.on("planet", "Mars is one. It is red.")
        questions = (
            "name a planet",
            "would a timer for 5 minutes do",
            "name another planet",
            "and what of a third one",
            "that planet again",
        )
        for number, question in enumerate(questions):
            await house.ask(question)
            await house.llm.read_aheads(number + 2)
        later = house.llm.answers[1:]
        assert [asked.cached / asked.prompt >= 0.98 for asked in later] == [True] * len(later), [(a.cached, a.prompt) for a in later]


async def test_a_new_conversation_finds_the_prompt_cached(tmp_path):
    async with llm_house(tmp_path, own_tool=False) as house:
        await house.ask("name a planet", conversation="one")
        await house.ask("name a planet", conversation="two")
        asked = house.llm.answers[-1]
        assert asked.cached / asked.prompt > 0.95


async def test_the_prompt_and_the_tools_are_the_same_bytes_in_every_request(house):
    for text, language in (("name a planet", "en"), ("nenne einen Planeten", "de"), ("never heard of it", "en")):
        await house.ask(text, language=language, conversation=text)
    beginnings = {json.dumps([asked.body["messages"][0], asked.body["tools"]]) for asked in house.llm.requests}
    assert len(beginnings) == 1


async def test_one_pass_answers_a_tools_question_twice_as_soon_as_two(tmp_path):
    seconds = {}
    for final in (True, False):
        async with fake_llm(prefill=10.0, generation=1.6) as llm:
            folder = tmp_path / str(final)
            folder.mkdir()
            async with llm_house(folder, llm, final=final) as house:
                llm.on("Paris", Call("sky", {"place": "Paris"}))
                llm.after_tool("Paris", FORECAST)
                assert await house.said("should I take an umbrella to Paris") == FORECAST
                seconds[final] = sum(asked.seconds for asked in llm.answers)
    assert seconds[False] >= 2 * seconds[True], seconds


async def test_what_a_tool_says_is_out_before_the_model_has_closed_the_call(tmp_path):
    async with llm_house(tmp_path, idle_s=60.0) as house:
        house.llm.faults.append(house.llm.stops_in_a_call(Call("oven"), '{"degrees": 200}'))
        async with wire(house.uri) as peer:
            await peer.send(sentence("make it warm, 200 degrees"))
            while (chunk := await peer.receive()).type != "handled-chunk":
                pass
        assert chunk.data["text"] == "Oven at 200 degrees, heated 1 times."


async def test_the_calls_after_the_first_are_carried_out_as_well(house):
    house.llm.on("warm", (Call("oven", {"degrees": 200}), Call("oven", {"degrees": 180}, id="call_fake_2")))
    answer = await house.said("make it warm, 200 degrees and 180 degrees")
    assert answer == "Oven at 200 degrees, heated 1 times. Oven at 180 degrees, heated 2 times."


async def test_the_prompt_is_read_before_anybody_asks(house):
    assert house.llm.requests[0].read_ahead and house.llm.answers == []


async def test_a_server_that_comes_up_later_is_found_and_warmed_up(tmp_path, caplog):
    caplog.set_level("INFO")
    llm = FakeLlm()
    async with llm_house(tmp_path, llm, warm=False, check_s=1) as house:
        assert await house.said("name a planet") == "I can't reach my language model right now."
        with serving(llm):
            await llm.read_aheads(1)
            llm.on("planet", "Mars.")
            assert await house.said("name a planet") == "Mars."
    assert "language model small-model at" in caplog.text


async def test_another_model_is_warmed_up_as_well(tmp_path):
    async with llm_house(tmp_path, check_s=1) as house:
        house.llm.models = [{"id": "other-model"}]
        await house.llm.read_aheads(2)
        assert house.llm.requests[-1].body["model"] == "other-model"


async def test_without_a_configured_model_the_one_for_talking_is_taken(tmp_path):
    async with fake_llm() as llm:
        llm.models = [{"id": "nomic-embed-text"}, {"id": "qwen3:4b", "owned_by": "library"}]
        async with llm_house(tmp_path, llm) as house:
            await house.ask("name a planet")
            assert (llm.answers[0].body["model"], llm.answers[0].body["reasoning_effort"]) == ("qwen3:4b", "none")


async def test_a_field_the_server_refuses_is_not_sent_again(house):
    house.llm.unknown_fields = {"chat_template_kwargs"}
    house.llm.on("planet", "Mars.")
    assert [await house.said("name a planet"), await house.said("name a planet")] == ["Mars.", "Mars."]
    assert house.llm.seen.count(("POST", "/v1/chat/completions")) == 1 + 3


async def test_a_server_that_does_not_stream_is_understood(house):
    house.llm.streams = False
    house.llm.on("planet", "Mars.")
    assert await house.said("name a planet") == "Mars."


async def test_the_key_is_sent_and_appears_in_no_log(tmp_path, caplog):
    caplog.set_level("DEBUG")
    (tmp_path / "key").write_text("sesame\n")
    async with fake_llm() as llm:
        llm.key = "sesame"
        async with llm_house(tmp_path, llm, key_file=str(tmp_path / "key")) as house:
            llm.on("planet", "Mars.")
            assert await house.said("name a planet") == "Mars."
    assert "sesame" not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("wyoming_servers"))


async def test_without_an_endpoint_nothing_of_it_is_loaded(tmp_path):
    async with llm_house(tmp_path, base_url="", warm=False) as house:
        answer = await house.ask("name a planet")
    assert (answer.type, answer.data["text"]) == ("not-handled", "I don't know that yet.")
