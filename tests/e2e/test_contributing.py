"""CONTRIBUTING.md, followed literally: one file and one line make an engine, and the conformance suite finds it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout to which the file and the line have been added."""
    copy = tmp_path_factory.mktemp("contributing")
    for name in ("wyoming_servers", "tests", "config", "intents", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    text = (ROOT / "CONTRIBUTING.md").read_text()
    path, code = re.search(r"### 1\. The file: `([^`]+)`.*?```python\n(.*?)```", text, re.DOTALL).groups()  # type: ignore[union-attr]
    (copy / path).write_text(code)
    path, line = re.search(r"### 2\. The line: in `([^`]+)`.*?```python\n(.*?)```", text, re.DOTALL).groups()  # type: ignore[union-attr]
    listed = (copy / path).read_text()
    (copy / path).write_text(listed.replace("ENGINES = (\n", f"ENGINES = (\n{line}", 1))
    return copy


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python command in the copy."""
    environment = os.environ | {"PYTHONPATH": str(tree)}
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
