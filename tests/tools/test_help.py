"""What can be asked, told over the wire, and whether the examples are understood."""

from functools import lru_cache

import pytest
from handle_house import ask, running, said
from test_plugins import GREETER, add
from tool_sentences import LANGUAGES, phrases, response_keys, understood

from wyoming_servers.shared import paths
from wyoming_servers.shared.plugins import load_tools
from wyoming_servers.shared.settings import NetworkSection

QUIET = ("general", "help")


@lru_cache
def shipped() -> dict[str, str]:
    """Intent → the tool that answers it."""
    return {intent: tool.name for tool in load_tools([paths.content("tools")])[0] for intent in tool.intents}


@pytest.fixture
async def uri(tmp_path):
    async with running(tmp_path) as address:
        yield address


async def test_it_tells_what_the_tools_can_do(uri):
    answer = await said(uri, "what can you do")
    assert answer.startswith("I can ") and "set timers" in answer and "keep lists" in answer
    assert answer.endswith("Ask me about one of them: help with timers, for example.")


async def test_a_tool_that_is_off_is_not_told(tmp_path):
    async with running(tmp_path, options={"lists": {"enabled": False}}) as uri:
        assert "keep lists" not in await said(uri, "what can you do")


async def test_a_tool_without_what_it_needs_is_not_told(tmp_path, uri):
    camera = {"cameras": {"door": "/dev/video0"}, "base_url": "http://127.0.0.1:9/v1"}
    blind = {key: value for key, value in camera.items() if key == "cameras"}
    told = [await said(uri, "what can you do")]
    for number, options in enumerate((blind, camera)):
        (tmp_path / str(number)).mkdir()
        async with running(tmp_path / str(number), options={"camera": options}) as other:
            told.append(await said(other, "what can you do"))
    assert ["say what a camera sees" in answer for answer in told] == [False, False, True]


async def test_what_may_not_leave_the_house_is_not_told(tmp_path):
    told = {}
    for number, network in enumerate((NetworkSection(), NetworkSection(egress="deny"))):
        (tmp_path / str(number)).mkdir()
        async with running(tmp_path / str(number), network=network) as uri:
            told[network.egress] = await said(uri, "what can you do")
    outside = ("weather", "look things up")
    assert [[words in answer for words in outside] for answer in told.values()] == [[True, True], [False, False]]


async def test_a_denied_tool_that_asks_in_the_house_is_told(tmp_path):
    options = {"wikipedia": {"kiwix_url": "http://kiwix.lan:8080"}}
    network = NetworkSection(egress="deny", egress_hosts=("api.open-meteo.com",))
    async with running(tmp_path, options=options, network=network) as uri:
        answer = await said(uri, "what can you do")
    assert "weather" in answer and "look things up" in answer


async def test_it_gives_examples(uri):
    assert await said(uri, "help with timers") == (
        "You can say, for example: set a timer for five minutes. Or: how much time is left. Or: cancel the timer."
    )


async def test_the_topic_alone_is_enough_after_the_overview(uri):
    await said(uri, "what can you do", conversation_id="talk")
    assert (await said(uri, "lists", conversation_id="talk")).startswith("You can say, for example: put milk on the shopping list.")


async def test_there_is_no_help_on_what_is_not_there(uri):
    answer = await ask(uri, "help with brain surgery")
    assert (answer.type, answer.data["text"]) == ("not-handled", "I have no help on brain surgery.")


async def test_a_tool_of_the_owner_tells_its_own_help(tmp_path):
    folders = add(tmp_path, "greeter.py", GREETER)
    sentences = tmp_path / "intents" / "en" / "own.yaml"
    sentences.write_text(sentences.read_text().replace("greeter: {", 'greeter: {help: ["greet people", "greet my aunt"], '))
    async with running(tmp_path, tools=[paths.content("tools"), *folders["tools"]]) as uri:
        assert "greet people" in await said(uri, "what can you do")
        assert await said(uri, "help with greeter") == "You can say, for example: greet my aunt."


async def test_of_a_tool_without_help_its_description_is_told(tmp_path):
    folders = add(tmp_path, "greeter.py", GREETER)
    async with running(tmp_path, tools=[paths.content("tools"), *folders["tools"]]) as uri:
        assert await said(uri, "help with greeter") == "All I know about it is this: Says hello."


def test_every_language_has_every_sentence():
    assert {language: response_keys(language, "help") for language in LANGUAGES} == dict.fromkeys(LANGUAGES, response_keys("en", "help"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_example_reaches_its_tool(language):
    lost = {}
    for tool in {*shipped().values()} - {*QUIET}:
        _, *examples = phrases(language, "help").items(f"with_{tool}") or phrases(language, tool).items("help")
        lost |= {text: match for text in examples if not (match := understood(language, text)) or shipped().get(match[0]) != tool}
    assert lost == {}


SENTENCES = [
    ("en", "what can I say", None),
    ("en", "help", None),
    ("en", "help me with the shopping list", "lists"),
    ("en", "how do timers work", "timers"),
    ("de", "was kannst du", None),
    ("de", "Hilfe mit Timern", "timers"),
    ("fr", "que sais-tu faire", None),
    ("fr", "aide avec les minuteurs", "timers"),
    ("es", "qué puedes hacer", None),
    ("es", "ayuda con los temporizadores", "timers"),
    ("it", "cosa sai fare", None),
    ("it", "aiuto con i timer", "timers"),
    ("nl", "wat kun je allemaal", None),
    ("nl", "hulp met timers", "timers"),
]


@pytest.mark.parametrize(("language", "text", "topic"), SENTENCES)
def test_a_sentence_is_understood(language, text, topic):
    assert understood(language, text) == ("EarshotHelp", {"topic": topic} if topic else {})
