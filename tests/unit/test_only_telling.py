"""Calls that a tool declares to only tell: they change nothing, whatever the tool tries."""

import asyncio
import sqlite3
from dataclasses import dataclass
from textwrap import dedent

import pytest

from wyoming_servers.shared.errors import UndeclaredChangeError
from wyoming_servers.shared.only_telling import check_change, only_telling
from wyoming_servers.shared.plugins import find_tools
from wyoming_servers.shared.tool import Tool, argument, on_own_thread, open_database

TABLE = "CREATE TABLE IF NOT EXISTS things (name TEXT)"
STATEMENTS = (
    "INSERT INTO things VALUES ('milk')",
    "DELETE FROM things",
    "UPDATE things SET name = ''",
    "DROP TABLE things",
    "CREATE TABLE others (name TEXT)",
)


class Lamp(Tool):
    """Tells with "state" and without a level."""

    name = "lamp"
    description = "A lamp."
    changes = True
    only_tells = {"action": frozenset({"state"}), "level": frozenset({None})}

    @dataclass(frozen=True)
    class Args:
        action: str = argument("state", "what", choices=("state", "on"))
        level: int | None = argument(None, "how bright")

    async def call(self, args, context):
        raise NotImplementedError


@pytest.fixture
def connection(tmp_path):
    with_things = open_database(tmp_path / "things.db", TABLE)
    yield with_things
    with_things.close()


@pytest.mark.parametrize(("args", "changes"), [({}, False), ({"action": "on"}, True), ({"level": 3}, True)])
def test_a_call_only_tells_where_every_argument_says_so(args, changes):
    assert Lamp(None, None).changes_by(Lamp.Args(**args)) is changes


@pytest.mark.parametrize("changes", [True, False])
def test_without_a_declaration_the_class_says_it(changes):
    class Plain(Lamp):
        only_tells = {}

    Plain.changes = changes
    assert Plain(None, None).changes_by(Plain.Args()) is changes


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_is_not_written_to(connection, statement, caplog):
    with only_telling("lamp"), pytest.raises(sqlite3.DatabaseError):
        connection.execute(statement)
    assert "tool lamp wanted to write to the database" in caplog.text


def test_a_statement_that_was_used_before_is_refused_too(connection):
    connection.execute(STATEMENTS[0])
    with only_telling("lamp"), pytest.raises(sqlite3.DatabaseError):
        connection.execute(STATEMENTS[0])
    assert connection.execute("SELECT count(*) FROM things").fetchone() == (1,)


def test_the_database_is_read(connection):
    connection.execute(STATEMENTS[0])
    with only_telling("lamp"):
        assert connection.execute("SELECT upper(name) FROM things ORDER BY rowid").fetchall() == [("MILK",)]


def test_afterwards_it_is_written_to_again(connection):
    before = connection.execute("SELECT name FROM things ORDER BY rowid").fetchall()
    with only_telling("lamp"):
        pass
    connection.execute(STATEMENTS[0])
    assert connection.execute("SELECT name FROM things ORDER BY rowid").fetchall() != before


@pytest.mark.parametrize(
    "elsewhere",
    [asyncio.to_thread, lambda work: on_own_thread(work, "write"), lambda work: asyncio.create_task(asyncio.to_thread(work))],
    ids=["a thread", "a thread of its own", "a task"],
)
async def test_it_holds_elsewhere_too(connection, elsewhere):
    with only_telling("lamp"), pytest.raises(sqlite3.DatabaseError):
        await elsewhere(lambda: connection.execute(STATEMENTS[0]))


def test_what_can_be_refused_is_refused_with_the_next_step():
    with only_telling("lamp"), pytest.raises(UndeclaredChangeError, match="only_tells"):
        check_change("call light.turn_on")


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ('only_tells = {"verb": {"state"}}\n    changes = True', "no argument (there are: action)"),
        ('only_tells = {"action": "state"}\n    changes = True', "needs a set of values"),
        ('only_tells = {"action": {"look"}}\n    changes = True', "'look' (allowed: state, on)"),
        ('only_tells = {"action": {"state"}}', "`changes = True`"),
    ],
)
def test_a_declaration_that_means_something_else_than_it_says_is_refused(tmp_path, declared, complaint):
    (tmp_path / "lamp.py").write_text(
        dedent("""
        from dataclasses import dataclass
        from wyoming_servers.shared.tool import Tool, argument


        class Lamp(Tool):
            name = "lamp"
            description = "A lamp."
            DECLARED

            @dataclass(frozen=True)
            class Args:
                action: str = argument("state", "what", choices=("state", "on"))

            async def call(self, args, context):
                raise NotImplementedError
        """).replace("DECLARED", declared)
    )
    found, broken = find_tools([tmp_path])
    assert found == [] and complaint in broken[0].reason
