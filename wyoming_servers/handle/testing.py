"""For tests of tools: an intent server without a network, which is asked sentences and answers as it would aloud."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..shared.house import House
from ..shared.settings import HandleSection, NetworkSection, Settings
from ..shared.tool import Clock
from .router import Answer, Request
from .server import HandleService

_PATIENCE_S = 60.0
"""A busy machine takes longer than people want to wait to load a language."""


class TestHouse:
    """A house with the tools under test. All sentences belong to one conversation."""

    __test__ = False  # pytest would take it for tests

    def __init__(self, runner: asyncio.Runner, service: HandleService) -> None:
        self._runner = runner
        self._service = service

    def ask(self, sentence: str, language: str = "") -> str:
        """What is said to a sentence; empty when nothing is."""
        return self.answer(sentence, language).text

    def answer(self, sentence: str, language: str = "") -> Answer:
        """The same with how it came about: tool, intent, slots, data. language: another than the house's."""
        request = Request(sentence, language=language, conversation_id="test")
        return self._runner.run(self._service.router.answer(request))


@contextmanager
def house(
    folder: Path,
    language: str = "en",
    options: Mapping[str, Any] | None = None,
    house: House | None = None,
    clock: Clock | None = None,
) -> Iterator[TestHouse]:
    """Runs the tools in `<folder>/tools` with the sentences in `<folder>/intents`, and the shipped sentences. Nothing may leave the
    house, and nothing of the owner's is touched.

    options: of the tools, by tool. house: names of rooms, devices and places.
    """
    with tempfile.TemporaryDirectory() as kept, asyncio.Runner() as runner:
        files = {"database": str(Path(kept, "tools.db")), "intents": str(folder / "intents")}
        handle = HandleSection(**files, tools=dict(options or {}), deadline_s=_PATIENCE_S, language_s=_PATIENCE_S)
        settings = Settings(language=language, house=house or House(), handle=handle, network=NetworkSection(egress="deny"))
        service = HandleService(settings, clock, [folder / "tools"])
        runner.run(_begin(service))
        try:
            yield TestHouse(runner, service)
        finally:
            runner.run(service.stop())


async def _begin(service: HandleService) -> None:
    await service.prepare()
    await service.start()
    await service.ready()
