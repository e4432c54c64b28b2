"""What an engine is given of the text that a client sends: over real sockets, the stock Wyoming client, a scripted voice."""

import asyncio
import os
import time

import pytest
from tts_fakes import RATE_HZ, TIMEOUT_S, ask, pcm, receive, scripted, service, stream, synthesize, types
from wyoming.client import AsyncClient

from wyoming_servers.shared.client import describe
from wyoming_servers.shared.engines import EngineContext

WHOLE = ["audio-start", "audio-chunk", "audio-stop"]
SSML = "<speak>One <break time='500ms'/> <sub alias='two'>2</sub>. <p>It is <emphasis>20 °C</emphasis>.</p></speak>"


def spoken(engine) -> list[str]:
    return [request.text for request in engine.requests]


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_numbers_are_said_in_words_however_the_text_is_cut_up(serving, size):
    engine = scripted()
    text = "It is -1.5 °C and **$5.50**. At 7:30 PM it ends."
    async with serving(service(engine)) as uri:
        await ask(uri, *stream(*(text[start : start + size] for start in range(0, len(text), size))))
    assert spoken(engine) == [
        "It is minus one point five degrees Celsius and five dollars and fifty cents.",
        "At seven thirty PM it ends.",
    ]


async def test_numbers_are_said_in_the_language_of_the_voice(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        await ask(uri, synthesize("Es sind -1,5 °C.", voice={"name": "bert"}))
    assert spoken(engine) == ["Es sind minus eins Komma fünf Grad Celsius."]


async def test_numbers_can_be_left_to_the_engine(serving):
    engine = scripted()
    async with serving(service(engine, normalize=False)) as uri:
        await ask(uri, synthesize("It is -1.5 °C."))
    assert spoken(engine) == ["It is -1.5 °C."]


async def test_the_settings_say_how_words_are_pronounced(serving):
    engine = scripted()
    async with serving(service(engine, pronunciations={"Earshot": "ear shot"})) as uri:
        await ask(uri, synthesize("Earshot is not in earshot."))
    assert spoken(engine) == ["ear shot is not in earshot."]


async def test_the_owners_files_say_how_words_are_pronounced_and_may_change(serving, tmp_path, monkeypatch):
    monkeypatch.setattr("wyoming_servers.shared.pronunciation._LOOK_EVERY_S", 0.0)
    folder = tmp_path / "pronunciations"
    folder.mkdir()
    (folder / "en.yaml").write_text("nginx: engine x\n")
    engine = scripted()
    async with serving(service(engine, context=EngineContext(data_dir=tmp_path))) as uri:
        await ask(uri, synthesize("Start Nginx."))
        (folder / "en.yaml").write_text("nginx: n jinx\n")
        os.utime(folder / "en.yaml", (time.time() + 5, time.time() + 5))
        await ask(uri, synthesize("Start Nginx."))
    assert spoken(engine) == ["Start engine x.", "Start n jinx."]


async def test_the_voice_says_that_it_has_changed_when_its_pronunciations_have(serving, tmp_path, monkeypatch):
    monkeypatch.setattr("wyoming_servers.shared.pronunciation._LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("wyoming_servers.tts.server._LOOK_EVERY_S", 0.01)
    folder = tmp_path / "pronunciations"
    folder.mkdir()
    async with serving(service(scripted(), context=EngineContext(data_dir=tmp_path))) as uri:
        before = (await describe(uri)).tts[0].version
        (folder / "en.yaml").write_text("nginx: engine x\n")
        async with asyncio.timeout(TIMEOUT_S):
            while (await describe(uri)).tts[0].version == before:
                await asyncio.sleep(0.01)


async def test_the_first_clause_is_heard_while_the_sentence_goes_on(serving):
    async with serving(service(scripted())) as uri, AsyncClient.from_uri(uri) as client:
        for event in stream("I have looked it up for you, and")[:2]:
            await client.write_event(event)
        assert types(await receive(client, "audio-chunk")) == ["audio-start", "audio-chunk"]


async def test_the_first_clause_can_be_kept_with_its_sentence(serving):
    engine = scripted()
    async with serving(service(engine, first_clause=False)) as uri:
        await ask(uri, synthesize("I have looked it up for you, and it rains."))
    assert spoken(engine) == ["I have looked it up for you, and it rains."]


@pytest.mark.parametrize("text", ["if x<y and z>w then stop", "I <3 you", "a List<String> of things", "5 < 6 & 7"])
async def test_plain_text_with_angle_brackets_is_said_whole(serving, text):
    engine = scripted()
    async with serving(service(engine, normalize=False)) as uri:
        await ask(uri, synthesize(text))
        await ask(uri, synthesize(text, text_format="text"))
    assert spoken(engine) == [text, text]


async def test_d57_ssml_is_spoken_and_never_read_aloud_as_markup(serving):
    engine = scripted()
    async with serving(service(engine)) as uri:
        assert types(await ask(uri, synthesize(SSML, text_format="ssml"))) == WHOLE
    assert spoken(engine) == ["One", "two.", "It is twenty degrees Celsius."]


async def test_d57_a_break_in_ssml_is_silence_of_that_length(serving):
    async with serving(service(scripted())) as uri:
        one, two = [len(pcm(await ask(uri, synthesize(word)))) for word in ("One", "two.")]
        answer = pcm(await ask(uri, synthesize("<speak>One<break time='500ms'/>two.</speak>", text_format="ssml")))
    assert len(answer) == one + two + RATE_HZ // 2 * 2
    assert bytes(RATE_HZ // 2 * 2) in answer


@pytest.mark.parametrize("size", [1, 7, 500])
async def test_d57_streamed_ssml_is_spoken_when_it_is_complete(serving, size):
    engine = scripted()
    fragments = [SSML[start : start + size] for start in range(0, len(SSML), size)]
    async with serving(service(engine)) as uri:
        assert types(await ask(uri, *stream(*fragments, text_format="ssml"))) == [*WHOLE, "synthesize-stopped"]
    assert spoken(engine) == ["One", "two.", "It is twenty degrees Celsius."]


async def test_d57_ssml_without_words_ends_properly(serving):
    async with serving(service(scripted())) as uri:
        assert types(await ask(uri, *stream("<speak/>", text_format="ssml"))) == ["audio-start", "audio-stop", "synthesize-stopped"]


@pytest.mark.parametrize(
    "text",
    [
        "<speak>hi",
        "a < b",
        "<!DOCTYPE s [<!ENTITY a 'b'>]><speak>&a;</speak>",
        "<s>" * 40 + "</s>" * 40,
        "<speak>" + "x" * 70_000 + "</speak>",
    ],
    ids=["cut off", "malformed", "entities", "deep", "long"],
)
async def test_d57_ssml_that_is_broken_or_dangerous_is_an_error(serving, text):
    engine = scripted()
    async with serving(service(engine)) as uri:
        for request in ([synthesize(text, text_format="ssml")], stream(text[:40], text[40:], text_format="ssml")):
            answer = await ask(uri, *request)
            assert types(answer) == ["error"]
            assert answer[0].data["code"] == "invalid-request"
    assert spoken(engine) == []


async def test_plain_text_follows_ssml_on_one_connection(serving):
    engine = scripted()
    async with serving(service(engine)) as uri, AsyncClient.from_uri(uri) as client:
        for request in (synthesize("<speak>one</speak>", text_format="ssml"), synthesize("a <b>two</b>")):
            await client.write_event(request)
            assert types(await receive(client, "audio-stop")) == WHOLE
    assert spoken(engine) == ["one", "a two"]
