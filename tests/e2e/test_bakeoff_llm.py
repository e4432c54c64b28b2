"""`earshot bakeoff llm` as the owner runs it, with scripted models: a good one, a slow one, a wrong one, a dead one."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from earshot_command import Earshot
from fake_llm import Call, FakeLlm
from fake_web import serving

from wyoming_servers.bakeoff.candidates import Candidate, parse
from wyoming_servers.bakeoff.choosing import ChoosingMeasure
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.settings import LlmSection

SENTENCES = """language: en
cases:
  - {text: five minutes please, tool: timers, args: {action: start, minutes: 5}}
  - {text: add seven to the shopping list, tool: lists, args: {action: add, item: seven}}
  - {text: tell me a joke, tool: none}
"""


@pytest.fixture
def earshot(tmp_path: Path) -> Earshot:
    return Earshot(tmp_path)


@pytest.fixture(scope="module")
def good() -> Iterator[FakeLlm]:
    """Two models that are right, of which one is slow."""
    with serving(FakeLlm()) as server:
        server.models = [{"id": "slow"}, {"id": "text-embed"}, {"id": "good"}]
        server.waits_s["slow"] = 0.4
        server.on("five minutes", Call("timers", {"action": "start", "minutes": 5}))
        server.on("seven", Call("lists", {"action": "add", "item": "seven"}))
        yield server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    (folder / "sentences.yaml").write_text(SENTENCES)
    return folder


@dataclass(frozen=True)
class Ran:
    """A bake-off that is over."""

    earshot: Earshot
    printed: str

    @property
    def results(self) -> dict[str, Any]:
        return json.loads((self.earshot.home / "out" / "results.json").read_text())

    def figures(self, name: str) -> dict[str, float]:
        return next(entry["figures"] for entry in self.results["entries"] if entry["candidate"]["name"] == name)


def bakeoff(earshot: Earshot, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return earshot.run("bakeoff", "llm", "--data", str(data), "--out", "out", *arguments)


def model_that_answers(earshot: Earshot, llm: FakeLlm) -> str:
    asked = earshot.run("ask", "please knit me a jumper", "--json", "--set", f"llm.base_url={llm.uri}")
    return json.loads(asked.stdout)["llm"]["model"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, good: FakeLlm, data: Path) -> Iterator[Ran]:
    """A good model, a slow one, one that takes everything for a timer, and one that is not there."""
    earshot = Earshot(tmp_path_factory.mktemp("home"))
    with serving(FakeLlm()) as wrong:
        wrong.default = (Call("timers", {"action": "cancel"}),)
        candidates = (f"wrong={wrong.uri}", "slow", "good", "dead=http://127.0.0.1:9/v1")
        done = bakeoff(earshot, data, "--set", f"llm.base_url={good.uri}", "--candidates", *candidates)
    assert done.returncode == 0, done.stderr
    yield Ran(earshot, done.stdout)


def test_accuracy_decides_and_then_speed(ran: Ran) -> None:
    assert ran.results["ranking"] == ["good", "slow", "wrong"]
    assert [ran.figures(name)["right"] for name in ("good", "slow", "wrong")] == [1.0, 1.0, 0.0]


def test_a_dead_one_is_out_and_says_why(ran: Ran) -> None:
    assert "dead: http://127.0.0.1:9/v1 cannot be reached" in ran.printed


def test_the_winners_settings_are_printed(ran: Ran) -> None:
    assert "llm:\n  model: good" in ran.printed


def test_the_wait_is_that_for_the_first_words(ran: Ran) -> None:
    assert ran.figures("slow")["p50 ms"] >= 400


def test_a_tool_that_nobody_asked_for_is_a_false_call(ran: Ran) -> None:
    assert [ran.figures(name)["false calls"] for name in ("good", "wrong")] == [0, 1]


def test_tokens_are_counted(ran: Ran) -> None:
    figures = ran.figures("good")
    assert figures["prompt"] > figures["cached"] > 0.9 * figures["prompt"]
    assert figures["generated"] > 0


def test_the_page_shows_what_went_wrong(ran: Ran) -> None:
    page = (ran.earshot.home / "out" / "index.html").read_text()
    assert "false call: timers action=cancel" in page


def test_the_winner_answers_from_then_on(ran: Ran, earshot: Earshot, good: FakeLlm) -> None:
    assert (model_that_answers(earshot, good), model_that_answers(ran.earshot, good)) == ("slow", "good")


def test_without_candidates_every_model_that_talks_takes_part(earshot: Earshot, good: FakeLlm, data: Path) -> None:
    done = bakeoff(earshot, data, "--set", f"llm.base_url={good.uri}", "--json")
    assert json.loads(done.stdout)["ranking"] == ["good", "slow"]


def test_a_model_that_is_not_there_is_out(earshot: Earshot, good: FakeLlm, data: Path) -> None:
    done = bakeoff(earshot, data, "--set", f"llm.base_url={good.uri}", "--candidates", "missing")
    assert done.returncode == 1
    assert "does not have it; there are: slow, text-embed, good" in done.stdout


def test_without_an_address_it_says_what_to_set(earshot: Earshot, data: Path) -> None:
    done = bakeoff(earshot, data)
    assert "llm.base_url" in done.stderr and "Traceback" not in done.stderr


def test_the_sentences_of_the_house_s_language_come_along(earshot: Earshot, good: FakeLlm) -> None:
    address = ("--set", f"llm.base_url={good.uri}", "--set", "language=nl", "--json")
    done = earshot.run("bakeoff", "llm", "--candidates", "good", "--out", "out", *address)
    assert "zet een timer van vijf minuten (nl)" in [trial["item"] for trial in json.loads(done.stdout)["entries"][0]["trials"]]


def measure(**options: str) -> ChoosingMeasure:
    return ChoosingMeasure([], [], LlmSection(**options), lambda chosen: pytest.fail("nobody is asked"))


def test_the_owners_key_goes_to_no_other_server() -> None:
    own = measure(base_url="http://own:1/v1", key="secret")
    assert own.options_of(parse("llm", "http://other:1/v1#small")).key == ""
    assert own.options_of(parse("llm", "small")).key == "secret"


def test_a_candidate_is_a_model_or_an_address() -> None:
    assert parse("llm", "qwen3:4b") == Candidate("llm", "qwen3:4b", "openai", (("model", "qwen3:4b"),))
    assert parse("llm", "box=http://box:1/v1").settings_lines() == "llm:\n  base_url: http://box:1/v1"
    with pytest.raises(SettingsError, match="MODEL"):
        parse("llm", "tcp://10.0.0.1:10300")
