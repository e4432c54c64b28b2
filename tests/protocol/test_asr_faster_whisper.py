"""faster-whisper over real sockets, with the stock client: the real server, the real library, a made model."""

import asyncio

import numpy as np
import pytest
from asr_fakes import ask, receive, request
from made_whisper import SENTENCE, Hearing, make_whisper
from rigged import bare_context
from speech import silence, speak
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

from wyoming_servers.asr.server import AsrService
from wyoming_servers.shared.settings import AsrSection

KITTEN = Hearing("turn off the kitten light", hints=(("the", "Kitchen", "kitchen"),))


async def text(uri: str, events: list[Event]) -> str:
    return (await ask(uri, events, until="transcript"))[-1].data["text"]


@pytest.fixture
async def whisper(serving, tmp_path):
    """The server with two models, as `engine: auto` chooses it; its address."""
    make_whisper(tmp_path / "models" / "faster-whisper" / "tiny.en")
    make_whisper(tmp_path / "models" / "faster-whisper" / "base.en", KITTEN)
    service = AsrService(AsrSection(), bare_context(tmp_path))
    async with serving(service) as uri:
        await service.host.ready()
        yield uri


async def test_it_is_what_auto_chooses_and_shows_its_models(whisper):
    async with AsyncClient.from_uri(whisper) as client:
        await client.write_event(Event("describe"))
        program = Info.from_event((await receive(client, "info"))[-1]).asr[0]
    assert (program.name, program.installed) == ("faster-whisper", True)
    assert [(model.name, model.installed) for model in program.models] == [("tiny.en", True), ("base.en", True)]
    assert "en" in program.models[0].languages


async def test_c36_the_transcript_has_no_leading_blank(whisper):
    assert await text(whisper, request(speak(SENTENCE))) == SENTENCE


async def test_c35_silence_and_noise_are_the_empty_text(whisper):
    noise = np.random.default_rng(0).normal(0, 1000, 32_000).astype(np.int16)
    assert [await text(whisper, request(samples)) for samples in (silence(2), noise)] == ["", ""]


async def test_c43_a_model_is_chosen_by_name(whisper):
    assert await text(whisper, request(speak(SENTENCE), name="base.en")) == KITTEN.sentence
    assert (await ask(whisper, request(speak(SENTENCE), name="huge")))[-1].data["code"] == "unknown-name"


async def test_c32_a_language_it_does_not_hear_is_an_error(whisper):
    assert (await ask(whisper, request(speak(SENTENCE), language="de")))[-1].data["code"] == "unsupported-language"


async def test_c44_names_of_the_request_are_heard(whisper):
    transcribe = Event("transcribe", {"name": "base.en", "transcript_names": ["Kitchen"]})
    assert await text(whisper, [transcribe, *request(speak(SENTENCE))[1:]]) == "turn off the kitchen light"


async def test_c45_many_requests_at_once_are_kept_apart(whisper):
    samples = [speak(SENTENCE), silence(1)] * 4
    assert await asyncio.gather(*(text(whisper, request(one)) for one in samples)) == [SENTENCE, ""] * 4
