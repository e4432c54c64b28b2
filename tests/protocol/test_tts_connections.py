"""The TTS server over real sockets: points A and B of the checklist, as far as they concern it. The stock client, a scripted voice."""

import asyncio

import pytest
from tts_fakes import ask, happened, pcm, receive, scripted, service, stream, synthesize, types
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

WHOLE = ["audio-start", "audio-chunk", "audio-stop"]


async def describe(client: AsyncClient) -> Event:
    await client.write_event(Event("describe"))
    return (await receive(client, "info"))[-1]


async def test_a14_describe_is_answered_on_the_connection_that_is_speaking(serving):
    engine = scripted()
    async with serving(service(engine)) as uri, AsyncClient.from_uri(uri) as client:
        await client.write_event(synthesize("wait a moment"))
        await happened(engine.begun)
        assert (await describe(client)).type == "info"
        engine.gate.set()
        assert types(await receive(client, "audio-stop"))[-2:] == ["audio-chunk", "audio-stop"]


async def test_a15_describe_is_answered_on_a_second_connection_while_every_slot_is_busy(serving):
    engine = scripted()
    async with serving(service(engine, streams=1)) as uri, AsyncClient.from_uri(uri) as client, AsyncClient.from_uri(uri) as second:
        await client.write_event(synthesize("wait a moment"))
        await happened(engine.begun)
        assert (await describe(second)).type == "info"
        engine.gate.set()


async def test_a19_an_answer_too_many_is_refused_as_busy(serving):
    engine = scripted()
    async with serving(service(engine, streams=1, waiting=0)) as uri, AsyncClient.from_uri(uri) as client:
        await client.write_event(synthesize("wait a moment"))
        await happened(engine.begun)
        assert (await ask(uri, synthesize("me too")))[-1].data["code"] == "busy"
        engine.gate.set()


async def test_a20_a_hang_up_stops_the_engine_and_frees_its_only_slot(serving):
    engine = scripted()
    async with serving(service(engine, streams=1, waiting=0)) as uri:
        async with AsyncClient.from_uri(uri) as client:
            await client.write_event(synthesize("wait" + " a while" * 20))
            await happened(engine.begun)
        engine.gate.set()
        await happened(engine.closed)
        assert engine.requests == engine.requests[:1]
        async with asyncio.timeout(5):
            while (answer := await ask(uri, synthesize("hello")))[-1].type == "error":
                assert answer[-1].data["code"] == "busy"  # until the server has seen the hang-up
        assert types(answer) == WHOLE


@pytest.mark.parametrize("requests", [[synthesize("one")], stream("one")], ids=["whole", "streamed"])
async def test_a22_two_identical_requests_on_one_connection_get_the_same_answer(serving, requests):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        answers = []
        for _ in range(2):
            for event in requests:
                await client.write_event(event)
            answers.append(await receive(client, "audio-stop" if len(requests) == 1 else "synthesize-stopped"))
        assert pcm(answers[0]) == pcm(answers[1]) != b""
        assert types(answers[0]) == types(answers[1])


async def test_a23_a_crash_of_the_engine_is_told_and_the_connection_closed(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        await client.write_event(synthesize("please fail"))
        answer = await receive(client, "audio-stop")
        assert [event.type for event in answer] == ["error"]
        assert answer[0].data["text"] and answer[0].data["code"]
        assert await client.read_event() is None


async def test_a23_a_failure_is_told_while_the_rest_of_the_text_is_awaited(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for event in stream("please fail. And then")[:2]:
            await client.write_event(event)
        assert [event.type for event in await receive(client, "synthesize-stopped")] == ["error"]


async def test_a23_a_sentence_without_sound_is_an_error_and_not_silence(serving):
    async with serving(service(scripted())) as uri:
        answer = await ask(uri, synthesize("silent words"))
        assert [event.type for event in answer] == ["error"]
        assert answer[0].data["code"] == "engine-error"


async def test_a23_an_engine_past_its_deadline_is_an_error(serving):
    engine = scripted()
    async with serving(service(engine, deadline_s=0.2)) as uri:
        answer = await ask(uri, synthesize("wait a moment"))
        engine.gate.set()
        assert answer[-1].data["code"] == "deadline-exceeded"


async def test_b24_the_info_parses_and_promises_streaming(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        program = Info.from_event(await describe(client)).tts[0]
        assert program.installed and program.supports_synthesize_streaming is True
        assert [(voice.name, voice.installed, voice.languages) for voice in program.voices] == [
            ("anna", True, ["en-US", "en"]),
            ("bert", True, ["de-DE", "de"]),
        ]
        assert [speaker.name for speaker in program.voices[0].speakers] == ["calm", "loud", "3"]
