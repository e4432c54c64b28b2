"""The parts of the language model's agent: what it was told, what it meant, what was said."""

import json
from datetime import UTC, date, datetime

import pytest

from wyoming_servers.handle.agent_calls import arguments_of, call_in_text, may_be_call
from wyoming_servers.handle.agent_evidence import derived, invented, numbers_in
from wyoming_servers.handle.agent_memory import Memory
from wyoming_servers.handle.agent_prompt import Facts, compact, specs, system_prompt
from wyoming_servers.llm.chunks import Reply
from wyoming_servers.llm.engine import Message, ToolCall
from wyoming_servers.llm.thinking import Thoughts
from wyoming_servers.shared import paths
from wyoming_servers.shared.plugins import load_tools
from wyoming_servers.shared.remote import Remote
from wyoming_servers.shared.tool import Turn

TODAY = date(2026, 11, 21)
SERVER = Remote("llm", "http://host/v1", 1.0)


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("en", "an hour and a half", 1.5),
        ("en", "one hundred and five", 105),
        ("en", "a dozen eggs", 12),
        ("en", "the twenty-third", 23),
        ("en", "at 7:45", 45),
        ("en", "two weeks", 14),
        ("de", "anderthalb Stunden", 1.5),
        ("de", "dreihundertfünfundsechzig", 365),
        ("de", "übermorgen", 2),
        ("fr", "quatre-vingt-dix-sept", 97),
        ("fr", "un quart d'heure", 0.25),
        ("es", "treinta y cinco", 35),
        ("it", "ventitré", 23),
        ("nl", "een kwartier", 15),
    ],
)
def test_numbers_are_found_in_words(language, text, number):
    assert number in numbers_in(text, language)


@pytest.mark.parametrize(
    ("language", "said", "arguments"),
    [
        ("en", "ninety minutes", {"hours": 1, "minutes": 30}),
        ("en", "an hour and a half", {"minutes": 90}),
        ("en", "quarter to eight tonight", {"hour": 7, "minute": 45}),
        ("en", "at seven in the evening", {"hour": 19}),
        ("en", "half a percent", {"value": 0.005}),
        ("en", "the weather in Springfield Illinois", {"place": "Springfield, Illinois"}),
        ("en", "what is twelve times seven", {"expression": "12*7"}),
        ("en", "two tomatoes", {"item": "tomato"}),
        ("en", "next Friday", {"day": "2026-11-27"}),
        ("de", "um halb acht", {"hour": 7, "minute": 30}),
        ("de", "Wetter in Mailand", {"place": "Milan"}),
        ("de", "Wetter in München", {"place": "Munich"}),
        ("it", "che tempo fa a Parigi", {"place": "Paris"}),
        ("de", "wie ist das Wetter in Deutschland", {"place": "Germany"}),
        ("fr", "quel temps fait-il en Allemagne", {"place": "Germany"}),
        ("es", "qué tiempo hace en Suecia", {"place": "Sweden"}),
        ("nl", "wat voor weer is het in Griekenland", {"place": "Greece"}),
        ("pl", "nastaw minutnik na pięć minut", {"minutes": 5}),
        ("pl", "za dwudziestu dwóch dniach", {"days": 22}),
        ("sv", "ställ en timer på tjugofem minuter", {"minutes": 25}),
        ("ru", "какая погода в Москве", {"place": "Moscow"}),
        ("ru", "какая погода в Москве", {"place": "Москва"}),
        ("eu", "hamar minutuko tenporizadorea", {"minutes": 10}),
        ("en", "anything", {"loud": True, "mode": "fan", "area": "kitchen"}),
    ],
)
def test_what_was_said_is_no_invention(language, said, arguments):
    assert invented(arguments, {"mode": ("fan",)}, [said, "Kitchen"], language, TODAY) == []


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("set a timer", {"minutes": 5}),
        ("set a timer", {"minutes": 1}),
        ("set a timer for ten minutes", {"minutes": 15}),
        ("what's the weather", {"place": "London"}),
        ("add something to the list", {"item": "oat milk"}),
        ("remind me to call", {"day": "2027-03-01"}),
        ("what is five times six", {"expression": "5*7"}),
        ("set a timer", {"deep": {"minutes": 5}}),
    ],
)
def test_what_nobody_said_is_an_invention(said, arguments):
    assert invented(arguments, {}, [said], "en", TODAY) == list(arguments)


@pytest.mark.parametrize(("said", "place"), [("Wetter in Deutschland", "France"), ("Wetter in Berlin", "Munich"), ("Wetter", "Germany")])
def test_a_place_that_is_no_translation_is_an_invention(said, place):
    assert invented({"place": place}, {}, [said], "de", TODAY) == ["place"]


@pytest.mark.parametrize("place", ["Киев", "Санкт-Петербург"])
def test_what_is_written_as_it_is_said_is_checked_in_every_script(place):
    assert invented({"place": place}, {}, ["какая погода в Москве"], "ru", TODAY) == ["place"]


def test_a_language_without_sentences_of_ours_has_its_numbers_checked():
    assert invented({"minutes": 6}, {}, ["nastaw minutnik na pięć minut"], "pl", TODAY) == ["minutes"]


def test_a_number_alone_names_no_place():
    assert invented({"place": "Paris"}, {}, ["20"], "en", TODAY) == ["place"]


def test_numbers_of_two_turns_make_no_third():
    assert invented({"minutes": 15}, {}, ["five minutes", "ten minutes"], "en", TODAY) == ["minutes"]


def test_a_day_has_other_units():
    assert {24.0, 1440.0} <= derived({1.0})


@pytest.mark.parametrize("text", ["Hello.", "The answer is {4}.", "A list: [1]"])
def test_plain_words_are_no_call(text):
    assert may_be_call(text) is False


@pytest.mark.parametrize("text", ["", " ", "<", "<tool", "[", "`"])
def test_it_is_not_known_too_early_whether_a_text_is_a_call(text):
    assert may_be_call(text) is None


@pytest.mark.parametrize("text", ['{"name": "other", "arguments": {}}', "{}", "[]", "{", '{"name": 5}'])
def test_a_text_that_names_no_tool_is_no_call(text):
    assert call_in_text(text, {"timers"}) is None


@pytest.mark.parametrize("raw", ["five minutes", "[1, 2]", "5", "{'a'", "{" * 3000])
def test_what_cannot_be_made_out_are_no_arguments(raw):
    assert arguments_of(raw) in (None, {})


def test_a_bracket_within_a_string_does_not_count():
    assert arguments_of('{"a": "}{", "b": "it\'s"') == {"a": "}{", "b": "it's"}


@pytest.mark.parametrize("cut", [1, 3, 100])
@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<think>Hm.</think>Yes.", "Yes."),
        ("Yes<thinking>or no</thinking>.", "Yes."),
        ("2 < 3 and <b>", "2 < 3 and <b>"),
        ("Yes.<think>no end", "Yes."),
        ("Ends with <thi", "Ends with <thi"),
    ],
)
def test_thoughts_are_taken_out_however_they_are_cut(text, spoken, cut):
    thoughts = Thoughts()
    said = "".join(thoughts.feed(text[start : start + cut]) for start in range(0, len(text), cut)) + thoughts.finish()
    assert said == spoken


def test_a_thought_that_the_template_began_is_taken_out():
    thoughts = Thoughts(begun=True)
    assert thoughts.feed("Hm.</think>Yes.") + thoughts.finish() == "Yes."


def test_a_model_that_was_wrongly_taken_to_think_is_heard():
    thoughts = Thoughts(begun=True)
    assert thoughts.feed("Yes.") + thoughts.finish() == "Yes."


def test_a_model_whose_thoughts_are_not_marked_is_noticed():
    thoughts = Thoughts()
    thoughts.feed("Hm.</think>Yes.")
    assert thoughts.stray_end


def test_calls_that_share_an_index_are_told_apart_by_their_ids():
    reply, items = Reply(SERVER, Thoughts()), []
    for id in ("a", "b"):
        call = {"index": 0, "id": id, "function": {"name": "timers", "arguments": "{"}}
        items += reply.take(json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}))
        rest = {"index": 0, "function": {"arguments": "}"}}
        items += reply.take(json.dumps({"choices": [{"delta": {"tool_calls": [rest]}}]}))
    items += reply.finish()
    assert [item for item in items if isinstance(item, ToolCall)] == [ToolCall("a", "timers", "{}"), ToolCall("b", "timers", "{}")]


def test_a_call_is_passed_on_once_its_arguments_are_whole_and_only_once():
    reply = Reply(SERVER, Thoughts())
    found = []
    for arguments in ('{"a', '": {"b": 1}', "}", ""):
        call = {"index": 0, "function": {"name": "timers", "arguments": arguments}}
        found.append(reply.take(json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]})))
    assert found == [[], [], [ToolCall("", "timers", '{"a": {"b": 1}}')], []]
    assert not any(isinstance(item, ToolCall) for item in reply.finish())


def test_arguments_that_are_an_object_are_taken():
    reply = Reply(SERVER, Thoughts())
    call = {"function": {"name": "timers", "arguments": {"minutes": 5}}}
    taken = reply.take(json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}))
    assert taken == [ToolCall("", "timers", '{"minutes": 5}')]


def test_the_tokens_llama_cpp_tells_are_taken():
    reply = Reply(SERVER, Thoughts())
    reply.take('{"choices": [], "timings": {"cache_n": 90, "prompt_n": 10, "predicted_n": 7}}')
    usage = reply.finish()[-1].usage
    assert (usage.prompt, usage.cached, usage.generated) == (100, 90, 7)


def test_the_prompt_is_the_same_every_time_and_in_every_order_of_tools():
    tools = load_tools([paths.content("tools")])[0]
    assert specs(tools) == specs(reversed(tools))
    assert system_prompt() == system_prompt("  ")


def test_schemas_have_nothing_only_a_checker_needs():
    for tool in load_tools([paths.content("tools")])[0]:
        assert not {"minimum", "maximum", "additionalProperties"} & set(json.dumps(compact(tool)).replace('"', " ").split())


def test_what_only_templates_fill_is_not_shown():
    timers = next(spec for spec in specs(load_tools([paths.content("tools")])[0]) if spec.name == "timers")
    assert "minutes" in timers.parameters["properties"] and "ids" not in timers.parameters["properties"]


def facts(minute: int, area: str = "kitchen", language: str = "en") -> Facts:
    return Facts(datetime(2026, 11, 21, 17, minute, tzinfo=UTC), area, language)


def test_facts_are_told_when_they_are_new():
    assert facts(8).note(None) == " [Saturday 2026-11-21 17:08, in kitchen, English]"
    assert facts(9).note(facts(8)) == ""
    assert facts(30).note(facts(8)) == " [Saturday 2026-11-21 17:30]"
    assert facts(9, "bedroom", "de").note(facts(8)) == " [in bedroom, German]"


def turn(text: str) -> Turn:
    return Turn(text, f"Answer to {text}.", None, {}, None)


def test_a_conversation_only_grows():
    memory, first, second = Memory(), turn("one"), turn("two")
    before = list(memory.open("a", (first,), {}).messages)
    after = memory.open("a", (first, second), {}).messages
    assert after[: len(before)] == before and len(after) == 4


def test_a_conversation_whose_history_is_gone_begins_anew():
    memory = Memory()
    memory.open("a", (turn("one"),), {})
    assert memory.open("a", (), {}).messages == []


def test_a_long_conversation_is_cut_down_to_a_users_message():
    memory = Memory()
    conversation = memory.open("a", (), {})
    for number in range(100):
        conversation.messages += [Message("user", "x" * 80), Message("assistant", f"{number}" * 40)]
    conversation.shorten()
    assert conversation.messages[0].role == "user"
    assert sum(len(message.text) for message in conversation.messages) < 5000


def test_conversations_are_bounded():
    memory = Memory()
    memory.open("first", (), {}).messages.append(Message("user", "hello"))
    for number in range(100):
        memory.open(str(number), (), {})
    assert memory.open("first", (turn("one"),), {}).messages[0].text == "one"
