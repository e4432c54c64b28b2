"""CONTRIBUTING.md, followed literally: what it has one write makes an engine that the conformance suite finds, a tool that answers, and
a language that is spoken."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_FILE = re.compile(r"^### [^\n]*: `([^`\n]+)`\n+```(?:python|yaml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A heading that names a file, and the file."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout to which the page's files and its line have been added."""
    copy = tmp_path_factory.mktemp("contributing")
    for name in ("wyoming_servers", "tests", "config", "intents", "tools", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for path, content in _FILE.findall(text):
        (copy / path).parent.mkdir(exist_ok=True)
        assert not (copy / path).exists(), f"{path} is there already"
        (copy / path).write_text(content)
    path, line = re.search(r"### 2\. The line: in `([^`]+)`.*?```python\n(.*?)```", text, re.DOTALL).groups()  # type: ignore[union-attr]
    listed = (copy / path).read_text()
    (copy / path).write_text(listed.replace("ENGINES = (\n", f"ENGINES = (\n{line}", 1))
    return copy


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python command in the copy."""
    environment = os.environ | {"PYTHONPATH": str(tree), "XDG_DATA_HOME": str(tree / "data"), "XDG_CONFIG_HOME": str(tree / "settings")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_engine_is_listed_and_ready(tree: Path) -> None:
    listed = run(tree, "-m", "wyoming_servers", "engines").stdout
    assert re.search(r"morse +Morse code\n +(in use|ready); yours", listed), listed


def test_the_conformance_suite_finds_it_and_it_passes(tree: Path) -> None:
    ran = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/conformance/test_tts_engines.py", "-k", "morse")
    assert re.search(r"^\d\d passed", ran.stdout, re.MULTILINE), ran.stdout
    assert "failed" not in ran.stdout and "skipped" not in ran.stdout


def test_its_options_are_settings_and_documentation(tree: Path) -> None:
    assert "dot_ms: 25" in run(tree, "-m", "wyoming_servers", "config", "defaults").stdout
    assert "| `tone_hz` | `600` | height of the tone (100 to 4000) |" in run(tree, "-m", "wyoming_servers", "engines", "--markdown").stdout


def ask(tree: Path, sentence: str, *arguments: str) -> str:
    """What is answered to a sentence."""
    return run(tree, "-m", "wyoming_servers", "ask", sentence, "--set", "network.zeroconf=false", *arguments).stdout.strip()


def test_the_tool_answers(tree: Path) -> None:
    assert re.fullmatch(r"The moon is [a-z ]+\.", ask(tree, "what phase is the moon in"))


def test_the_tool_is_listed(tree: Path) -> None:
    assert re.search(r"^moon +on +Phase of the moon", run(tree, "-m", "wyoming_servers", "tools").stdout, re.MULTILINE)


def test_the_tools_test_and_that_of_its_page_pass(tree: Path) -> None:
    page = run(tree, "-m", "wyoming_servers", "tools", "--markdown").stdout
    assert "Says the phase of the moon, tonight or in some days." in page
    (tree / "docs" / "tools-reference.md").write_text(page)
    suites = ("tests/tools/test_moon.py", "tests/unit/test_tool_reference.py::test_the_page_of_tools_is_what_the_code_says")
    ran = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suites)
    assert re.search(r"^3 passed", ran.stdout, re.MULTILINE), ran.stdout


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("vad är klockan", r"Klockan är (\d?\d:\d\d|midnatt|tolv)\."),
        ("vem skrev pippi långstrump", r"Det vet jag inte än\."),
    ],
)
def test_the_language_is_spoken(tree: Path, sentence: str, answer: str) -> None:
    assert re.fullmatch(answer, ask(tree, sentence, "--set", "language=sv"))


def test_a_satellite_apologises_in_it_before_it_has_sentences_for_that(tree: Path) -> None:
    said = run(tree, "-c", "from wyoming_servers.shared.responses import apologies; print(set(apologies('sv').values()))")
    assert said.stdout.strip() == "{'Det gick inte.'}", said.stderr


def test_the_languages_labelled_sentences_are_understood(tree: Path) -> None:
    ran = run(tree, "-m", "wyoming_servers", "routing", "tests/routing/sv.yaml", "--templates", "--json")
    assert '"right": 1.0' in ran.stdout, ran.stdout + ran.stderr


def test_what_the_language_lacks_is_listed(tree: Path) -> None:
    listed = run(tree, "-m", "wyoming_servers", "languages", "sv").stdout
    assert re.search(r"^clock +lacks .*clock\.until_1.*; has no sentences for .*EarshotMonth", listed, re.MULTILINE), listed
    assert re.search(r"^timers +not translated$", listed, re.MULTILINE)
