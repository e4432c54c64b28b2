"""docs/tools-reference.md is made from the shipped tools and must not drift from them."""

import dataclasses

import pytest

from wyoming_servers.commands import tool_reference
from wyoming_servers.handle.matcher import Context, Matcher
from wyoming_servers.shared import paths, templates
from wyoming_servers.shared.house import House
from wyoming_servers.shared.plugins import SWITCH, load_tools

TOOLS = load_tools([paths.content("tools")])[0]


def test_the_page_of_tools_is_what_the_code_says():
    page = paths.content("docs") / "tools-reference.md"
    assert page.read_text("utf-8") == tool_reference.render(), "run: earshot tools --markdown > docs/tools-reference.md"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_everything_about_a_tool_has_an_explanation(tool):
    fields = [*dataclasses.fields(tool.Args), *dataclasses.fields(tool.Options)]
    assert tool.description and [field.name for field in fields if not field.metadata.get("doc")] == []


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_tool_has_an_option_named_as_the_switch(tool):
    assert SWITCH not in {field.name for field in dataclasses.fields(tool.Options)}


def test_the_example_sentences_mean_what_they_stand_for():
    matcher = Matcher(templates.load("en", House(), [paths.content("intents")], scope="text"))
    examples = tool_reference.Examples()
    wrong = {}
    for tool in TOOLS:
        for sentence in {sentence for intent in tool.intents for sentence in examples.of(intent) if "*" not in sentence}:
            understood = {match.intent for match in matcher.match(sentence, Context(area="Kitchen"))}
            if not understood <= tool.intents.keys() or not understood:
                wrong[sentence] = understood
    assert wrong == {}
