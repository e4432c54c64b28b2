"""Tools of installed packages, tools switched off, and what `earshot tools` says of them."""

import importlib
import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from wyoming_servers import cli
from wyoming_servers.handle.testing import house
from wyoming_servers.shared.context import intents_dirs
from wyoming_servers.shared.plugins import find_tools
from wyoming_servers.shared.settings import Settings

TOOL = """
    from wyoming_servers.shared.tool import Tool, ToolResult


    class Doorbell(Tool):
        name = "doorbell"
        description = "Rings."
        needs = "a door"
        intents = {"RingDoorbell": {}}

        async def call(self, args, context):
            return ToolResult(context.phrases.say("rung"))
"""
SENTENCES = """
    language: en
    intents: {RingDoorbell: {data: [{sentences: ["ring the doorbell"]}]}}
    responses: {doorbell: {rung: "Ding dong."}}
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a package with one tool: call it with the code of its module and the target of its entry point."""

    def install(code: str = TOOL, target: str = "bell.tools.doorbell:Doorbell") -> None:
        site = tmp_path / "site"
        write(site / "bell" / "__init__.py", "")
        write(site / "bell" / "tools" / "__init__.py", "")
        write(site / "bell" / "tools" / "doorbell.py", code)
        write(site / "bell" / "intents" / "en" / "doorbell.yaml", SENTENCES)
        write(site / "bell-1.2.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: bell\nVersion: 1.2\n")
        write(site / "bell-1.2.dist-info" / "entry_points.txt", f"[earshot.tools]\ndoorbell = {target}\n")
        monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()

    yield install
    for name in [name for name in sys.modules if name.partition(".")[0] == "bell"]:
        del sys.modules[name]


@pytest.fixture
def owner(tmp_path, monkeypatch):
    """The folder of an owner's data."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "earshot"


def listed(capsys, *arguments: str) -> dict[str, dict]:
    cli.main(["tools", "--json", *arguments])
    return {tool["name"]: tool for tool in json.loads(capsys.readouterr().out)}


def test_a_package_brings_a_tool_with_its_sentences(package, tmp_path):
    package()
    with house(tmp_path) as home:
        assert home.ask("ring the doorbell") == "Ding dong."


def test_the_owners_tool_goes_before_a_packages(package, tmp_path):
    package()
    write(tmp_path / "tools" / "bell.py", TOOL)
    found = {plugin.tool.name: plugin.origin for plugin in find_tools([tmp_path / "shipped", tmp_path / "tools"])[0]}
    assert found["doorbell"] == str(tmp_path / "tools" / "bell.py")


def test_a_packages_sentences_go_before_the_owners(package, tmp_path):
    package()
    assert tmp_path / "site" / "bell" / "intents" in intents_dirs(Settings())[1:-1]


@pytest.mark.parametrize(
    ("code", "target", "reason"),
    [
        ("import a_library_that_nobody_has\n", "bell.tools.doorbell:Doorbell", "No module named 'a_library_that_nobody_has'"),
        (TOOL, "bell.tools.doorbell:Nothing", "Nothing"),
        (TOOL, "bell.elsewhere:Doorbell", "bell.elsewhere"),
        ("Doorbell = 7\n", "bell.tools.doorbell:Doorbell", "no class derived from Tool"),
    ],
)
def test_a_broken_package_is_reported_and_the_others_go_on(package, owner, capsys, code, target, reason):
    package(code, target)
    tools = listed(capsys)
    assert (tools["doorbell"]["state"], tools["clock"]["state"]) == ("broken", "on")
    assert reason in tools["doorbell"]["why"] and "package bell 1.2" in tools["doorbell"]["why"]


def test_the_list_says_where_a_tool_is_from_what_it_speaks_and_what_it_needs(package, owner, capsys):
    package()
    doorbell = listed(capsys)["doorbell"]
    assert {key: doorbell[key] for key in ("state", "origin", "languages", "needs", "intents")} == {
        "state": "on",
        "origin": "package bell 1.2",
        "languages": ["en"],
        "needs": "a door",
        "intents": ["RingDoorbell"],
    }


def test_shipped_tools_are_earshots(owner, capsys):
    assert listed(capsys)["clock"]["origin"] == "Earshot"


def test_the_list_is_readable(package, owner, capsys):
    package()
    assert cli.main(["tools"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "doorbell       on      Rings." in lines and f"{'':<22} package bell 1.2; en; needs a door" in lines


def test_a_broken_file_is_listed_with_its_reason(owner, capsys, caplog):
    write(owner / "tools" / "siren.py", "raise OSError('no siren')\n")
    assert cli.main(["tools"]) == 1
    assert "siren          broken  OSError: no siren (siren.py, line 1)" in capsys.readouterr().out
    assert "no siren (siren.py, line 1)" in caplog.text and "Traceback" not in caplog.text


def test_options_that_are_wrong_break_a_tool(owner, capsys):
    clock = listed(capsys, "--set", "handle.tools.clock.hours=13")["clock"]
    assert clock["state"] == "broken" and clock["why"].startswith("handle.tools.clock: hours:") and "allowed" in clock["why"]


def test_a_tool_that_is_switched_off_is_listed_as_off(owner, capsys):
    clock = listed(capsys, "--set", "handle.tools.clock.enabled=false")["clock"]
    assert (clock["state"], clock["why"]) == ("off", "handle.tools.clock.enabled is false")


def test_a_tool_that_is_switched_off_does_not_answer(package, tmp_path):
    package()
    with house(tmp_path, options={"doorbell": {"enabled": False}}) as home:
        assert home.answer("ring the doorbell").steps[0].tool is None


def test_the_switch_is_no_option_of_the_tool(package, tmp_path):
    package()
    with house(tmp_path, options={"doorbell": {"enabled": True}}) as home:
        assert home.ask("ring the doorbell") == "Ding dong."


def test_a_switch_that_is_neither_on_nor_off_is_refused(owner, capsys):
    assert cli.main(["tools", "--set", "handle.tools.clock.enabled=maybe"]) == 78
    assert "handle.tools.clock.enabled: 'maybe' is not true or false" in capsys.readouterr().err


def test_a_broken_tool_that_has_settings_does_not_keep_the_others_from_answering(tmp_path):
    write(tmp_path / "tools" / "siren.py", "raise OSError('no siren')\n")
    write(tmp_path / "tools" / "bell.py", TOOL)
    write(tmp_path / "intents" / "en" / "bell.yaml", SENTENCES)
    with house(tmp_path, options={"siren": {"loud": True}}) as home:
        assert home.ask("ring the doorbell") == "Ding dong."
