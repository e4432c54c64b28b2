"""A satellite may hold the transcript back until the server waits for it: until then nothing is done, and it may be taken back."""

import pytest
from fake_llm import Call
from handle_house import MovedClock, decisive, running
from llm_house import llm_house
from wire import Wire, event, wire

CLOCK, TIMER = "what time is it", "set a timer for ten minutes"


def held(text: str) -> bytes:
    return event("earshot-provisional", {"text": text, "holds": True})


async def until_it_waits(peer: Wire) -> list[str]:
    """The types of what comes before it waits, in order."""
    types: list[str] = []
    while (message := await peer.receive()).type != "earshot-waiting":
        types.append(message.type)
    return types


@pytest.mark.parametrize(
    ("text", "before"), [(TIMER, []), ("turn on the", []), ("rumpelstiltskin", []), (CLOCK, ["handled-start", "handled-chunk"])]
)
async def test_the_server_tells_when_it_can_do_no_more_without_it(tmp_path, text, before):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        await peer.send(held(text))
        assert await until_it_waits(peer) == ["earshot-prospect", *before]


async def test_it_promises_that(tmp_path):
    async with running(tmp_path) as uri, wire(uri) as peer:
        await peer.send(held(TIMER))
        assert (await peer.receive_type("earshot-prospect")).data["waiting"] is False


@pytest.mark.parametrize("text", [CLOCK, TIMER])
async def test_then_the_transcript_ends_it_as_ever(tmp_path, text):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        await peer.send(held(text))
        await until_it_waits(peer)
        await peer.send(event("transcript", {"text": text}))
        assert (await decisive(peer)).type == "handled"


async def test_whoever_does_not_hold_it_back_is_told_nothing_of_that(tmp_path):
    async with running(tmp_path, MovedClock()) as uri, wire(uri) as peer:
        await peer.send(event("earshot-provisional", {"text": CLOCK}))
        assert "waiting" not in (await peer.receive_type("earshot-prospect")).data
        await peer.send(event("transcript", {"text": CLOCK}))
        types = [(await peer.receive()).type for _ in range(4)]
    assert types == ["handled-start", "handled-chunk", "handled", "handled-stop"]


async def test_a_model_does_not_wait_while_it_writes_but_for_a_call_that_changes_something(tmp_path):
    async with llm_house(tmp_path) as house, wire(house.uri) as peer:
        house.llm.on("planet", "Mars is one. ")
        await peer.send(held("name a planet"))
        assert "handled-chunk" in await until_it_waits(peer)
        house.llm.on("warm", Call("oven", {"degrees": 200}))
        await peer.send(held("make it warm, 200 degrees"))
        assert await until_it_waits(peer) == ["earshot-prospect"]
