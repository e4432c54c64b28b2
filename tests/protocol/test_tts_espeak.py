"""The TTS server with its embedded voice, as it is installed: real settings, real speech, the stock Wyoming client."""

import asyncio

import pytest
from tts_fakes import ask, pcm, receive, stream, synthesize, types
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

from wyoming_servers.shared.settings import load
from wyoming_servers.tts.server import serve

RATE_HZ = 22_050
WHOLE = ["audio-start", "audio-chunk", "audio-stop"]


@pytest.fixture
async def uri(serving):
    async with serving(serve(load(environment={}))) as uri:
        yield uri


async def info(uri: str) -> Info:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("describe"))
        return Info.from_event((await receive(client, "info"))[-1])


def seconds(events) -> float:
    return len(pcm(events)) / 2 / RATE_HZ


async def test_b24_over_a_hundred_voices_are_offered_in_an_info_of_bounded_size(uri):
    voices = (await info(uri)).tts[0].voices
    assert len(voices) > 100
    assert all(voice.installed and voice.languages and voice.attribution.name for voice in voices)
    assert len(str((await info(uri)).event().data)) < 128 * 1024


async def test_b29_descriptions_are_unique_within_a_language_and_names_within_the_program(uri):
    voices = (await info(uri)).tts[0].voices
    described = [(language, voice.description) for voice in voices for language in voice.languages]
    assert len(set(described)) == len(described)
    assert len({voice.name for voice in voices}) == len(voices)


async def test_b29_a_second_server_offers_the_same(uri, serving):
    async with serving(serve(load(environment={}))) as other:
        assert await info(uri) == await info(other)


async def test_the_default_voice_is_of_the_language_of_the_house(serving):
    async with serving(serve(load(environment={"EARSHOT__LANGUAGE": "de"}))) as uri:
        assert (await info(uri)).tts[0].voices[0].name == "de"


async def test_the_voice_and_its_speed_are_set_in_the_settings(serving, uri):
    environment = {"EARSHOT__TTS__ENGINES__ESPEAK__VOICE": "en-gb", "EARSHOT__TTS__ENGINES__ESPEAK__RATE_WPM": "350"}
    async with serving(serve(load(environment=environment))) as fast:
        assert (await info(fast)).tts[0].voices[0].name == "en-gb"
        text = synthesize("This sentence is said at twice the speed.")
        assert seconds(await ask(fast, text)) < 0.7 * seconds(await ask(uri, text))


async def test_d46_an_answer_is_22050_hz_mono_16_bit_speech(uri):
    answer = await ask(uri, synthesize("Your timer is set for five minutes."))
    assert types(answer) == WHOLE
    assert {key: answer[0].data[key] for key in ("rate", "width", "channels")} == {"rate": RATE_HZ, "width": 2, "channels": 1}
    assert 1 < seconds(answer) < 4


@pytest.mark.parametrize(("language", "text"), [("de", "Guten Tag"), ("fr", "Bonjour"), ("zh", "你好"), ("ar", "مرحبا"), ("pt_BR", "Olá")])
async def test_d51_a_language_is_spoken(uri, language, text):
    assert seconds(await ask(uri, synthesize(text, voice={"language": language}))) > 0.2


async def test_d53_a_speaker_sounds_different(uri):
    plain, by_name, by_number = [
        pcm(await ask(uri, synthesize("Hello there.", voice={"name": "en-us", **speaker})))
        for speaker in ({}, {"speaker": "f3"}, {"speaker": "2"})
    ]
    assert plain[:2000] != by_name[:2000]
    assert abs(len(by_name) - len(by_number)) < 0.03 * len(by_name)


@pytest.mark.parametrize("size", [1, 5])
async def test_d54_fragments_last_as_long_as_the_whole_text(uri, size):
    text = "**Dr. Smith** paid 3.5 dollars 😀! See https://www.example.com/a.b?c=d. It is 5 p.m. Well… Bye"
    whole = seconds(await ask(uri, synthesize(text)))
    fragments = [text[start : start + size] for start in range(0, len(text), size)]
    assert seconds(await ask(uri, *stream(*fragments))) == pytest.approx(whole, rel=0.02)


async def test_sentences_of_one_answer_are_parted_by_a_pause(uri):
    one, two = seconds(await ask(uri, synthesize("Hello."))), seconds(await ask(uri, synthesize("Hello. Hello.")))
    assert two - 2 * one == pytest.approx(0.28, abs=0.05)


async def test_voices_at_the_same_time_do_not_mix(uri):
    voices = ["en-us", "de", "fr-fr", "en-gb", "cmn"]
    requests = [synthesize("One two three. Four five six.", voice={"name": voice}) for voice in voices]
    alone = [seconds(await ask(uri, request)) for request in requests]
    together = await asyncio.gather(*(ask(uri, request) for request in requests * 3))
    assert [seconds(answer) for answer in together] == [pytest.approx(length, rel=0.03) for length in alone * 3]


async def test_what_is_said_is_understood_by_the_wake_word_model(uri):
    wakeword = pytest.importorskip("pyopen_wakeword", reason="pyopen-wakeword is not installed")
    from wyoming_servers.shared.audio import AudioFormat, Converter

    answer = await ask(uri, synthesize("hey jarvis"))
    samples = Converter(AudioFormat(RATE_HZ, 2, 1)).convert(pcm(answer)).tobytes()
    features, model = wakeword.OpenWakeWordFeatures.from_builtin(), wakeword.OpenWakeWord.from_builtin(wakeword.Model.HEY_JARVIS)
    silence = bytes(16_000 * 2)
    heard = [p for embeddings in features.process_streaming(silence + samples + silence) for p in model.process_streaming(embeddings)]
    assert max(heard) > 0.5
