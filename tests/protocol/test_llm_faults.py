"""Whatever the language model or its server does wrong has a short spoken outcome, in the language of the request."""

import pytest
from fake_llm import Call, Thought, fake_llm
from fake_web import content, cut, endless, hang_up, status
from llm_house import llm_house

from wyoming_servers.shared import paths

UNSURE = "I'm not sure what you meant; please say it again."
FAILED = "My language model has a problem right now."
SLOW = "That is taking me too long, sorry."
CUT = "Sorry, I lost my train of thought."
LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
CALL_CUT = (
    'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"oven","arguments":"{\\"degrees\\": 200"}}]}}]}\n\n'
)
FAULTS = {
    "500": (status(500), FAILED),
    "a web page": (content(b"<html>", "text/html"), FAILED),
    "half an answer": (cut(b'data: {"choices":', "text/event-stream"), FAILED),
    "no end": (endless(b"x" * 65536, "text/event-stream"), FAILED),
    "401": (status(401), "My language model doesn't let me in; its key needs a look."),
    "404": (status(404), "My language model isn't where it should be."),
    "429": (status(429), "My language model isn't ready; try again in a moment."),
    "503 while the model is loaded": (
        status(503, {"error": {"message": "Loading model"}}),
        "My language model isn't ready; try again in a moment.",
    ),
    "a redirect": (status(302, Location="http://elsewhere.invalid/"), FAILED),
}


@pytest.fixture
async def house(tmp_path):
    async with llm_house(tmp_path, first_token_s=1.0, idle_s=0.5) as running:
        yield running


@pytest.mark.parametrize("name", FAULTS)
async def test_a_failing_server_has_a_spoken_outcome(house, name):
    handler, outcome = FAULTS[name]
    house.llm.faults.append(house.llm.answers_with(handler))
    answer = await house.ask("name a planet")
    assert (answer.type, answer.data["text"]) == ("not-handled", outcome)


async def test_all_is_well_after_a_failure(house):
    house.llm.faults.append(house.llm.answers_with(status(500)))
    house.llm.on("planet", "Mars.")
    assert [await house.said("name a planet"), await house.said("name a planet")] == [FAILED, "Mars."]


async def test_what_failed_is_not_told_to_the_model_as_its_own_words(house):
    house.llm.faults.append(house.llm.answers_with(status(500)))
    await house.ask("name a planet")
    await house.ask("name another one")
    assert [message["role"] for message in house.llm.answers[-1].body["messages"]] == ["system", "user"]


async def test_a_server_that_hangs_before_the_first_word_is_given_up(house):
    house.llm.faults.append(house.llm.answers_with(house.llm.stuck))
    assert await house.said("name a planet") == SLOW


async def test_a_stream_without_a_first_word_is_given_up(house):
    house.llm.faults.append(house.llm.stops_after())
    assert await house.said("name a planet") == SLOW


async def test_thinking_in_place_of_a_first_word_is_given_up(house):
    house.llm.faults.append(house.llm.stops_after("<think>", "Hmm"))
    assert await house.said("name a planet") == SLOW


async def test_a_trickle_is_ended_by_the_absolute_deadline(tmp_path):
    async with llm_house(tmp_path, total_s=1.0, idle_s=30) as house:
        house.llm.faults.append(house.llm.stops_after("Mars is one. ", "And then there is"))
        assert await house.said("name a planet") == f"Mars is one. {CUT}"


async def test_a_server_that_stops_in_the_middle_ends_in_an_honest_sentence(house):
    house.llm.faults.append(house.llm.stops_after("Mars is one. ", "And then there is"))
    answer = await house.ask("name a planet")
    assert (answer.type, answer.data["text"]) == ("handled", f"Mars is one. {CUT}")


async def test_a_server_that_dies_in_the_middle_ends_in_an_honest_sentence(house):
    house.llm.faults.append(house.llm.dies_after("Mars is one. ", "And"))
    assert await house.said("name a planet") == f"Mars is one. {CUT}"


async def test_a_call_that_was_cut_off_is_not_carried_out(house):
    house.llm.faults.append(house.llm.says(CALL_CUT))
    assert await house.said("make it warm, 200 degrees") == FAILED


async def test_a_whole_call_is_carried_out_also_when_its_end_never_comes(house):
    house.llm.faults.append(house.llm.stops_in_a_call(Call("oven"), '{"degrees": 200}'))
    answer = await house.ask("make it warm, 200 degrees")
    assert (answer.type, answer.data["text"]) == ("handled", "Oven at 200 degrees, heated 1 times.")


async def test_a_server_that_hangs_up_before_it_answers_is_asked_again(house):
    house.llm.faults.append(house.llm.answers_with(hang_up))
    house.llm.on("planet", "Mars.")
    assert await house.said("name a planet") == "Mars."


async def test_an_error_within_the_stream_is_spoken(house):
    house.llm.faults.append(house.llm.says('data: {"error": {"message": "out of memory"}}\n\n'))
    assert await house.said("name a planet") == FAILED


@pytest.mark.parametrize(
    "garbage", ["data: {\n\n", "data: [1]\n\n", 'data: {"choices": 3}\n\n', 'data: {"choices": [{"delta": {"content": 5}}]}\n\n']
)
async def test_garbage_in_the_stream_is_spoken(house, garbage):
    house.llm.faults.append(house.llm.says(garbage))
    assert await house.said("name a planet") == FAILED


async def test_nobody_listening_at_the_address_is_spoken(tmp_path):
    async with fake_llm() as llm:
        pass
    async with llm_house(tmp_path, llm, warm=False) as house:
        assert await house.said("name a planet") == "I can't reach my language model right now."


async def test_a_model_that_is_not_served_is_spoken(tmp_path):
    async with llm_house(tmp_path, warm=False, model="missing-model") as house:
        assert await house.said("name a planet") == "My language model isn't where it should be."


@pytest.mark.parametrize("reply", ["", " \n", "😀", (Thought("Let me see."),), "<think>Let me see.</think>"])
async def test_an_answer_without_words_is_owned_up_to(house, reply):
    house.llm.on("planet", reply)
    assert await house.said("name a planet") == "I have no answer to that."


async def test_half_a_sentence_at_the_token_limit_is_left_out(tmp_path):
    async with llm_house(tmp_path, max_tokens=16) as house:
        house.llm.on("story", "Once there was a fox. He lived in the wood with his old mother and ate nothing but grapes.")
        assert await house.said("tell me a story") == "Once there was a fox."


async def test_a_model_that_repeats_itself_is_stopped(house):
    house.llm.on("story", "So it goes. " * 20)
    assert await house.said("tell me a story") == "So it goes. So it goes."


async def test_a_model_that_never_stops_is_stopped(tmp_path):
    async with llm_house(tmp_path, max_tokens=4000) as house:
        house.llm.on("story", " ".join(f"This is sentence number {number} of a very long story." for number in range(100)))
        assert 500 < len(await house.said("tell me a story")) <= 700


async def test_an_unknown_tool_is_refused_and_the_model_asked_again(house):
    house.llm.on("warm", Call("microwave", {}), "I have an oven only.")
    assert await house.said("make it warm") == "I have an oven only."
    assert "no such tool" in house.llm.answers[-1].body["messages"][-1]["content"]


@pytest.mark.parametrize(
    "call",
    [
        Call("microwave", {}),
        Call("oven", "no json at all"),
        Call("oven", {"heat": 200}),
        Call("oven", {"degrees": 5}),
        Call("oven", {"degrees": 220}),
        Call("oven", {"degrees": 200, "dish": "lasagne"}),
        '{"name": "microwave", "arguments": {}}',
        "```json\n[]\n```",
    ],
)
async def test_a_model_that_insists_on_a_bad_call_is_not_believed(house, call):
    house.llm.on("warm|proper way", call)
    answer = await house.ask("make it warm, 200 degrees, level 5")
    assert (answer.type, answer.data["text"], len(house.llm.answers)) == ("not-handled", UNSURE, 2)


async def test_an_invented_argument_is_refused_and_may_be_put_right(house):
    house.llm.on("warm", Call("oven", {"degrees": 180}), "How hot should it be?")
    assert await house.said("make it warm") == "How hot should it be?"


@pytest.mark.parametrize(
    "call",
    [
        Call("oven", '"{\\"degrees\\": 200}"'),
        Call("oven", "{'degrees': 200,}"),
        Call("oven", '```json\n{"degrees": "200 degrees"}\n```'),
        Call("oven", '{"degrees": 200.0, "dish": null, "mode": "Grill"'),
        Call("oven", '{"name": "oven", "arguments": {"degrees": 200}}'),
        '<tool_call>\n{"name": "oven", "arguments": {"degrees": 200}}\n</tool_call>',
        '{"name": "oven", "parameters": {"degrees": "200"}}',
        '[TOOL_CALLS][{"name": "oven", "arguments": {"degrees": 200}}]',
    ],
)
async def test_what_small_models_get_wrong_is_put_right(house, call):
    house.llm.on("warm", call)
    assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "make it two hundred and twenty degrees warm"),
        ("de", "mach ihn zweihundertzwanzig Grad warm"),
        ("fr", "chauffe warm à deux cent vingt degrés"),
        ("es", "pon el warm a doscientos veinte grados"),
        ("it", "scalda warm a duecentoventi gradi"),
        ("nl", "maak hem tweehonderdtwintig graden warm"),
    ],
)
async def test_numbers_said_in_words_are_no_invention(house, language, text):
    house.llm.on("warm", Call("oven", {"degrees": 220}))
    assert await house.said(text, language=language) == "Oven at 220 degrees, heated 1 times."


async def test_a_change_is_made_once_however_often_it_is_asked_for(tmp_path):
    async with llm_house(tmp_path, final=False) as house:
        house.llm.on("warm", Call("oven", {"degrees": 200}))
        assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."


async def test_the_same_call_twice_in_one_answer_is_carried_out_once(house):
    call = Call("oven", {"degrees": 200})
    house.llm.on("warm", (call, call))
    assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."


async def test_a_model_that_calls_for_ever_is_stopped_and_what_the_tool_did_is_told(tmp_path):
    async with llm_house(tmp_path, final=False, changes=False, rounds=2) as house:
        house.llm.on("warm", Call("oven", {"degrees": 200}))
        assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."
        assert len(house.llm.answers) == 2


async def test_a_model_that_talks_and_calls_for_ever_ends_in_an_honest_sentence(tmp_path):
    async with llm_house(tmp_path, final=False, changes=False, rounds=2) as house:
        both = [("Let me see.", Call("oven", {"degrees": degrees})) for degrees in (200, 100)]
        house.llm.on("warm", *both)
        assert await house.said("make it warm, 100 or 200 degrees") == "Let me see. Let me see. I couldn't get that done."


async def test_a_server_that_hangs_after_a_tool_has_worked_lets_the_tool_speak(tmp_path):
    async with llm_house(tmp_path, final=False, first_token_s=1.0) as house:
        house.llm.on("warm", Call("oven", {"degrees": 200}))
        house.llm.faults.extend((house.llm.answering, house.llm.answers_with(house.llm.stuck)))
        assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."


async def test_what_a_tool_did_is_told_when_the_model_dies_afterwards(tmp_path):
    async with llm_house(tmp_path, final=False) as house:
        house.llm.on("warm", Call("oven", {"degrees": 200}))

        async def break_down(request, body):
            house.llm.faults.clear()
            house.llm.faults.append(house.llm.answers_with(status(500)))
            return await house.llm._answer(request, house.llm.requests[-1], (Call("oven", {"degrees": 200}),))

        house.llm.faults.append(break_down)
        assert await house.said("make it warm, 200 degrees") == "Oven at 200 degrees, heated 1 times."


@pytest.mark.parametrize("language", LANGUAGES)
async def test_failures_are_spoken_in_the_language_of_the_request(house, language):
    house.llm.faults.append(house.llm.answers_with(status(500)))
    assert await house.said("Mars", language=language) == sentences(language)["llm_failed"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_sentence_for_every_failure(language):
    assert sentences(language).keys() == sentences("en").keys()


def sentences(language: str) -> dict[str, str]:
    import yaml

    return yaml.safe_load((paths.content("intents") / language / "llm.yaml").read_text("utf-8"))["responses"]["common"]


async def test_the_servers_words_are_logged_for_the_owner(house, caplog):
    house.llm.faults.append(house.llm.answers_with(status(500)))
    await house.ask("name a planet")
    assert "failed (500): the server's own words" in caplog.text


async def test_a_wrong_address_is_found_when_the_settings_are_read(tmp_path):
    from wyoming_servers.shared.errors import SettingsError

    async with fake_llm() as llm:
        with pytest.raises(SettingsError, match="llm.base_url"):
            async with llm_house(tmp_path, llm, base_url="ftp://nowhere"):
                pass
