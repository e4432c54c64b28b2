"""Home Assistant asks, and has its own devices carry out what is theirs. F 66, 69, 70 and 71, with the stock client."""

import pytest
from fake_home_assistant import home_assistant
from home_rig import serving_home
from test_handle import info, stock
from tool_sentences import matcher
from wyoming.asr import Transcript
from wyoming.handle import Handled
from wyoming.intent import Intent, IntentsStart, IntentsStop

CONTEXT = {"conversation_id": "01KAH3ZJ5RDXM2GYQ8B7N4T6VW", "device_id": "1f2e3d4c"}
"""As Home Assistant sends it: a ULID."""


@pytest.fixture
async def uri(tmp_path):
    """An intent server that knows no devices, and no Home Assistant."""
    async with serving_home(tmp_path, None, matcher("en")) as address:
        yield address


async def events(uri: str, text: str, language: str = "en", **context: str) -> list:
    """What Home Assistant gets, up to the end of brackets."""
    return await stock(uri, Transcript(text=text, language=language, context=context or CONTEXT), through="intents-stop")


def entities(event) -> dict:
    return {entity.name: entity.value for entity in Intent.from_event(event).entities}


@pytest.mark.contract(66, 69)
async def test_a_command_for_a_device_comes_back_as_one_intent_without_brackets(uri):
    got = await events(uri, "turn on the desk lamp")
    assert [event.type for event in got] == ["intent"]
    assert (Intent.from_event(got[0]).name, entities(got[0])) == ("HassTurnOn", {"name": "desk lamp"})


@pytest.mark.contract(69)
async def test_several_commands_come_in_brackets(uri):
    got = await events(uri, "turn on the desk lamp and turn off the heater")
    assert IntentsStart.is_type(got[0].type) and IntentsStop.is_type(got[-1].type)
    assert [(Intent.from_event(event).name, entities(event)) for event in got[1:-1]] == [
        ("HassTurnOn", {"name": "desk lamp"}),
        ("HassTurnOff", {"name": "heater"}),
    ]


@pytest.mark.contract(69)
async def test_what_is_done_here_is_told_between_what_home_assistant_does(uri):
    got = await events(uri, "turn off the desk lamp and add milk to the shopping list")
    assert [Intent.from_event(event).name for event in got[1:-1]] == ["HassTurnOff", "HassRespond"]
    assert entities(got[2])["response"] == "I've added milk to the shopping list."


async def test_a_question_about_a_device_is_handed_over_too(uri):
    (event,) = await events(uri, "is the desk lamp on")
    assert (Intent.from_event(event).name, entities(event)) == ("HassGetState", {"name": "desk lamp", "state": "on"})
    assert "query.matched" in Intent.from_event(event).text


async def test_what_is_no_device_is_handled_here(uri):
    got = await events(uri, "add milk to the shopping list")
    assert Handled.from_event(got[-1]).text == "I've added milk to the shopping list."


async def test_home_assistant_is_given_its_own_words_for_what_it_did(uri):
    (event,) = await events(uri, "turn off all the lights everywhere")
    assert Intent.from_event(event).text == "Turned off all of the lights"


@pytest.mark.contract(70)
async def test_lights_without_a_room_are_not_switched_in_the_whole_house(uri):
    got = await events(uri, "turn off the lights")
    assert Handled.from_event(got[-1]).text == "In which room?"


async def test_the_answer_to_it_completes_the_intent(uri):
    await events(uri, "turn off the lights")
    (event,) = await events(uri, "the attic")
    assert (Intent.from_event(event).name, entities(event)) == ("HassTurnOff", {"domain": "light", "area": "attic"})


@pytest.mark.contract(71)
@pytest.mark.parametrize("context", [{"conversation_id": CONTEXT["conversation_id"]}, {"conversation_id": "ours"}])
async def test_only_home_assistant_is_given_its_intents(uri, context):
    got = await events(uri, "turn on the desk lamp", **context)
    assert [event.type for event in got] == (["intent"] if len(context["conversation_id"]) == 26 else ["not-handled"])


async def test_another_language_is_handed_over_in_its_words(uri):
    await events(uri, "mach das licht an", "de")  # may still load the language
    (event,) = await events(uri, "schalte die lampe ein", "de")
    assert entities(event)["name"] == "lampe"


async def test_control_is_advertised(uri):
    assert (await info(uri)).handle[0].supports_home_control is True


async def test_with_a_connection_of_its_own_it_is_done_here(tmp_path):
    async with home_assistant() as fake, serving_home(tmp_path, fake) as uri:
        got = await events(uri, "turn on the bed lamp")
        assert Handled.from_event(got[-1]).text == "Bed Lamp is on."
        assert [called for called, _ in fake.calls] == ["light.turn_on"]
