"""The egress ledger as a file: bounded, shared by processes, and what `earshot egress` prints of it."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from wyoming_servers import cli
from wyoming_servers.shared import ledger
from wyoming_servers.shared.ledger import KEPT_S, Ledger

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import asyncio, sys, time
from pathlib import Path
from wyoming_servers.shared.ledger import Ledger

async def main():
    book = Ledger(Path(sys.argv[1]), time.time)
    for number in range(int(sys.argv[2])):
        row = await book.begin("probe", "GET", "a.example.org", "a test", local=False, sent_bytes=100)
        book.end(row, sent_bytes=100, received_bytes=7, status=200)
        print(number, flush=True)
    await book.close()

asyncio.run(main())
"""


def writer(file: Path, count: int) -> subprocess.Popen[str]:
    """Another process that writes `count` requests and says each number once it is written."""
    return subprocess.Popen([sys.executable, "-c", WRITER, str(file), str(count)], stdout=subprocess.PIPE, text=True, cwd=ROOT)


async def note(book: Ledger, host: str = "a.example.org", *, local: bool = False, sent_bytes: int = 100, status: int = 200) -> None:
    row = await book.begin("probe", "GET", host, "a test", local=local, sent_bytes=sent_bytes)
    book.end(row, sent_bytes=sent_bytes, received_bytes=2000, status=status)


async def test_what_is_older_than_three_months_goes(tmp_path):
    moment = [0.0]
    book = Ledger(tmp_path / "egress.db", lambda: moment[0])
    await note(book, "old.example.org")
    await book.close()
    moment[0] = KEPT_S + 1
    book = Ledger(tmp_path / "egress.db", lambda: moment[0])
    await note(book, "new.example.org")
    hosts = [one.host for one in await book.departures(0)]
    await book.close()
    assert hosts == ["new.example.org"]


async def test_it_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "MOST_ROWS", 250)
    book = Ledger(tmp_path / "egress.db", time.time)
    for _ in range(701):
        await note(book)
    count = len(await book.departures(0))
    await book.close()
    assert 250 <= count <= 351


async def test_two_processes_write_into_it_and_nothing_is_lost(tmp_path):
    with writer(tmp_path / "egress.db", 150) as first, writer(tmp_path / "egress.db", 150) as second:
        for process in (first, second):
            process.communicate(timeout=20)
    assert len(ledger.read(tmp_path / "egress.db", 0)) == 300


async def test_what_was_written_survives_a_kill(tmp_path):
    with writer(tmp_path / "egress.db", 100_000) as process:
        written = 0
        while written < 50:
            written = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        written = max([written, *map(int, process.stdout.read().split())])
    assert len(ledger.read(tmp_path / "egress.db", 0)) >= written + 1


async def test_another_process_that_holds_the_file_for_a_moment_is_waited_for(tmp_path):
    book = Ledger(tmp_path / "egress.db", time.time)
    await note(book)
    other = sqlite3.connect(tmp_path / "egress.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    book.end(1, sent_bytes=1, received_bytes=1, status=201)
    other.execute("COMMIT")
    other.close()
    (entry,) = await book.departures(0)
    await book.close()
    assert entry.status == 201


async def test_only_the_owner_may_read_it(tmp_path):
    book = Ledger(tmp_path / "egress.db", time.time)
    await note(book)
    await book.close()
    assert (tmp_path / "egress.db").stat().st_mode & 0o077 == 0


def printed(capsys, tmp_path: Path, *arguments: str) -> str:
    assert cli.main(["egress", "--set", f"handle.database={tmp_path / 'timers.db'}", *arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture
async def filled(tmp_path):
    """Yesterday one request left, today two, and one stayed in the house."""
    today = datetime.now().replace(hour=0, minute=0, second=1).timestamp()
    moment = [today - 3600]
    book = Ledger(tmp_path / "egress.db", lambda: moment[0])
    await note(book, "yesterday.example.org")
    moment[0] = today
    await note(book)
    await note(book, "b.example.org", status=503)
    await note(book, "nas.local", local=True)
    await note(book, "gone.example.org", sent_bytes=0, status=0)
    await book.close()
    return tmp_path


def test_the_command_prints_what_left_today(filled, capsys):
    lines = printed(capsys, filled).splitlines()
    assert [line.split()[2:11] for line in lines[:2]] == [
        ["probe", "GET", "a.example.org", "100", "B", "out,", "2", "kB", "in"],
        ["probe", "GET", "b.example.org", "100", "B", "out,", "2", "kB", "in"],
    ]
    assert lines[2:] == ["2 requests left the house to a.example.org, b.example.org: 200 B out, 4 kB in."]


@pytest.mark.parametrize(("since", "count"), [("yesterday", 3), ("7d", 3), ("2000-01-01", 3), ("today", 2)])
def test_it_goes_back_as_far_as_asked(filled, capsys, since, count):
    assert len(json.loads(printed(capsys, filled, "--since", since, "--json"))) == count


def test_it_tells_what_stayed_in_the_house_when_asked(filled, capsys):
    assert "nas.local (in the house)" in printed(capsys, filled, "--all")


def test_without_a_ledger_nothing_left(tmp_path, capsys):
    assert printed(capsys, tmp_path) == "Nothing left the house.\n"


def test_a_time_it_does_not_understand_is_refused_with_what_it_does(tmp_path, capsys):
    assert cli.main(["egress", "--since", "whenever"]) == 78
    assert "write today, yesterday, 12h, 7d or a date" in capsys.readouterr().err


def test_a_file_that_is_no_ledger_is_said(tmp_path, capsys):
    (tmp_path / "egress.db").write_text("hello" * 1000)
    assert cli.main(["egress", "--set", f"handle.database={tmp_path / 'timers.db'}"]) == 78
    assert "cannot be read" in capsys.readouterr().err
