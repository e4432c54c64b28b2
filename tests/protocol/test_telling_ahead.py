"""What only tells is answered before it is certain that the user has finished, by every tool in every language, and changes nothing."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from every_service import Encyclopaedia
from fake_home_assistant import FakeHomeAssistant, home_assistant
from handle_house import said
from home_rig import HERE, known, settings
from open_meteo import PARIS, SEARCH, addresses, open_meteo
from tool_sentences import LANGUAGES
from web_services import serving
from wire import event, wire
from wyoming.asr import Transcript
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.handle.server import HandleService
from wyoming_servers.shared import paths
from wyoming_servers.shared.home_assistant import copy_file
from wyoming_servers.shared.home_assistant_names import write_copy
from wyoming_servers.shared.plugins import load_tools
from wyoming_servers.shared.server import WyomingServer
from wyoming_servers.shared.tasks import cancel

SENTENCES = yaml.safe_load(Path(__file__).with_name("telling_sentences.yaml").read_text("utf-8"))
BEFORE = (
    "set a timer for nine minutes",
    "set an alarm for seven am tomorrow",
    "remind me to breathe at nine",
    "start the stopwatch",
    "add milk to the shopping list",
)
PATIENCE_S = 8.0


@dataclass
class House:
    """A house in which everything can be asked about."""

    uri: str
    database: Path
    home: FakeHomeAssistant
    told: list[Event] = field(default_factory=list)
    """What the satellite in the kitchen was told, questions apart."""

    def world(self) -> tuple[Any, ...]:
        """Everything that a tool could change."""
        with sqlite3.connect(self.database) as connection:
            kept = list(connection.iterdump())
        connection.close()
        return kept, list(self.home.calls), len(self.told)


async def obey(link, house: House) -> None:
    """The satellite's side of a link: tells how it is."""
    state = {"earshot-volume": {"percent": 50, "muted": False}, "earshot-microphone": {"muted": False}}
    while (message := await link.receive()) is not None:
        if message.data.keys() - {"request"}:
            house.told.append(message)
        if message.type in state:
            await link.send(event(message.type, {**state[message.type], **message.data}))


@asynccontextmanager
async def furnished(folder: Path, folders: Sequence[Path] | None = None) -> AsyncIterator[House]:
    """Everything but the questions has happened. folders: of tools instead of the shipped ones."""
    with ExitStack() as stack:
        weather = stack.enter_context(open_meteo())
        weather.reply(SEARCH, lambda asked: {"results": [PARIS | {"id": 1, "feature_code": "PPL"}]})
        articles = stack.enter_context(serving(Encyclopaedia()))
        tools = (
            {}
            if folders
            else {
                "weather": {**addresses(weather), "name": "Paris"},
                "wikipedia": {"uri": articles.uri + "/{language}"},
                "camera": {"cameras": {"door": "http://127.0.0.1:9/door.jpg"}, "base_url": "http://127.0.0.1:9/v1"},
            }
        )
        async with home_assistant() as fake:
            write_copy(copy_file(), fake.url, known(fake))
            plain = settings(folder, fake)
            handle = dataclasses.replace(plain.handle, tools=tools, language_s=30.0, deadline_s=30.0)
            server = WyomingServer("tcp://127.0.0.1:0", [HandleService(dataclasses.replace(plain, handle=handle), tool_folders=folders)])
            await server.start()
            house = House(server.uri, Path(handle.database), fake)
            try:
                async with wire(server.uri) as link:
                    await link.send(event("earshot-subscribe", {"satellite_id": HERE["satellite_id"], "area": HERE["area"]}))
                    await link.receive_type("earshot-subscribed")
                    satellite = asyncio.create_task(obey(link, house))
                    for sentence in () if folders else BEFORE:
                        await said(server.uri, sentence, **HERE)
                    yield house
                    await cancel(satellite)
            finally:
                await server.stop()


async def asked_ahead(house: House, text: str, language: str) -> tuple[str, bool, str]:
    """Asks before it is certain, and then for certain: which tool answered, whether anything had changed before, and what it said."""
    data = {"text": text, "language": language, "context": HERE | {"conversation_id": language}}
    before = house.world()
    async with AsyncClient.from_uri(house.uri) as client, asyncio.timeout(PATIENCE_S):
        await client.write_event(Event("earshot-provisional", data))
        ahead = await until(client, "handled-chunk")
        changed = house.world() != before
        await client.write_event(Transcript(**data).event())
        answer = await until(client, "handled")
        await until(client, "handled-stop")
    assert answer["text"] == ahead["text"]
    return answer["context"]["earshot"]["tool"], changed, answer["text"]


async def until(client: AsyncClient, kind: str) -> dict[str, Any]:
    while (got := await client.read_event()) is not None:
        if got.type == kind:
            return got.data
    raise AssertionError(f"the server hung up before {kind}")


def questions(language: str) -> list[tuple[str, str]]:
    """Tool and sentence, `repeat` last, when there is something to repeat."""
    return [(tool, text) for tool, kinds in SENTENCES[language].items() for text in kinds.values()]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_question_is_answered_ahead_and_changes_nothing(tmp_path, language):
    async with furnished(tmp_path) as house:
        wrong = {}
        for tool, text in questions(language):
            try:
                by, changed, _ = await asked_ahead(house, text, language)
            except TimeoutError:
                by, changed = "no answer before it was certain", False
            if by != tool or changed:
                wrong[text] = (by, changed)
    assert wrong == {}


def kinds(tool) -> set[str]:
    """What the file of sentences must have of a tool: every value of its first declared argument."""
    if not tool.changes:
        return {"any"}
    values = next(iter(tool.only_tells.values()), ())
    return {str(value).lower() for value in values}


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_question_for_everything_that_only_tells(language):
    tools = load_tools([paths.content("tools")])[0]
    assert {name: set(kinds) for name, kinds in SENTENCES[language].items()} == {tool.name: kinds(tool) for tool in tools if kinds(tool)}


LIAR = """
from dataclasses import dataclass
from wyoming_servers.shared.tool import Tool, ToolResult, argument, open_database

class Liar(Tool):
    name = "liar"
    description = "Says that it only tells."
    intents = {"Lie": {}}
    changes = True
    only_tells = {"count": {1}}

    @dataclass(frozen=True)
    class Args:
        count: int = argument(1, "how often")

    async def start(self):
        self.kept = open_database(self.home.database, "CREATE TABLE IF NOT EXISTS lies (count INTEGER)")

    async def stop(self):
        self.kept.close()

    async def call(self, args, context):
        WHAT
        return ToolResult(context.phrases.say("done"))
"""
LIES = {
    "write to the database": 'self.kept.execute("INSERT INTO lies VALUES (1)")',
    "send earshot-say to a satellite": 'self.home.announce("kitchen", "earshot-say", {"text": "boo"})',
    "call light.turn_on": 'await self.home.devices.call("light.turn_on", ["light.counter"])',
    "post to a web service": 'await self.home.http.post("http://127.0.0.1:9/", why="a lie")',
}
SAID = """
language: en
intents: {Lie: {data: [{sentences: ["lie to me"]}]}}
responses: {liar: {done: "Done."}}
"""


@pytest.mark.parametrize("what", LIES)
async def test_a_tool_that_changes_something_where_it_says_that_it_only_tells_is_kept_from_it(tmp_path, caplog, what):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "liar.py").write_text(LIAR.replace("WHAT", LIES[what]))
    (tmp_path / "intents" / "en").mkdir(parents=True)
    (tmp_path / "intents" / "en" / "liar.yaml").write_text(SAID)
    async with furnished(tmp_path, [tmp_path / "tools"]) as house:
        before = house.world()
        assert await said(house.uri, "lie to me") == "Something went wrong with that."
        assert house.world() == before
    assert f"tool liar wanted to {what}" in caplog.text
