"""Words that are sent while the user still speaks. The stock Wyoming client, a recogniser that changes its mind as scripted."""

from collections.abc import Sequence

import numpy as np
import pytest
from asr_fakes import audio, happened, receive, request, scripted, send, service
from speech import speak
from wyoming.asr import Transcribe
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers.shared.settings import load

TENTH = np.full(1600, 1000, np.int16)
SURE = ("turn", "turn on", "turn on the", "turn on the light")
UNSURE = ("turn", "turn on", "turn on the", "turn off the light")


def chunks(events: list[Event]) -> list[str]:
    return [event.data["text"] for event in events if event.type == "transcript-chunk"]


async def live(serving, believes: Sequence[str], says: str, **engine: object) -> list[Event]:
    """What a client is told that sends a tenth of a second after each hypothesis; the hypotheses themselves are left out."""
    fake = scripted(says, believes=believes, **{"settles_after": 1, **engine})
    begin, chunk, stop = audio(TENTH, chunk_bytes=3200)
    async with serving(service(fake)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, [Transcribe(language="en", context={"earshot_partials": True}).event(), begin])
        events: list[Event] = []
        for _ in believes:
            await client.write_event(chunk)
            events += await receive(client, "earshot-partial")
        await client.write_event(stop)
        events += await receive(client)
    return [event for event in events if event.type != "earshot-partial"]


async def test_settled_words_are_sent_while_the_user_speaks(serving):
    begin, chunk, _ = audio(TENTH, chunk_bytes=3200)
    fake = scripted("turn on the light", believes=SURE, settles_after=1)
    async with serving(service(fake)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, [begin, chunk, chunk])
        assert [event.type for event in await receive(client, "transcript-chunk")] == ["transcript-start", "transcript-chunk"]


async def test_c42_chunks_of_settled_words_and_the_rest_join_to_the_transcript(serving):
    events = await live(serving, SURE, "turn on the light")
    assert chunks(events) == ["turn", " on", " the", " light"]
    assert [event.type for event in events][-2:] == ["transcript", "transcript-stop"]


async def test_c42_there_is_one_start_and_it_knows_the_language(serving):
    events = await live(serving, SURE, "turn on the light")
    assert [event.data for event in events if event.type == "transcript-start"] == [{"language": "en"}]


async def test_a_word_that_may_still_change_is_not_sent(serving):
    events = await live(serving, UNSURE, "turn off the light", settles_after=2)
    assert chunks(events) == ["turn", " off the light"]


async def test_c42_a_final_text_that_takes_settled_words_back_begins_anew(serving):
    events = await live(serving, SURE, "turn off the light")
    started_last = max(number for number, event in enumerate(events) if event.type == "transcript-start")
    assert chunks(events[started_last:]) == ["turn off the light"]


async def test_c42_an_empty_final_text_takes_all_words_back(serving):
    events = await live(serving, SURE, "")
    started_last = max(number for number, event in enumerate(events) if event.type == "transcript-start")
    assert chunks(events[started_last:]) == [""]


async def test_a_final_text_that_adds_nothing_gets_no_empty_chunk(serving):
    events = await live(serving, SURE, "turn on the")
    assert chunks(events) == ["turn", " on", " the"]


async def test_an_engine_whose_words_are_never_settled_sends_the_final_text_only(serving):
    events = await live(serving, SURE, "turn on the light", settles_after=0)
    assert [event.type for event in events] == ["transcript-start", "transcript-chunk", "transcript", "transcript-stop"]
    assert chunks(events) == ["turn on the light"]


async def test_a_client_that_wants_every_hypothesis_gets_each_of_them(serving):
    begin, chunk, _ = audio(TENTH, chunk_bytes=3200)
    async with serving(service(scripted(believes=SURE))) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, [Transcribe(context={"earshot_partials": True}).event(), begin])
        seen = []
        for _ in SURE:
            await client.write_event(chunk)
            seen += [event.data["text"] for event in await receive(client, "earshot-partial")]
        assert tuple(seen) == SURE


async def test_the_embedded_recogniser_sends_no_word_before_the_final_text(serving):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    from wyoming_servers.asr.server import serve

    asr = serve(load(environment={}, overrides=[]))
    async with serving(asr) as uri, AsyncClient.from_uri(uri) as client:
        await asr.host.ready()
        *sound, stop = request(speak("set a timer for five minutes"), context={"earshot_partials": True})
        await send(client, sound)
        seen = await receive(client, "earshot-partial")
        await client.write_event(stop)
        seen += await receive(client)
        assert chunks(seen) == ["set a timer for five minutes"]


async def test_a_client_that_hangs_up_reaches_an_engine_that_waits(serving):
    engine = scripted(deaf=True)
    async with serving(service(engine)) as uri:
        async with AsyncClient.from_uri(uri) as client:
            await send(client, request(TENTH))
            await happened(engine.begun)
        await happened(engine.told)
        await happened(engine.closed)


async def test_an_engine_that_missed_its_deadline_is_told_that_nobody_waits(serving):
    engine = scripted(deaf=True)
    async with serving(service(engine, deadline_s=0.1)) as uri, AsyncClient.from_uri(uri) as client:
        await send(client, request(TENTH))
        assert (await receive(client))[-1].data["code"] == "deadline-exceeded"
        await happened(engine.told)
