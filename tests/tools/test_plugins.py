"""The owner's tools: dropped into a folder, they answer; broken, they are reported and the others go on."""

import dataclasses
import re
from pathlib import Path
from textwrap import dedent

import pytest
from handle_house import ask, linked, running, said

from wyoming_servers.shared import paths
from wyoming_servers.shared.plugins import load_tools
from wyoming_servers.shared.tool import argument, json_schema

GREETER = """
    from dataclasses import dataclass
    from wyoming_servers.shared.errors import ToolError
    from wyoming_servers.shared.tool import Tool, ToolResult, argument


    class Greeter(Tool):
        name = "greeter"
        description = "Says hello."
        intents = {"Greet": {}}

        @dataclass(frozen=True)
        class Args:
            who: str = argument("", "whom to greet")

        async def call(self, args, context):
            if args.who == "nobody":
                raise ToolError(context.phrases.say("nobody"))
            if args.who == "the void":
                raise RuntimeError("the void stares back")
            return ToolResult(context.phrases.say("hello", who=args.who), {"greeted": args.who})
"""
SENTENCES = """
    language: en
    lists: {anyone: {wildcard: true}}
    intents: {Greet: {data: [{sentences: ["greet {anyone:who}"]}]}, Wave: {data: [{sentences: ["wave"]}]}}
    responses: {greeter: {hello: "Hello {who}.", nobody: "There is nobody to greet."}}
"""


def add(folder: Path, name: str, code: str) -> dict:
    """A tool of the owner's, with sentences; the options for `running`."""
    for path, text in ((folder / "tools" / name, code), (folder / "intents" / "en" / "own.yaml", SENTENCES)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return {"tools": [folder / "tools"]}


async def test_a_tool_dropped_into_the_folder_answers(tmp_path):
    async with running(tmp_path, **add(tmp_path, "greeter.py", GREETER)) as uri:
        assert await said(uri, "greet my aunt") == "Hello my aunt."


async def test_its_data_comes_with_the_answer(tmp_path):
    async with running(tmp_path, **add(tmp_path, "greeter.py", GREETER)) as uri:
        assert (await ask(uri, "greet ann")).data["context"]["earshot"]["data"] == {"greeted": "ann"}


async def test_what_it_refuses_is_spoken(tmp_path):
    async with running(tmp_path, **add(tmp_path, "greeter.py", GREETER)) as uri:
        message = await ask(uri, "greet nobody")
    assert (message.type, message.data["text"]) == ("not-handled", "There is nobody to greet.")


async def test_its_failure_has_a_spoken_outcome_and_a_traceback(tmp_path, caplog):
    async with running(tmp_path, **add(tmp_path, "greeter.py", GREETER)) as uri:
        assert await said(uri, "greet the void") == "Something went wrong with that."
    assert "the void stares back" in caplog.text


async def test_a_sentence_that_its_language_lacks_is_named_in_the_log(tmp_path, caplog):
    options = add(tmp_path, "greeter.py", GREETER)
    sentences = tmp_path / "intents" / "en" / "own.yaml"
    sentences.write_text(sentences.read_text().replace('hello: "Hello {who}.", ', ""))
    async with running(tmp_path, **options) as uri:
        assert await said(uri, "greet ann") == "Something went wrong with that."
    assert "no sentence greeter.hello in language 'en'" in caplog.text and "Traceback" not in caplog.text


async def test_after_a_failure_it_is_asked_again(tmp_path):
    async with running(tmp_path, **add(tmp_path, "greeter.py", GREETER)) as uri:
        await said(uri, "greet the void")
        assert await said(uri, "greet ann") == "Hello ann."


async def test_a_folder_is_a_tool_too(tmp_path):
    add(tmp_path, "greeter/greeting.py", GREETER)
    options = add(tmp_path, "greeter/__init__.py", "from .greeting import Greeter\n")
    async with running(tmp_path, **options) as uri:
        assert await said(uri, "greet ann") == "Hello ann."


@pytest.mark.parametrize(
    "broken",
    [
        "this is not python",
        "import a_library_that_nobody_has",
        "raise SystemError('no')",
        "x = 1",
        GREETER.replace('"greeter"', '"other"') + "\n        async def start(self):\n            raise OSError('no disk')\n",
        GREETER.replace('"greeter"', '"other"') + "\n        def __init__(self, options, home):\n            raise ValueError('never')\n",
    ],
)
async def test_a_broken_tool_is_reported_and_skipped(tmp_path, caplog, broken):
    add(tmp_path, "broken.py", broken)
    async with running(tmp_path, **add(tmp_path, "greeter.py", GREETER)) as uri:
        assert await said(uri, "greet ann") == "Hello ann."
    assert "skipped" in caplog.text


async def test_slots_that_a_tool_does_not_take_do_not_reach_it(tmp_path):
    options = add(tmp_path, "greeter.py", GREETER.replace("who: str", "whom: str"))
    async with running(tmp_path, **options) as uri:
        assert (await ask(uri, "greet ann")).data["context"]["earshot"]["route"] == "no-tool"


async def test_an_intent_without_a_tool_is_declined(tmp_path):
    async with running(tmp_path, **add(tmp_path, "greeter.py", GREETER)) as uri:
        assert await said(uri, "wave") == "I can't do that yet."


def test_of_two_tools_with_one_name_the_later_folders_is_taken(tmp_path):
    for place in ("shipped", "own"):
        add(tmp_path / place, "greeter.py", GREETER.replace("Says hello.", place))
    tools, _ = load_tools([tmp_path / "shipped" / "tools", tmp_path / "own" / "tools"])
    assert [tool.description for tool in tools] == ["own"]


def test_a_folder_that_does_not_exist_has_no_tools(tmp_path):
    assert load_tools([tmp_path / "nowhere"]) == ([], [])


async def test_a_tool_can_announce_at_a_satellite(tmp_path):
    announcing = GREETER + '\n        async def joined(self, satellite):\n            self.home.announce(satellite.id, "hello", {"n": 1})\n'
    async with running(tmp_path, **add(tmp_path, "greeter.py", announcing)) as uri, linked(uri) as link:
        assert (await link.receive_type("hello")).data == {"n": 1}


async def test_a_tools_failing_greeting_does_not_keep_a_satellite_out(tmp_path):
    failing = GREETER + "\n        def greeting(self, satellite):\n            return 1 / 0\n"
    async with running(tmp_path, **add(tmp_path, "greeter.py", failing)) as uri, linked(uri):
        assert await said(uri, "greet ann") == "Hello ann."


def test_arguments_become_a_json_schema():
    @dataclasses.dataclass(frozen=True)
    class Args:
        what: str = argument("time", "which", choices=("time", "date"))
        hours: int | None = argument(None, "how many", minimum=0, maximum=24)

    assert json_schema(Args) == {
        "type": "object",
        "properties": {
            "what": {"type": "string", "description": "which", "enum": ["time", "date"]},
            "hours": {"type": "integer", "description": "how many", "minimum": 0, "maximum": 24},
        },
        "additionalProperties": False,
    }


def test_every_shipped_tool_has_a_schema():
    tools, broken = load_tools([paths.content("tools")])
    assert broken == [] and all(json_schema(tool.Args)["properties"] for tool in tools)


async def test_the_example_of_the_documentation_works(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "tools.md").read_text("utf-8")
    code, sentences = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL)[1] for kind in ("python", "yaml"))
    options = add(tmp_path, "dice.py", code)
    (tmp_path / "intents" / "en" / "dice.yaml").write_text(sentences)
    async with running(tmp_path, **options) as uri:
        assert re.fullmatch(r"It's a \d+\.", await said(uri, "roll a die with 20 sides"))
