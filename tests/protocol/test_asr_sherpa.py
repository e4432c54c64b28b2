"""sherpa-onnx behind the Wyoming server: a streaming model's words over the wire, and settings alone to choose it."""

import numpy as np
import pytest
from asr_fakes import ask, audio, receive, request, send
from made_sherpa import SENTENCE, make
from speech import silence, speak
from wyoming.asr import Transcribe
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

from wyoming_servers.asr.server import serve
from wyoming_servers.shared.settings import load

pytest.importorskip("sherpa_onnx", reason="sherpa-onnx is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

MODELS = ("a-streaming-en", "b-moonshine-de")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two models as an owner puts them there."""
    folder = tmp_path_factory.mktemp("models")
    make("zipformer-streaming", folder / "sherpa-onnx" / MODELS[0], "one two three four five six seven eight nine ten eleven twelve")
    make("moonshine", folder / "sherpa-onnx" / MODELS[1])
    return folder


@pytest.fixture
async def uri(serving, folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
    environment = {"EARSHOT__ASR__ENGINE": "sherpa-onnx", "EARSHOT__MODELS__FOLDER": str(folder)}
    async with serving(serve(load(environment=environment))) as uri:
        yield uri


def spoken() -> np.ndarray:
    return np.concatenate((silence(0.3), speak(SENTENCE), silence(0.5)))


def text(events: list[Event]) -> str:
    return next(event.data["text"] for event in events if event.type == "transcript")


def words(events: list[Event]) -> list[str]:
    return [event.data["text"] for event in events if event.type == "transcript-chunk"]


async def test_both_models_are_described(uri):
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("describe"))
        program = Info.from_event((await receive(client, "info"))[-1]).asr[0]
    assert [(model.name, model.languages) for model in program.models] == [(MODELS[0], ["en"]), (MODELS[1], ["de"])]


async def test_words_are_sent_before_the_audio_has_ended(uri):
    """Each hypothesis has one word more than the one before at least, so the first word is settled by the third."""
    begin, *chunks, end = audio(speak("what is the time in the kitchen of this house now"))
    before: list[Event] = []
    async with AsyncClient.from_uri(uri) as client:
        await send(client, [Transcribe(context={"earshot_partials": True}).event(), begin])
        for part in (chunks[:80], chunks[80:120], chunks[120:160]):
            await send(client, part)
            before += await receive(client, "earshot-partial")
        if not words(before):
            before += await receive(client, "transcript-chunk")
        await send(client, [*chunks[160:], end])
        after = await receive(client)
    assert (words(before)[0].split()[0], "".join(words(before) + words(after))) == ("one", text(after))


async def test_a_request_in_another_language_is_heard_by_its_model(uri):
    events = await ask(uri, request(spoken(), language="de"))
    assert (text(events), events[-2].data["language"]) == (SENTENCE, "de")


async def test_silence_gives_the_empty_text(uri):
    assert text(await ask(uri, request(silence(2)))) == ""
