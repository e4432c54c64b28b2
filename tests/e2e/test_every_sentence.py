"""Every labelled sentence, put to a real server as `earshot ask` puts it: the tool that is meant does it, and answers in the language."""

import asyncio
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

import pytest
import yaml
from earshot_command import Earshot
from every_service import ARTICLE, SEEN, every_service
from wire import event, wire

from wyoming_servers.handle.routing import NONE, RIGHT, Case, Choice, Graded, read_cases
from wyoming_servers.satellite.ask import ask_text
from wyoming_servers.satellite.directory import Directory
from wyoming_servers.satellite.report import TurnReport
from wyoming_servers.shared import paths
from wyoming_servers.shared.identity import satellite_id
from wyoming_servers.shared.plugins import load_tools
from wyoming_servers.shared.settings import PeersSection, Settings, load
from wyoming_servers.shared.tasks import cancel

LANGUAGES = tuple(ARTICLE)
CASES = {name: read_cases(Path(__file__).resolve().parents[1] / "routing" / f"{name}.yaml") for name in LANGUAGES}
BY_COMMAND = ("weather", "lists")
_NOT_DONE = (NONE, "home")
"""Here is no Home Assistant."""
_WORD = re.compile(r"[^\W\d_]+")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with every_service(tmp_path_factory.mktemp("house")) as uri:
        yield uri


@lru_cache
def intents() -> dict[str, dict]:
    """By tool what its intents mean."""
    return {tool.name: dict(tool.intents) for tool in load_tools([paths.content("tools")])[0]}


@lru_cache
def vocabulary(language: str) -> set[str]:
    """The words a language's sentences are made of."""
    words: set[str] = set()
    for path in paths.content("intents").joinpath(language).glob("*.yaml"):
        words |= set(_WORD.findall(str(yaml.safe_load(path.read_text("utf-8")).get("responses", {})).casefold()))
    return words | set(_WORD.findall(f"{SEEN[language]} {ARTICLE[language]}".casefold()))


def language_of(answer: str, wanted: str) -> str:
    """Whose words it is made of; the wanted one's when others know as many."""
    words = _WORD.findall(answer.casefold())
    known = Counter({language: sum(word in vocabulary(language) for word in words) for language in LANGUAGES})
    return wanted if known[wanted] == max(known.values()) else known.most_common(1)[0][0]


def choice(report: TurnReport) -> Choice:
    """What the server made of it."""
    if not report.tool:
        return Choice(NONE)
    return Choice(report.tool, {**intents()[report.tool].get(report.intent or "", {}), **report.slots})


def before(case: Case) -> list[str]:
    """What makes the sentence a sensible one, in English, which every house understands."""
    name = case.args.get("name", "")
    item = case.args.get("item", "milk")
    tool, action = case.tool, case.args.get("action")
    if tool == "timers" and action != "start":
        paused = ["pause the timer"] if action == "resume" else []
        return ["cancel all timers", f"set a {name} timer for nine minutes" if name else "set a timer for nine minutes", *paused]
    if tool == "alarms" and action != "set":
        return ["cancel all alarms", "set an alarm for seven am tomorrow"]
    if tool == "reminders" and action != "set":
        return ["remind me to breathe at nine"]
    if tool == "lists" and action in ("remove", "complete", "contains", "read", "clear"):
        return [f"add {item} to the shopping list"]
    if tool == "lists" and action == "add":
        return [f"remove {item} from the shopping list"]
    return []


class House:
    """The server, asked as `earshot ask` asks."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._settings = settings
        self._directory = directory

    async def ask(self, text: str, language: str) -> TurnReport:
        report, _ = await ask_text(self._directory, dataclasses.replace(self._settings, language=language), text, speak=False)
        return report


@asynccontextmanager
async def house(uri: str):
    """With a satellite of this machine's name, whose volume can be changed and whose microphone can be switched."""
    settings = load(environment={})
    directory = Directory(PeersSection(handle=uri), browse=False)
    await directory.start()

    async def obey(peer) -> None:
        while (message := await peer.receive()) is not None:
            if message.type == "earshot-volume":
                state = {"percent": 50, "muted": bool(message.data.get("muted"))}
                await peer.send(event("earshot-volume", {**state, "request": message.data["request"]}))
            elif message.type == "earshot-microphone":
                await peer.send(event("earshot-microphone", {"muted": bool(message.data.get("muted"))}))

    try:
        async with wire(uri) as link:
            await link.send(event("earshot-subscribe", {"satellite_id": satellite_id(settings.satellite.name)}))
            answering = asyncio.create_task(obey(link))
            try:
                yield House(settings, directory)
            finally:
                await cancel(answering)
    finally:
        await directory.stop()


async def wrong(here: House, case: Case) -> str:
    """What is wrong with the answer to a sentence; empty when nothing is. Stop, never mind and mute are answered by silence."""
    for text in before(case):
        await here.ask(text, "en")
    report = await here.ask(case.text, case.language)
    graded = Graded(case, choice(report))
    if graded.grade != RIGHT:
        return f"{graded.grade}: {graded.choice} {report.answer!r}"
    if report.handled != (case.tool not in _NOT_DONE):
        return f"handled is {report.handled}: {report.answer!r}"
    if not report.answer:
        return "" if case.tool in ("general", "volume") else "nothing was said"
    spoken = language_of(report.answer, case.language)
    return f"spoken in {spoken}: {report.answer!r}" if spoken != case.language else ""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_labelled_sentence_is_answered_by_its_tool_in_its_language(server: str, language: str) -> None:
    async with house(server) as here:
        found = {case.text: await wrong(here, case) for case in CASES[language] if case.tool in {*intents(), NONE}}
    assert {text: problem for text, problem in found.items() if problem} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_gives_the_same_answers(server: str, tmp_path: Path, language: str) -> None:
    earshot = Earshot(tmp_path)
    for case in [next(case for case in CASES[language] if case.tool == tool) for tool in BY_COMMAND]:
        options = ("--set", f"language={language}", "--set", f"satellite.peers.handle={server}")
        ended = earshot.run("ask", case.text, "--json", *options)
        told = json.loads(ended.stdout)
        assert (ended.returncode, told["tool"], told["handled"]) == (0, case.tool, True), ended.stderr
        assert language_of(told["answer"], language) == language


def test_an_answer_in_another_language_would_be_noticed() -> None:
    assert {language_of(text, "nl" if language == "en" else "en") for language, text in SEEN.items()} == set(LANGUAGES)
