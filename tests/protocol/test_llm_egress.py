"""A language model outside the house: what is sent to it is judged and written down; one in the house is nobody's business."""

import pytest
from fake_llm import FakeLlm
from fake_web import serving
from llm_house import LlmHouse, llm_house

from wyoming_servers.shared import ledger, reach
from wyoming_servers.shared.settings import NetworkSection
from wyoming_servers.shared.tool import Departure

DENIED = "My language model is outside the house, and I may not ask it."
QUESTION = "name a planet"


@pytest.fixture
def llm():
    with serving(FakeLlm()) as server:
        server.default = ("Mars.",)
        yield server


@pytest.fixture
def outside(monkeypatch, llm):
    """The address of a model that stands outside, as far as anybody's address book goes."""
    monkeypatch.setattr(reach, "_system_lookup", lambda host: ["8.8.8.8"])
    return llm.uri.replace("127.0.0.1", "localhost")


def written(folder) -> list[Departure]:
    return list(ledger.read(folder / "egress.db", 0))


async def asked(house: LlmHouse) -> str:
    return await house.said(QUESTION)


async def test_what_is_sent_outside_is_in_the_ledger(tmp_path, llm, outside):
    async with llm_house(tmp_path, llm, warm=False, base_url=outside, network=NetworkSection()) as house:
        assert await asked(house) == "Mars."
    question = next(row for row in written(tmp_path) if row.method == "POST")
    assert (question.tool, question.host, question.why, question.status, question.left) == (
        "llm",
        "localhost",
        "an answer of the language model",
        200,
        True,
    )
    assert question.sent_bytes > 500 and question.received_bytes > 50 and not question.problem


async def test_the_house_tells_that_a_question_has_left(tmp_path, llm, outside):
    async with llm_house(tmp_path, llm, own_tool=False, warm=False, base_url=outside, network=NetworkSection()) as house:
        await asked(house)
        told = await house.said("what left the house today")
    assert "localhost" in told and "an answer of the language model" in told


async def test_what_stays_in_the_house_is_not_written_down(tmp_path, llm):
    async with llm_house(tmp_path, llm, network=NetworkSection()) as house:
        assert await asked(house) == "Mars."
    assert written(tmp_path) == []


async def test_denied_egress_still_asks_a_model_in_the_house(tmp_path, llm):
    async with llm_house(tmp_path, llm, network=NetworkSection(egress="deny")) as house:
        assert await asked(house) == "Mars."


async def test_denied_egress_asks_no_model_outside_and_says_so(tmp_path, llm, outside):
    async with llm_house(tmp_path, llm, warm=False, base_url=outside, network=NetworkSection(egress="deny")) as house:
        assert await asked(house) == DENIED
    assert (llm.requests, written(tmp_path)) == ([], [])


async def test_a_model_outside_is_not_even_looked_up_when_egress_is_denied(tmp_path, monkeypatch):
    monkeypatch.setattr(reach, "_system_lookup", lambda host: pytest.fail(f"{host} was looked up"))
    async with llm_house(tmp_path, warm=False, base_url="http://llm.example.org/v1", network=NetworkSection(egress="deny")) as house:
        assert await asked(house) == DENIED


async def test_a_listed_model_outside_may_be_asked(tmp_path, llm, outside):
    network = NetworkSection(egress="deny", egress_hosts=("localhost",))
    async with llm_house(tmp_path, llm, warm=False, base_url=outside, network=network) as house:
        assert await asked(house) == "Mars."
    assert {row.host for row in written(tmp_path)} == {"localhost"}


async def test_a_model_outside_reads_nothing_ahead(tmp_path, llm, outside):
    async with llm_house(tmp_path, llm, warm=False, base_url=outside, read_ahead=True, network=NetworkSection()) as house:
        await asked(house)
        await house.said("name another one")
    assert [request.last.partition(" [")[0] for request in llm.requests] == [QUESTION, "name another one"]


async def test_a_request_that_reaches_nobody_has_not_left(tmp_path, llm, outside):
    llm.stop()
    async with llm_house(tmp_path, llm, warm=False, base_url=outside, model="small-model", network=NetworkSection()) as house:
        assert await asked(house) == "I can't reach my language model right now."
    questions = [row for row in written(tmp_path) if row.method == "POST"]
    assert questions and [row for row in questions if row.left] == []


async def test_a_refusal_of_the_server_is_written_down(tmp_path, llm, outside):
    async with llm_house(tmp_path, llm, warm=False, base_url=outside, model="missing-model", network=NetworkSection()) as house:
        await asked(house)
    assert 404 in {row.status for row in written(tmp_path) if row.method == "POST"}
