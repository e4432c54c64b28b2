"""The labelled sentences of tests/routing: what the templates make of them, and `earshot routing` with a scripted model."""

import json
from functools import lru_cache
from pathlib import Path

import pytest
from fake_llm import Call, FakeLlm
from fake_web import serving, status
from tool_sentences import LANGUAGES, matcher

from wyoming_servers import cli
from wyoming_servers.handle.routing import NONE, RIGHT, Case, Choice, Graded, read_cases, template_choice
from wyoming_servers.shared import ledger, paths, reach
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.plugins import load_tools

FOLDER = Path(__file__).resolve().parents[1] / "routing"
CASES = [case for language in LANGUAGES for case in read_cases(FOLDER / f"{language}.yaml")]


@lru_cache
def tools():
    return load_tools([paths.content("tools")])[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.text}")
def test_the_templates_lead_to_the_labelled_tool(case: Case) -> None:
    if case.tool != NONE and case.tool not in {tool.name for tool in tools()}:
        pytest.skip(f"there is no tool {case.tool}")
    if case.tool != NONE and not (paths.content("intents") / case.language / f"{case.tool}.yaml").exists():
        pytest.skip(f"{case.tool} has no templates of its own in {case.language}")
    graded = Graded(case, template_choice(matcher(case.language), tools(), case.text))
    assert graded.grade == RIGHT, graded.choice


@pytest.mark.parametrize(("language", "least"), [("en", 120), *((language, 20) for language in LANGUAGES[1:])])
def test_there_are_enough_sentences(language: str, least: int) -> None:
    cases = [case for case in CASES if case.language == language]
    assert len({case.text for case in cases}) >= least
    assert any(case.tool == NONE for case in cases)


@pytest.mark.parametrize(
    ("case", "choice", "grade"),
    [
        (Case("", "en", "timers", {"minutes": 5}), Choice("timers", {"minutes": 5.0, "action": "start"}), "right"),
        (Case("", "en", "lists", {"item": "oat milk"}), Choice("lists", {"item": "Oat-milk"}), "right"),
        (Case("", "en", "timers", {"minutes": 5}), Choice("timers", {"minutes": 6}), "wrong arguments"),
        (Case("", "en", "timers", {"minutes": 5}), Choice("timers", {}), "wrong arguments"),
        (Case("", "de", "alarms", {"hour": 6, "minute": 30}), Choice("alarms", {"hour": 7, "minute": -30}), "right"),
        (Case("", "de", "alarms", {"hour": 7}), Choice("alarms", {"hour": 7, "minute": 15}), "wrong arguments"),
        (Case("", "en", "volume", {"muted": False}), Choice("volume", {}), "wrong arguments"),
        (Case("", "en", "timers"), Choice("alarms"), "wrong tool"),
        (Case("", "en", NONE), Choice("alarms"), "false call"),
        (Case("", "en", "timers"), Choice(NONE), "missed"),
        (Case("", "en", "timers"), Choice("", failure="it is down"), "failed"),
    ],
)
def test_a_choice_is_graded(case: Case, choice: Choice, grade: str) -> None:
    assert Graded(case, choice).grade == grade


@pytest.mark.parametrize(
    "content",
    ["", "cases: []", "language: en", "language: en\ncases: [{text: a}]", "language: en\ncases: [{text: a, tool: b, arg: {}}]", "[", "a"],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(SettingsError, match="bad.yaml"):
        read_cases(tmp_path / "bad.yaml")


@pytest.fixture
def llm():
    with serving(FakeLlm()) as server:
        server.on("five minutes", Call("timers", {"action": "start", "minutes": 5}))
        server.on("pizza", Call("timers", {"action": "start", "minutes": 7}))
        server.on("seven", Call("timers", {"action": "start", "minutes": 7}))
        yield server


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.yaml"
    path.write_text(
        "language: en\ncases:\n"
        "  - {text: five minutes please, tool: timers, args: {action: start, minutes: 5}}\n"
        "  - {text: order me a pizza, tool: none}\n"
        "  - {text: wake me at seven, tool: alarms, args: {hour: 7}}\n"
        "  - {text: it took seven minutes, tool: none}\n"
        "  - {text: what time is it, tool: clock}\n"
        "  - {text: teleport me home, tool: teleport}\n"
    )
    return path


def test_the_command_counts_what_a_model_gets_right(llm: FakeLlm, labelled: Path, capsys) -> None:
    assert cli.main(["routing", str(labelled), "--base-url", llm.uri, "--json"]) == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)["small-model"]["summary"]
    assert "there is no tool teleport" in printed.err
    assert {key: summary[key] for key in ("sentences", "right", "wrong tool", "false call", "missed", "failed")} == {
        "sentences": 5,
        "right": 0.4,  # the call with seven minutes for a pizza was made up, so nothing is called
        "wrong tool": 1,
        "false call": 1,
        "missed": 1,
        "failed": 0,
    }
    assert summary["prompt"] > summary["cached"] > 0


def test_the_command_prints_a_table_with_what_went_wrong(llm: FakeLlm, labelled: Path, capsys) -> None:
    assert cli.main(["routing", str(labelled), "--base-url", llm.uri]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:3] == ["small-model", "5", "40.0%"]
    assert any("wrong tool: 'wake me at seven' (en): timers" in line for line in lines)


def test_several_models_are_compared(llm: FakeLlm, labelled: Path, capsys) -> None:
    llm.models = [{"id": "one"}, {"id": "two"}]
    assert cli.main(["routing", str(labelled), "--base-url", llm.uri, "--model", "one", "--model", "two", "--limit", "2", "--json"]) == 0
    assert [trial["summary"]["sentences"] for trial in json.loads(capsys.readouterr().out).values()] == [2, 2]


def test_the_templates_can_be_tried_in_the_same_way(labelled: Path, capsys) -> None:
    assert cli.main(["routing", str(labelled), "--templates", "--json"]) == 0
    sentences = json.loads(capsys.readouterr().out)["templates"]["sentences"]
    assert [row["grade"] for row in sentences if row["tool"] == "clock"] == ["right"]


def test_a_failing_server_is_counted_and_makes_the_command_fail(llm: FakeLlm, labelled: Path, capsys) -> None:
    llm.faults.append(llm.answers_with(status(500)))
    assert cli.main(["routing", str(labelled), "--base-url", llm.uri, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["small-model"]["summary"]["failed"] == 1


def test_without_an_endpoint_the_command_says_how_to_name_one(labelled: Path, capsys) -> None:
    assert cli.main(["routing", str(labelled)]) == cli.EXIT_HOPELESS
    assert "llm.base_url" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["routing", "bakeoff"])
def test_what_is_asked_of_a_model_outside_the_house_is_in_the_egress_ledger(
    llm: FakeLlm, labelled: Path, tmp_path, monkeypatch, command
) -> None:
    monkeypatch.setattr(reach, "_system_lookup", lambda host: ["8.8.8.8"])
    outside = llm.uri.replace("127.0.0.1", "localhost")
    settings = ["--json", "--set", f"handle.database={tmp_path / 'timers.db'}", "--set", f"llm.base_url={outside}"]
    data = {"routing": [str(labelled)], "bakeoff": ["llm", "--data", str(tmp_path), "--out", str(tmp_path / "out")]}
    assert cli.main([command, *data[command], *settings]) == 0
    rows = ledger.read(tmp_path / "egress.db", 0)
    assert {(row.tool, row.host, row.why, row.left) for row in rows} == {(command, "localhost", "comparing language models", True)}
    assert sum(row.method == "POST" and row.sent_bytes > 1000 and row.received_bytes > 100 for row in rows) >= 5


def test_what_is_asked_of_a_model_in_the_house_is_not(llm: FakeLlm, labelled: Path, tmp_path) -> None:
    assert cli.main(["routing", str(labelled), "--base-url", llm.uri, "--set", f"handle.database={tmp_path / 'timers.db'}"]) == 0
    assert not (tmp_path / "egress.db").exists()
