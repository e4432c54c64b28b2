"""A server whose model is being fetched: it answers, says that the model is not here yet, and says when it is."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tts_fakes
from model_server import holding, model_server, status
from own_catalogue import write_catalogue

from wyoming_servers.shared.client import describe
from wyoming_servers.shared.engines import EngineContext, EngineSpec, Model
from wyoming_servers.shared.errors import EngineError
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.settings import ModelsSection, TtsSection
from wyoming_servers.tts.engine import AudioBlock, TtsEngine, TtsRequest
from wyoming_servers.tts.server import TtsService

DATA = b"weights" * 10_000
WAIT_S = 8.0


class FetchingEngine(TtsEngine):
    """Its one voice is the model toy/bricks; it speaks the beginning of its weights."""

    Options = tts_fakes.NoOptions

    @classmethod
    def models(cls, options: Any, context: EngineContext) -> list[Model]:
        return [Model("bricks", "Small", ("en",), "tests", "", installed=context.store.locate("toy", "bricks") is not None)]

    def __init__(self, options: Any, context: EngineContext) -> None:
        self._folder = context.store.ensure("toy", "bricks")

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        yield AudioBlock((self._folder / "toy.bin").read_bytes()[:640], 16_000)


class _Spec(EngineSpec):
    def load_class(self) -> type:
        return FetchingEngine


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TtsService:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    context = EngineContext(store=ModelStore(ModelsSection(folder=str(tmp_path / "models"))))
    return TtsService(TtsSection(engine="toy", fallback=""), context, (_Spec("toy", "", "for tests"),))


async def installed(uri: str) -> bool:
    return (await describe(uri, WAIT_S)).tts[0].voices[0].installed


async def test_describe_is_answered_while_a_model_is_fetched_and_tells_when_it_is_here(serving, service, tmp_path):
    async with model_server(x=DATA) as files:
        files.always["/x"] = holding(1000)
        write_catalogue(tmp_path / "config", f"{files.url}/x")
        async with serving(service) as uri, asyncio.timeout(WAIT_S):
            await files.held.wait()
            assert await asyncio.gather(*(installed(uri) for _ in range(10))) == [False] * 10
            files.released.set()
            await service.host.ready()
            while not await installed(uri):
                pass


async def test_a_request_waits_for_the_model(serving, service, tmp_path):
    async with model_server(x=DATA) as files:
        files.always["/x"] = holding(1000)
        write_catalogue(tmp_path / "config", f"{files.url}/x")
        async with serving(service) as uri, asyncio.timeout(WAIT_S):
            await files.held.wait()
            asking = asyncio.create_task(tts_fakes.ask(uri, tts_fakes.synthesize("hello")))
            assert await installed(uri) is False
            files.released.set()
            assert tts_fakes.pcm(await asking) == DATA[:640]


async def test_a_failed_download_is_told_to_who_asks(serving, service, tmp_path):
    async with model_server() as files:
        files.always["/x"] = status(404)
        write_catalogue(tmp_path / "config", f"{files.url}/x")
        async with serving(service) as uri, asyncio.timeout(WAIT_S):
            with pytest.raises(EngineError):
                await service.host.ready()
            events = await tts_fakes.ask(uri, tts_fakes.synthesize("hello"))
            assert "answers 404 Not Found" in events[-1].data["text"]
            assert await installed(uri) is False
