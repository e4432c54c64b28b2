"""The TTS server over real sockets: checklist D. The stock Wyoming client, a scripted voice."""

import asyncio
import json

import pytest
from tts_fakes import CHARACTER_SAMPLES, RATE_HZ, ask, happened, pcm, receive, scripted, service, stream, synthesize, types
from wyoming.client import AsyncClient
from wyoming.event import Event

WHOLE = ["audio-start", "audio-chunk", "audio-stop"]
STREAMED = [*WHOLE, "synthesize-stopped"]


def spoken(engine) -> list[str]:
    return [request.text for request in engine.requests]


async def test_d46_plain_synthesize_is_start_chunks_and_one_stop(serving):
    async with serving(service(scripted())) as uri:
        answer = await ask(uri, synthesize("Hello. World."))
        assert types(answer) == WHOLE
        assert len(pcm(answer)) >= len("Hello.World.") * CHARACTER_SAMPLES * 2


async def test_d47_the_first_sentence_is_heard_before_synthesize_stop(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for event in stream("The first one. And the sec", "ond.")[:2]:
            await client.write_event(event)
        assert types(await receive(client, "audio-chunk")) == ["audio-start", "audio-chunk"]


async def test_d47_a_sentence_is_heard_before_the_next_one_begins(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for event in stream("Only one sentence.")[:2]:
            await client.write_event(event)
        assert types(await receive(client, "audio-chunk")) == ["audio-start", "audio-chunk"]


async def test_d47_a_text_that_pauses_after_a_doubtful_end_is_heard(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for event in stream("It is 5 p.m.")[:2]:
            await client.write_event(event)
        assert types(await receive(client, "audio-chunk")) == ["audio-start", "audio-chunk"]


async def test_d48_the_copy_of_the_text_inside_a_stream_is_not_spoken(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await ask(uri, *stream("Hello ", "there."))
        assert spoken(engine) == ["Hello there."]


async def test_d49_synthesize_stopped_comes_last(serving):
    async with serving(service(scripted())) as uri:
        assert types(await ask(uri, *stream("One. ", "Two."))) == STREAMED


@pytest.mark.parametrize("text", ["", "   ", "...", "—", "**", "😀", "\n"])
async def test_d49_a_stream_without_words_ends_properly(serving, text):
    engine = scripted()
    async with serving(service(engine)) as uri:
        assert types(await ask(uri, *stream(text))) == ["audio-start", "audio-stop", "synthesize-stopped"]
        assert spoken(engine) == []


async def test_d49_a_text_without_words_ends_properly(serving):
    async with serving(service(scripted())) as uri:
        assert types(await ask(uri, synthesize("?!"))) == ["audio-start", "audio-stop"]


async def test_d49_a_failed_stream_is_not_called_stopped(serving):
    async with serving(service(scripted())) as uri:
        assert types(await ask(uri, *stream("please fail.")))[-1] == "error"


async def test_d50_every_chunk_has_the_announced_format_and_whole_samples(serving):
    async with serving(service(scripted())) as uri:
        answer = await ask(uri, *stream("One. Two! ", "And three?"))
        chunks = [event for event in answer if event.type == "audio-chunk"]
        formats = {
            (event.data["rate"], event.data["width"], event.data["channels"])
            for event in answer
            if event.type != "audio-stop" and event.data
        }
        assert formats == {(RATE_HZ, 2, 1)}
        assert all(len(chunk.payload) % 2 == 0 and chunk.payload for chunk in chunks)


async def test_d50_timestamps_are_the_milliseconds_of_sound_before(serving):
    async with serving(service(scripted())) as uri:
        answer = await ask(uri, synthesize("A sentence of some length."))
        sent = 0
        for event in answer:
            assert event.data["timestamp"] == sent * 1000 // RATE_HZ
            sent += len(event.payload or b"") // 2


async def test_d50_chunks_grow_from_20_ms_to_2048_samples(serving):
    async with serving(service(scripted())) as uri:
        answer = await ask(uri, synthesize("A sentence of considerable length, so that its chunks can grow as large as they get."))
        sizes = [len(event.payload) for event in answer if event.payload]
        assert sizes[0] == RATE_HZ * 20 // 1000 * 2
        assert max(sizes) == 4096


async def test_d51_no_voice_is_the_default_voice(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await ask(uri, synthesize("hello"))
        assert engine.requests[0].voice == "anna"


@pytest.mark.parametrize("language", ["de", "de-DE", "de_AT", "DE"])
async def test_d51_a_language_alone_gets_a_voice_that_speaks_it(serving, language):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await ask(uri, synthesize("hallo", voice={"language": language}))
        assert engine.requests[0].voice == "bert"


async def test_d51_a_stream_gets_the_voice_of_its_start(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await ask(uri, *stream("Eins. Zwei.", voice={"name": "bert"}))
        assert [request.voice for request in engine.requests] == ["bert", "bert"]


async def test_d52_an_unknown_voice_is_an_error_that_names_others(serving):
    async with serving(service(scripted())) as uri:
        error = (await ask(uri, synthesize("hello", voice={"name": "ana"})))[-1]
        assert error.data["code"] == "unknown-name"
        assert "anna" in error.data["text"]


async def test_d52_an_unknown_language_is_an_error_that_names_others(serving):
    async with serving(service(scripted())) as uri:
        error = (await ask(uri, *stream("hello", voice={"language": "xx"})))[-1]
        assert error.data["code"] == "unsupported-language"
        assert "de" in error.data["text"]


@pytest.mark.parametrize(("speaker", "meant"), [("loud", "loud"), ("1", "loud"), (0, "calm"), ("3", "3")])
async def test_d53_a_speaker_goes_by_name_and_by_number(serving, speaker, meant):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await ask(uri, synthesize("hello", voice={"name": "anna", "speaker": speaker}))
        assert engine.requests[0].speaker == meant


@pytest.mark.parametrize(
    "voice", [{"name": "anna", "speaker": "nobody"}, {"name": "anna", "speaker": 99}, {"name": "bert", "speaker": "calm"}]
)
async def test_d53_an_unknown_speaker_is_an_error(serving, voice):
    async with serving(service(scripted())) as uri:
        assert (await ask(uri, synthesize("hello", voice=voice)))[-1].data["code"] == "unknown-name"


TEXT = (
    "**Dr. Smith** said: it is 3.5 degrees 😀! See [the page](https://example.com/a.b?c=d), or https://www.example.com/x. "
    "Call at 5 p.m. The code is `x = 1`.\n\n# Heading\n- one\n- two\n```python\nprint('no')\n```\nDone… Bye"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_d54_fragments_of_any_size_sound_like_the_whole_text(serving, size):
    async with serving(service(scripted())) as uri:
        whole = pcm(await ask(uri, synthesize(TEXT)))
        fragments = [TEXT[start : start + size] for start in range(0, len(TEXT), size)]
        assert pcm(await ask(uri, *stream(*fragments))) == whole


async def test_d55_a_gap_between_fragments_does_not_end_the_stream(serving):
    engine = scripted()
    async with serving(service(engine)) as uri, AsyncClient.from_uri(uri) as client:
        events = stream("The first. The sec", "ond.")
        for event in events[:2]:
            await client.write_event(event)
        await receive(client, "audio-chunk")
        await asyncio.to_thread(engine.closed.wait, 5)  # everything sayable has been said: only the client can go on
        await client.write_event(Event("ping", {"text": "still there"}))
        await receive(client, "pong")
        for event in events[2:]:
            await client.write_event(event)
        assert types(await receive(client, "synthesize-stopped"))[-2:] == ["audio-stop", "synthesize-stopped"]
        assert spoken(engine) == ["The first.", "The second."]


async def test_d55_a_long_gap_is_bridged_with_silence(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        events = stream("The first.", " The second.")
        for event in events[:2]:
            await client.write_event(event)
        heard = b""
        while not heard.endswith(bytes(RATE_HZ // 5 * 2)):  # comes about 2 s after the first sentence has been played
            heard += (await receive(client, "audio-chunk"))[-1].payload
        for event in events[2:]:
            await client.write_event(event)
        answer = await receive(client, "synthesize-stopped")
        assert types(answer) == ["audio-chunk", "audio-stop", "synthesize-stopped"]
        assert answer[-2].data["timestamp"] == len(heard + pcm(answer)) // 2 * 1000 // RATE_HZ


async def test_d56_a_long_text_without_an_end_is_spoken_before_it_ends(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for event in stream("and so on " * 40)[:2]:
            await client.write_event(event)
        assert types(await receive(client, "audio-chunk")) == ["audio-start", "audio-chunk"]


@pytest.mark.parametrize("text_format", ["klingon", 5])
async def test_d57_a_format_that_nobody_knows_is_an_error(serving, text_format):
    async with serving(service(scripted())) as uri:
        for request in ([synthesize("<speak>hi</speak>", text_format=text_format)], stream("hi", text_format=text_format)):
            assert (await ask(uri, *request))[-1].data["code"] == "invalid-request"


async def test_d58_a_peer_that_does_not_read_stops_the_engine_and_nobody_else(serving):
    engine = scripted()
    sentence = "This is a sentence that takes a second or so to be said."
    async with serving(service(engine, streams=1)) as uri, AsyncClient.from_uri(uri) as client:
        client._reader._transport.pause_reading()  # the stock client has no way to read slowly
        await client.write_event(synthesize(f"{sentence} " * 600))
        before, still = -1, 0
        while still < 20:  # many others are served, and this one gets no further
            assert types(await ask(uri, synthesize("hello"))) == WHOLE
            still = still + 1 if before == spoken(engine).count(sentence) else 0
            before = spoken(engine).count(sentence)
        assert 0 < before < 600
        client._reader._transport.resume_reading()
        assert types(await receive(client, "audio-stop")) == WHOLE
        assert spoken(engine).count(sentence) == 600


async def test_d58_a_sentence_without_end_stops_at_a_peer_that_does_not_read_and_at_its_hang_up(serving):
    engine = scripted()
    async with serving(service(engine, streams=2)) as uri:
        async with AsyncClient.from_uri(uri) as client:
            client._reader._transport.pause_reading()
            await client.write_event(synthesize("endless"))
            before, still = -1, 0
            while still < 20:
                await ask(uri, synthesize("hello"))
                still = still + 1 if before == len(engine.blocks_made) > 0 else 0
                before = len(engine.blocks_made)
        engine.closed.clear()
        await happened(engine.closed)


async def test_d59_stream_after_stream_and_plain_after_stream_on_one_connection(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for requests, expected in ((stream("One."), STREAMED), (stream("Two."), STREAMED), ([synthesize("Three.")], WHOLE)):
            for event in requests:
                await client.write_event(event)
            assert types(await receive(client, expected[-1])) == expected


@pytest.mark.parametrize(
    "events",
    [
        [Event("synthesize")],
        [Event("synthesize", {"text": None})],
        [Event("synthesize", {"text": ["a"]})],
        [synthesize("hi", voice="anna")],
        [synthesize("hi", voice={"name": 5})],
        [synthesize("hi", voice={"name": "anna", "speaker": ["x"]})],
        [Event("synthesize-chunk", {"text": "hi"})],
        [Event("synthesize-stop")],
        [Event("synthesize-start"), Event("synthesize-start")],
        [Event("synthesize-start"), Event("synthesize-chunk", {"text": 5})],
    ],
)
async def test_a_request_that_makes_no_sense_is_an_error(serving, events):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for event in events:
            await client.write_event(event)
        answer = await receive(client, "audio-stop")
        assert answer[-1].type == "error"
        assert answer[-1].data["code"] == "invalid-request"


async def test_hand_written_bytes_are_answered(serving):
    async with serving(service(scripted())) as uri:
        host, port = uri.removeprefix("tcp://").rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b'{"type":"synthesize","data":{"text":"Hello"}}\n')
        writer.write_eof()
        async with asyncio.timeout(5):
            received = await reader.read()
        writer.close()
        assert json.loads(received.split(b"\n", 1)[0])["type"] == "audio-start"
        assert b'"type":"audio-stop"' in received


async def test_many_answers_at_once_are_all_whole_and_none_has_the_voice_of_another(serving):
    engine = scripted()
    async with serving(service(engine, streams=2)) as uri:
        alone = {name: pcm(await ask(uri, synthesize(f"{name} one. {name} two.", voice={"name": name}))) for name in ("anna", "bert")}
        names = ["anna", "bert"] * 6
        answers = await asyncio.gather(*(ask(uri, synthesize(f"{name} one. {name} two.", voice={"name": name})) for name in names))
        assert [pcm(answer) for answer in answers] == [alone[name] for name in names]
        assert all(request.text.startswith(request.voice) for request in engine.requests)


async def test_a_long_text_lets_a_short_one_through_between_its_sentences(serving):
    engine = scripted()
    async with serving(service(engine, streams=1)) as uri, AsyncClient.from_uri(uri) as long, AsyncClient.from_uri(uri) as short:
        await long.write_event(synthesize("wait here. " + "Another sentence. " * 30))
        await happened(engine.begun)
        await short.write_event(synthesize("short"))
        for _ in range(3):  # by then it stands in the queue
            await short.write_event(Event("ping"))
            await receive(short, "pong")
        engine.gate.set()
        assert types(await receive(short, "audio-stop")) == WHOLE
        await receive(long, "audio-stop")
        assert spoken(engine).index("short") == 1
