"""`earshot languages`: what is spoken, and what is still to be translated."""

import json
from pathlib import Path

import pytest
from tool_sentences import LANGUAGES

from wyoming_servers import cli


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an owner's data."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "earshot"


def add(owner: Path, language: str, text: str) -> None:
    folder = owner / "intents" / language
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(f"language: {language}\n{text}")


def test_the_shipped_languages_lack_nothing(owner, capsys):
    assert cli.main(["languages", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    lacking = {name: [file for file in files if file["lacks"] or file["unheard"]] for name, files in found.items()}
    assert lacking == {language: [] for language in sorted(LANGUAGES)}


def test_what_a_language_lacks_of_a_tool_is_named(owner, capsys):
    add(owner, "sv", 'responses: {microphone: {title: "mikrofonen"}}\n')
    cli.main(["languages", "sv"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "numbers are said in digits: there is no wyoming_servers/shared/spoken/sv.yaml"
    line = next(line for line in lines if line.startswith("microphone"))
    assert "lacks microphone." in line and "microphone.title" not in line and "has no sentences for EarshotMicrophone" in line
    assert "timers       not translated" in lines


def test_the_forms_of_a_plural_that_a_language_lacks_are_named(owner, capsys):
    add(owner, "pl", 'responses: {camera: {looked_hours: {one: "{n} godzinę temu.", other: "{n} godziny temu."}}}\n')
    cli.main(["languages", "pl"])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("camera"))
    assert "camera.looked_hours: few" in line and "camera.looked_hours: many" in line and "camera.looked_hours: one" not in line


def test_an_owners_language_is_listed(owner, capsys):
    add(owner, "sv", 'responses: {microphone: {title: "mikrofonen"}}\n')
    cli.main(["languages"])
    assert any(line.startswith("sv  0 of ") for line in capsys.readouterr().out.splitlines())


def test_a_language_that_nobody_has_sentences_for_is_refused(owner, capsys):
    assert cli.main(["languages", "xx"]) == cli.EXIT_FAILURE
    assert "Home Assistant has no sentences in 'xx'; it has: af, " in capsys.readouterr().err
