"""The examination as a whole: no check can stop the others, and what is printed can be read by people and by programs."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wyoming_servers.commands.doctor import as_json, shown
from wyoming_servers.doctor.examination import Examined, examine
from wyoming_servers.doctor.finding import Finding, State, Visit, ok, program, warning
from wyoming_servers.doctor.table import CHECKS, Check
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.settings import validate

DOCS = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"


def well(visit: Visit) -> list[Finding]:
    return [ok("well")]


async def examined(*checks: Check) -> list[Examined]:
    return [each async for each in examine(Visit(validate({})), checks)]


async def test_a_check_that_breaks_does_not_stop_the_others():
    def broken(visit: Visit) -> list[Finding]:
        raise ZeroDivisionError("oh")

    first, second = await examined(Check("a", "", broken), Check("b", "", well))
    assert (first.findings[0].state, second.findings[0].state) == (State.FAILURE, State.OK)
    assert "ZeroDivisionError" in first.findings[0].text


async def test_an_error_of_ours_is_told_as_it_is():
    def refused(visit: Visit) -> list[Finding]:
        raise SettingsError("models.folder: no such folder")

    (only,) = await examined(Check("a", "", refused))
    assert only.findings[0].text == "models.folder: no such folder"


async def test_a_check_that_hangs_ends_at_its_deadline_and_is_known_to_be_stuck():
    free = threading.Event()

    def hangs(visit: Visit) -> list[Finding]:
        free.wait(20)
        return []

    first, second = await examined(Check("a", "", hangs, 0.1), Check("b", "", well))
    free.set()
    assert (first.stuck, first.findings[0].state, second.findings[0].state) == (True, State.FAILURE, State.OK)


async def test_a_program_that_is_not_there_has_printed_nothing():
    assert await program("no-such-program-of-ours") is None


async def test_a_program_that_fails_has_printed_nothing():
    assert await program(sys.executable, "-c", "print('x'); raise SystemExit(1)") is None


async def test_what_a_program_prints_is_told():
    assert await program(sys.executable, "-c", "print('x')") == "x\n"


def test_what_is_printed_fits_80_columns():
    long = warning("word " * 60, "command " * 30)
    assert max(map(len, shown("file-systems", long).splitlines())) <= 80


def test_json_holds_every_finding_and_the_worst_state():
    check = Check("disk", "", well)
    told = as_json([Examined(check, [ok("fine", free_mb=5), warning("less so", "do something")])])
    assert told["worst"] == "warning"
    assert told["findings"][0] == {"section": "disk", "state": "ok", "text": "fine", "mend": "", "data": {"free_mb": 5}}


def test_sections_have_names_of_their_own():
    names = [check.section for check in CHECKS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.section)
def test_the_page_about_the_doctor_lists_every_check(check):
    assert f"| `{check.section}` | {check.what} |" in DOCS.read_text(encoding="utf-8").splitlines()


def test_the_page_lists_no_check_that_does_not_exist():
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len([row for row in rows if row.split("`")[1] in {check.section for check in CHECKS}]) == len(CHECKS)


def earshot_doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wyoming_servers", "doctor", *arguments], capture_output=True, text=True, timeout=30)


def test_the_command_prints_json_and_ends_well_when_nothing_failed():
    done = earshot_doctor("--json", "--section", "memory", "--section", "clock")
    assert {finding["section"] for finding in json.loads(done.stdout)["findings"]} == {"memory", "clock"}
    assert done.returncode == 0, done.stderr


def test_the_command_ends_with_1_when_something_failed(tmp_path):
    settings = tmp_path / "assistant.yaml"
    settings.write_text("asr: {nonsense: 1}\n")
    done = earshot_doctor("--config", str(settings), "--section", "settings", "--section", "processor")
    assert done.returncode == 1
    assert "asr.nonsense" in done.stdout
    assert "processor: " in done.stdout


def test_a_section_that_does_not_exist_is_an_error_that_lists_them():
    done = earshot_doctor("--section", "nonsense")
    assert done.returncode == 2
    assert "file-systems" in done.stderr
