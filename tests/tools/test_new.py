"""`earshot tools new`: what it writes works as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

from wyoming_servers import cli
from wyoming_servers.handle.testing import house


@pytest.fixture
def owner(tmp_path, monkeypatch) -> Path:
    """The folder of an owner's data."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "earshot"


def test_the_new_tool_passes_its_test_unedited(owner):
    assert cli.main(["tools", "new", "garden_gnome"]) == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", str(owner / "tests")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=owner, timeout=60)
    assert ended.returncode == 0, ended.stdout
    assert "9 passed" in ended.stdout


def test_it_answers_unedited(owner, capsys):
    cli.main(["tools", "new", "abacus"])
    capsys.readouterr()
    assert cli.main(["ask", "ask abacus to count to four", "--set", "network.zeroconf=false"]) == 0
    assert capsys.readouterr().out == "I count: one, two, three and four.\n"


def test_two_new_tools_do_not_get_in_each_others_way(tmp_path):
    for name in ("abacus", "gnome"):
        cli.main(["tools", "new", name, "--folder", str(tmp_path)])
    with house(tmp_path) as home:
        assert [home.answer(f"ask {name} to count to two").steps[0].tool for name in ("abacus", "gnome")] == ["abacus", "gnome"]


def test_it_says_what_it_has_written_and_how_to_go_on(owner, capsys):
    cli.main(["tools", "new", "abacus"])
    out, err = capsys.readouterr()
    written = [Path(line).relative_to(owner).as_posix() for line in out.splitlines()]
    sentences = [f"intents/{language}/abacus.yaml" for language in ("en", "de", "fr", "es", "it", "nl")]
    assert written == ["tools/abacus.py", *sentences, "tests/test_abacus.py"]
    assert 'earshot ask "ask abacus to count to three"' in err


@pytest.mark.parametrize("name", ["Abacus", "1st", "my-tool", "class", "../evil", "", "clock"])
def test_a_name_that_cannot_be_used_is_refused(owner, capsys, name):
    assert cli.main(["tools", "new", name]) == 78
    assert "cannot name a tool" in (error := capsys.readouterr().err) or "there is a tool 'clock' already" in error


def test_nothing_is_written_over(owner, capsys):
    cli.main(["tools", "new", "abacus"])
    (owner / "tools" / "abacus.py").write_text("x = 1\n")
    assert cli.main(["tools", "new", "abacus"]) == 78
    assert "is there already" in capsys.readouterr().err
    assert (owner / "tools" / "abacus.py").read_text() == "x = 1\n"
