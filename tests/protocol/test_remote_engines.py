"""Engines on other machines as the owner has them: chosen by settings alone, spoken to with the stock Wyoming client."""

import asr_fakes
import fake_web
import pytest
import tts_fakes
from fake_openai import FakeOpenAi
from fake_vibevoice import FakeVibeVoice
from fake_whisper_cpp import FakeWhisperCpp
from speech import silence, speak
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

from wyoming_servers.asr import server as asr
from wyoming_servers.shared.errors import EngineUnavailableError
from wyoming_servers.shared.settings import Source, load, nested
from wyoming_servers.tts import server as tts

RECOGNISERS = {"openai": FakeOpenAi, "whisper-cpp": FakeWhisperCpp}
VOICES = {"openai": FakeOpenAi, "vibevoice": FakeVibeVoice}


def settings(kind: str, engine: str, **options):
    """As `--set` gives them."""
    values = {"engine": engine, "engines": {engine: options}}
    return load(environment={}, overrides=[Source("test", nested([kind], values))])


@pytest.fixture(params=RECOGNISERS)
def recogniser(request):
    with fake_web.serving(RECOGNISERS[request.param]()) as server:
        yield request.param, server


@pytest.fixture(params=VOICES)
def voice(request):
    with fake_web.serving(VOICES[request.param]()) as server:
        yield request.param, server


async def test_a_recogniser_elsewhere_is_chosen_by_settings_alone(recogniser, serving):
    name, server = recogniser
    async with serving(asr.serve(settings("asr", name, uri=server.uri))) as uri:
        heard = [
            (await asr_fakes.ask(uri, asr_fakes.request(samples, language="en"), "transcript"))[-1].data["text"]
            for samples in (speak("what time is it"), silence(1))
        ]
    assert heard == ["What time is it?", ""]
    assert len(server.forms) == 1


async def test_a_failing_recogniser_ends_the_request_with_its_words(recogniser, serving):
    name, server = recogniser
    server.misbehave(fake_web.status(500))
    async with serving(asr.serve(settings("asr", name, uri=server.uri))) as uri:
        last = (await asr_fakes.ask(uri, asr_fakes.request(speak("what time is it"))))[-1]
    assert last.type == "error"
    assert f"{server.uri} failed (500): the server's own words" in last.data["text"]


async def test_a_voice_elsewhere_is_chosen_by_settings_alone_and_described(voice, serving):
    name, server = voice
    async with serving(tts.serve(settings("tts", name, uri=server.uri))) as uri, AsyncClient.from_uri(uri) as client:
        answer = await tts_fakes.ask(uri, tts_fakes.synthesize("It is nine. Good night."))
        await client.write_event(Event("describe"))
        described = Info.from_event((await tts_fakes.receive(client, "info"))[-1]).tts[0]
    assert tts_fakes.types(answer) == ["audio-start", "audio-chunk", "audio-stop"]
    assert answer[0].data["rate"] == 24_000
    assert len(tts_fakes.pcm(answer)) > 24_000
    assert described.name == name
    assert len(described.voices) > 3
    assert all(listed.attribution.url == server.uri for listed in described.voices)


async def test_a_failing_voice_is_reported_with_its_words_and_another_one_speaks(voice, serving, caplog):
    name, server = voice
    server.misbehave(*[fake_web.status(500)] * 4)
    async with serving(tts.serve(settings("tts", name, uri=server.uri))) as uri:
        answer = await tts_fakes.ask(uri, tts_fakes.synthesize("It is nine."))
    assert tts_fakes.types(answer)[-1] == "audio-stop"
    assert f"{server.uri} failed (500)" in caplog.text


@pytest.mark.parametrize(("part", "name"), [("asr", "openai"), ("asr", "whisper-cpp"), ("tts", "openai"), ("tts", "vibevoice")])
async def test_without_an_address_the_server_says_what_to_set(part, name):
    service = {"asr": asr, "tts": tts}[part].serve(settings(part, name))
    with pytest.raises(EngineUnavailableError, match=rf"{name} needs the address of a server: --set {part}\.engines\.{name}\.uri="):
        await service.prepare()
