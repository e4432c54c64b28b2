"""A chain behind the real server and the stock client: scripted engines, and the embedded one as it is installed."""

import numpy as np
import pytest
from asr_fakes import ask, happened, receive, request, send, service, text
from chain_fakes import Fake, chain_class
from speech import silence, speak
from wyoming.client import AsyncClient

from wyoming_servers.shared.settings import Source, load

NAMES = {"engines": ["first", "second"]}


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return np.concatenate((silence(0.3), speak("what time is it")))


def chained(first: Fake, second: Fake, options: dict | None = None, **section):
    return service(chain_class(first, second), engines={"scripted": {**NAMES, **(options or {})}}, **section)


async def loaded(asr) -> None:
    engine = await asr.host.ready()
    for member in engine.members:
        await happened(member.ready)


async def test_the_next_engine_answers_when_the_first_is_unsure(serving, speech):
    asr = chained(Fake("first", text="stop", confidence=0.2), Fake("second", text="what time is it"))
    async with serving(asr) as uri:
        await loaded(asr)
        assert await text(uri, request(speech)) == "what time is it"


async def test_silence_gets_the_empty_transcript_of_the_first(serving):
    asr = chained(Fake("first", confidence=None), Fake("second", text="thank you for watching"))
    async with serving(asr) as uri:
        await loaded(asr)
        assert await text(uri, request(silence(1))) == ""


async def test_an_engine_that_hangs_blocks_no_place(serving, speech):
    first = Fake("first", hangs_at="finish", cancels=False)
    asr = chained(first, Fake("second", text="b"), {"slow_s": 0.1}, streams=1)
    async with serving(asr) as uri:
        await loaded(asr)
        assert [await text(uri, request(speech)) for _ in range(2)] == ["b", "b"]
        first.gate.set()


async def test_c37_the_deadline_holds_for_a_chain_whose_engines_all_hang(serving, speech):
    first, second = Fake("first", hangs_at="finish"), Fake("second", hangs_at="finish")
    async with serving(chained(first, second, deadline_s=0.2)) as uri:
        error = (await ask(uri, request(speech)))[-1]
        assert (error.type, error.data["code"]) == ("error", "deadline-exceeded")
        await happened(first.ended)


async def test_a20_a_client_that_hangs_up_reaches_the_engine_that_waits(serving, speech):
    first = Fake("first", hangs_at="finish")
    async with serving(chained(first, Fake("second"))) as uri:
        async with AsyncClient.from_uri(uri) as client:
            await send(client, request(speech))
            await happened(first.hanging)
        await happened(first.ended)


async def test_c42_a_chain_sends_no_word_before_it_knows_whom_it_believes(serving, speech):
    first = Fake("first", text="stop", confidence=0.1, believes="stop the music")
    asr = chained(first, Fake("second", text="what time is it"))
    async with serving(asr) as uri, AsyncClient.from_uri(uri) as client:
        await loaded(asr)
        *sound, stop = request(speech, context={"earshot_partials": True})
        await send(client, sound)
        assert [event.type for event in await receive(client, "earshot-partial")] == ["earshot-partial"]
        await client.write_event(stop)
        assert [event.data["text"] for event in await receive(client) if event.type == "transcript-chunk"] == ["what time is it"]


async def test_a_chain_of_the_embedded_engine_runs_from_settings_alone(serving, speech):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    from wyoming_servers.asr.server import serve

    own = Source("test", {"asr": {"engine": "chain", "engines": {"chain": {"engines": ["phrases"]}, "phrases": {"decoders": 1}}}})
    asr = serve(load(environment={}, overrides=[own]))
    async with serving(asr) as uri:
        await asr.host.ready()
        assert await text(uri, request(speech)) == "what time is it"
