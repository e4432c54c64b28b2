"""The TTS server with Piper voices: real settings, the real library on small networks, the stock Wyoming client."""

import asyncio
from pathlib import Path

import pytest
from made_voice import loudest_hz, make_piper_voice
from tts_fakes import ask, pcm, receive, stream, synthesize, types
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info, TtsProgram

from wyoming_servers.shared.settings import load
from wyoming_servers.tts.server import serve

RATE_HZ = 22_050
WHOLE = ["audio-start", "audio-chunk", "audio-stop"]


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """The folder of the voices: two speakers of English, one of German."""
    folder = tmp_path / "models" / "piper"
    make_piper_voice(folder / "en_US-two-medium" / "en_US-two-medium.onnx", speakers=("anna", "bert"))
    make_piper_voice(folder / "de_DE-one-medium" / "de_DE-one-medium.onnx", language="de_DE", espeak="de")
    return folder


@pytest.fixture
async def uri(serving, voices: Path, tmp_path: Path):
    environment = {"EARSHOT__TTS__ENGINE": "auto", "EARSHOT__MODELS__FOLDER": str(tmp_path / "models"), "EARSHOT__TTS__CACHE_MB": "0"}
    async with serving(serve(load(environment=environment))) as uri:
        yield uri


async def program(uri: str) -> TtsProgram:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("describe"))
        return Info.from_event((await receive(client, "info"))[-1]).tts[0]


async def test_voices_on_disk_make_piper_the_automatic_choice(uri):
    assert (await program(uri)).name == "piper"


async def test_every_voice_is_described_with_its_speakers(uri):
    described = {voice.name: (voice.languages, [speaker.name for speaker in voice.speakers or []]) for voice in (await program(uri)).voices}
    assert described == {"en_US-two-medium": (["en-US", "en"], ["anna", "bert"]), "de_DE-one-medium": (["de-DE", "de"], [])}


async def test_a_language_is_enough_to_get_its_voice(uri):
    english, german = [await ask(uri, synthesize("Garage", voice={"language": language})) for language in ("en-GB", "de")]
    assert types(english) == types(german) == WHOLE
    assert pcm(english) != pcm(german)


async def test_a_speaker_is_chosen_by_name(uri):
    anna, bert = [await ask(uri, synthesize("Hello.", voice={"name": "en_US-two-medium", "speaker": name})) for name in ("anna", "bert")]
    assert loudest_hz(pcm(anna), RATE_HZ) + 100 < loudest_hz(pcm(bert), RATE_HZ)


async def test_a_streamed_text_is_spoken(uri):
    assert types(await ask(uri, *stream("Hello the", "re. How are", " you?"))) == [*WHOLE, "synthesize-stopped"]


async def test_voices_of_several_languages_speak_at_once(uri):
    wanted = [synthesize(f"Number {number}, please.", voice={"language": ("en", "de")[number % 2]}) for number in range(8)]
    answers = await asyncio.gather(*(ask(uri, event) for event in wanted))
    assert all(types(events) == WHOLE and any(pcm(events)) for events in answers)
