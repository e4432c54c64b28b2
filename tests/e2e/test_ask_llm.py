"""`earshot ask` with a language model, as its owner sees it."""

import json
from pathlib import Path

import pytest
from earshot_command import Earshot
from fake_llm import Call, FakeLlm
from fake_web import serving


@pytest.fixture
def earshot(tmp_path: Path) -> Earshot:
    return Earshot(tmp_path)


@pytest.fixture
def llm():
    with serving(FakeLlm()) as server:
        yield server


def test_ask_tells_the_route_the_tool_and_the_tokens(earshot: Earshot, llm: FakeLlm) -> None:
    llm.on("eggs", Call("timers", {"action": "start", "minutes": 4}))
    ended = earshot.run("ask", "the eggs need four minutes from now", "--json", "--set", f"llm.base_url={llm.uri}")
    answered = json.loads(ended.stdout)
    assert (answered["route"], answered["tool"], answered["llm"]["model"]) == ("llm", "timers", "small-model")
    assert {"prompt", "cached", "generated", "first_ms"} <= answered["llm"].keys()
    assert answered["answer"].startswith("Timer set for 4 minutes.")


def test_ask_without_a_server_at_the_address_says_so(earshot: Earshot, llm: FakeLlm) -> None:
    llm.stop()
    ended = earshot.run("ask", "please knit me a jumper", "--set", f"llm.base_url={llm.uri}")
    assert ended.stdout.strip() == "I can't reach my language model right now."


def test_an_address_that_is_none_is_refused_at_once(earshot: Earshot) -> None:
    ended = earshot.run("ask", "please knit me a jumper", "--set", "llm.base_url=nowhere")
    assert ended.returncode == 78
    assert "llm.base_url" in ended.stderr and "Traceback" not in ended.stderr
