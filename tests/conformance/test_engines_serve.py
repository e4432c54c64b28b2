"""Every engine behind its server, chosen by settings alone and asked by the stock client."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from rigged import rigged
from speech import silence, speak
from wyoming.client import AsyncClient
from wyoming.event import Event

from wyoming_servers import services
from wyoming_servers.asr.server import AsrService
from wyoming_servers.shared.client import describe
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.settings import validate
from wyoming_servers.tts.server import TtsService
from wyoming_servers.wake.server import WakeService

ANSWER_S = 20.0
SERVICES = {
    "asr": lambda section, context: AsrService(section, context),
    "tts": lambda section, context: TtsService(section, context),
    "wake": lambda section, context: WakeService(section, context),
}
EVERY = [pytest.param((kind, spec), id=f"{kind}-{spec.name}") for kind in services.ENGINES for spec in services.engines(kind)]


def settings_of(options: Any) -> dict[str, Any]:
    """An engine's options as an owner writes them."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(options).items()}


def service(kind: str, name: str, options: Any, context: EngineContext) -> Any:
    """The server of one kind with this engine."""
    engines = {name: settings_of(options)}
    section = getattr(validate({kind: {"engine": name, "engines": engines}}), kind)
    return SERVICES[kind](section, dataclasses.replace(context, engines={kind: engines | dict(context.engines.get(kind, {}))}))


@pytest.fixture(params=EVERY)
async def served(request, serving, tmp_path) -> AsyncIterator[tuple[str, Any, Any, str]]:
    """(kind, spec, rig, uri) of every engine that can run here."""
    kind, spec = request.param
    with rigged(kind, spec, tmp_path) as rig:
        async with serving(service(kind, spec.name, rig.options, rig.context)) as uri:
            yield kind, spec, rig, uri


def sound(text: str, voice: str = "en-us") -> list[Event]:
    """A stream of speech."""
    data = {"rate": 16000, "width": 2, "channels": 1}
    samples = (silence(0.3), speak(text, voice), silence(0.8))
    chunks = [Event("audio-chunk", data, part.tobytes()) for part in samples]
    return [Event("audio-start", data), *chunks, Event("audio-stop")]


async def answer(uri: str, events: list[Event], until: tuple[str, ...]) -> list[Event]:
    """What comes back, up to an event of one of these types."""
    received: list[Event] = []
    async with AsyncClient.from_uri(uri) as client, asyncio.timeout(ANSWER_S):
        for event in events:
            await client.write_event(event)
        while (event := await client.read_event()) is not None:
            received.append(event)
            if event.type in (*until, "error"):
                break
    return received


async def test_it_is_described_and_answers_a_stock_client(served):
    kind, spec, rig, uri = served
    program = getattr(await describe(uri), kind)[0]
    assert (program.name, program.installed) == (spec.name, True)
    if kind == "asr":
        last = (await answer(uri, [Event("transcribe", {}), *sound("what time is it")], ("transcript",)))[-1]
        assert last.type == "transcript", last.data
        assert not rig.heard or last.data["text"].lower() == rig.heard.lower()
    elif kind == "tts":
        events = await answer(uri, [Event("synthesize", {"text": "Hello there."})], ("audio-stop",))
        assert events[-1].type == "audio-stop", events[-1].data
        assert sum(len(event.payload or b"") for event in events) > 4000
    else:
        events = await answer(uri, [Event("detect", {}), *sound("alexa", "en-gb")], ("detection", "not-detected"))
        assert events[-1].type == "detection"
